"""The belief after probes: agreement with the joint Gaussian it stands for."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.ranking.belief import Belief
from app.ranking.probe_model import HEAD, SLICE, Extent, Group, probe_model_from_json, probe_model_to_json
from app.ranking.probed import Observation, Probed, Prospect
from tests.unit.probe_models import MODEL, SHARES

Array = NDArray[np.float64]

N = 3


def tuned_belief() -> Belief:
    rng = np.random.default_rng(3)
    root = rng.standard_normal((N, N))
    return Belief(
        mean=np.array([1.0, 1.2, 0.8]), covariance=root @ root.T / 4 + 0.1 * np.eye(N), level_variance=0.5
    )


OBSERVED = (
    Observation(candidate=0, kind=HEAD, share=0.5, value=0.3, variance=0.02),
    Observation(candidate=1, kind=HEAD, share=0.5, value=0.5, variance=0.02),
    Observation(candidate=0, kind="h_score", share=0.5, value=0.9),
    Observation(candidate=0, kind="logme", share=0.5, value=1.1),
    Observation(candidate=0, kind=SLICE, share=0.25, value=0.6, variance=0.03),
    Observation(candidate=2, kind=SLICE, share=0.5, value=0.9, variance=0.03),
)


GROUPS = (Group.LAYERED, Group.LAYERED, Group.STATIC)


def prior() -> Belief:
    return MODEL.joined(tuned_belief(), GROUPS)


def probed(*observations: Observation) -> Probed:
    return Probed(prior(), MODEL, GROUPS, observations)


def alone(observation: Observation) -> Prospect:
    return Prospect(observations=(observation,))


def joint(observations: Sequence[Observation]) -> tuple[Array, Array]:
    """Mean and covariance of the final scores followed by these observations, built by hand."""
    size, k = 2 * N, len(observations)
    rows, noise, offsets = np.zeros((k, size)), np.zeros((k, k)), np.zeros(k)
    found = [MODEL.probes[o.kind][GROUPS[o.candidate]].at(o.share) for o in observations]
    for i, (a, ra) in enumerate(zip(observations, found, strict=True)):
        rows[i, 2 * a.candidate], rows[i, 2 * a.candidate + 1] = ra.tuned, ra.frozen
        offsets[i] = ra.intercept
        for j, (b, rb) in enumerate(zip(observations, found, strict=True)):
            if a.kind == b.kind and GROUPS[a.candidate] == GROUPS[b.candidate]:
                noise[i, j] = (
                    ra.shared * rb.shared * (1.0 if a.share == b.share else MODEL.shared_correlation)
                )
            if i == j:
                noise[i, j] += ra.own + a.variance
                continue
            noise[i, j] += (1.0 - MODEL.own_error) * np.sqrt(a.variance * b.variance)
            if a.candidate == b.candidate and {a.kind, b.kind} == {"logme", "h_score"}:
                noise[i, j] += 0.6 * np.sqrt(ra.own * rb.own)
    lifted = np.vstack([np.eye(size), rows])
    covariance = lifted @ prior().covariance @ lifted.T
    covariance[size:, size:] += noise
    return np.concatenate([prior().mean, rows @ prior().mean + offsets]), covariance


def conditioned(mean: Array, covariance: Array, values: Array, seen: slice) -> tuple[Array, Array]:
    gain = covariance[:, seen] @ np.linalg.inv(covariance[seen, seen])
    return mean + gain @ (values - mean[seen]), covariance - gain @ covariance[seen, :]


def test_belief_is_that_of_the_joint_gaussian() -> None:
    mean, covariance = joint(OBSERVED)
    expected = conditioned(mean, covariance, np.array([o.value for o in OBSERVED]), slice(2 * N, None))
    belief = probed(*OBSERVED).belief
    np.testing.assert_allclose(belief.mean, expected[0][: 2 * N], atol=1e-6)
    np.testing.assert_allclose(belief.covariance, expected[1][: 2 * N, : 2 * N], atol=1e-6)


def test_effect_of_observations_is_their_covariance_given_the_rest() -> None:
    wanted = (
        Observation(candidate=1, kind=SLICE, share=0.25, variance=0.03),
        Observation(candidate=2, kind=HEAD, share=0.5, variance=0.02),
        Observation(candidate=0, kind=SLICE, share=0.5, variance=0.03),
    )
    mean, covariance = joint((*OBSERVED, *wanted))
    seen = slice(2 * N, 2 * N + len(OBSERVED))
    _, left = conditioned(mean, covariance, np.array([o.value for o in OBSERVED]), seen)
    new = left[-len(wanted) :]
    expected = new[:, : 2 * N] / np.sqrt(np.diag(left)[-len(wanted) :])[:, None]
    effects = probed(*OBSERVED).effects([alone(w) for w in wanted])
    np.testing.assert_allclose(effects, expected, atol=1e-6)


def test_observations_made_together_say_as_much_of_their_fine_tune_as_all_of_them() -> None:
    group = (
        Observation(candidate=1, kind=HEAD, share=0.5, variance=0.02),
        Observation(candidate=1, kind="logme", share=0.5),
        Observation(candidate=1, kind="h_score", share=0.5),
    )
    effect = probed(*OBSERVED[:1]).effects([Prospect(observations=tuple(group))])[0]
    before = probed(*OBSERVED[:1]).belief.variance[2]
    after = probed(OBSERVED[0], *group).belief.variance[2]
    assert effect[2] ** 2 == pytest.approx(before - after, rel=1e-4)


def test_nothing_observed_leaves_the_prior() -> None:
    held = prior()
    belief = Probed(held, MODEL, GROUPS).belief
    np.testing.assert_array_equal(belief.mean, held.mean)
    np.testing.assert_array_equal(belief.covariance, held.covariance)


def test_finished_fine_tune_is_its_score_but_for_the_sampling_error() -> None:
    belief = probed(Observation(candidate=1, kind=SLICE, share=1.0, value=2.0, variance=1e-8)).belief
    assert belief.mean[2] == pytest.approx(2.0, abs=1e-4)
    assert belief.variance[2] == pytest.approx(0.0, abs=1e-4)


def test_order_of_the_observations_does_not_matter() -> None:
    forward, backward = probed(*OBSERVED).belief, probed(*OBSERVED[::-1]).belief
    np.testing.assert_allclose(forward.mean, backward.mean, atol=1e-9)


def test_figures_count_for_what_they_were_found_to_be_worth() -> None:
    tuned, joined = tuned_belief(), prior()
    middle, worth = tuned.mean.mean(), MODEL.figures
    np.testing.assert_allclose(joined.mean[::2] - middle, worth.slope * (tuned.mean - middle))
    apart = np.eye(N) - 1.0 / N
    np.testing.assert_allclose(
        apart @ joined.covariance[::2, ::2] @ apart, worth.variance * apart @ tuned.covariance @ apart
    )
    level = (tuned.covariance + tuned.level_variance).mean()
    assert joined.covariance[::2, ::2].mean() == pytest.approx(level)


def test_more_of_the_training_is_worth_more() -> None:
    wanted = [alone(Observation(candidate=1, kind=SLICE, share=s, variance=0.02)) for s in SHARES]
    assert all(np.diff(probed().values(wanted, np.arange(0, 2 * N, 2))) > 0.0)


def test_noisier_observation_is_worth_less() -> None:
    wanted = [
        alone(Observation(candidate=1, kind=SLICE, share=0.5, variance=v)) for v in (0.0, 0.05, 0.5, 5.0)
    ]
    values = probed().values(wanted, np.arange(0, 2 * N, 2))
    assert all(np.diff(values) < 0.0)
    assert values[-1] > 0.0


def test_two_candidates_side_by_side_tell_what_neither_tells_alone_of_data_of_unknown_difficulty() -> None:
    belief = Belief(mean=np.array([1.0, 1.3]), covariance=0.05 * np.eye(2), level_variance=2.0)
    groups = (Group.LAYERED, Group.LAYERED)
    unseen = Probed(MODEL.joined(belief, groups), MODEL, groups)
    first, second = (Observation(candidate=m, kind=SLICE, share=1.0, variance=0.01) for m in range(2))
    wanted = [alone(first), alone(second), Prospect(observations=(first,), beside=(second,))]
    *single, pair = unseen.values(wanted, np.array([0, 2]))
    assert pair > 10.0 * max(single)
    # Once the one is seen, what the other adds is what the pair was worth.
    seen = Probed(unseen.prior, MODEL, groups, (replace(second, value=float(unseen.prior.mean[2])),))
    assert seen.values([alone(first)], np.array([0, 2]))[0] == pytest.approx(pair, rel=0.2)


def test_effect_of_a_pair_is_that_of_the_difference_it_foretells() -> None:
    first = Observation(candidate=0, kind=SLICE, share=0.5, variance=0.03)
    second = Observation(candidate=1, kind=SLICE, share=0.5, variance=0.03)
    mean, covariance = joint((first, second))
    asked = np.zeros(len(mean))
    asked[0], asked[2] = 1.0, -1.0
    seen = covariance[2 * N :, 2 * N :]
    weights = np.linalg.solve(seen, covariance[2 * N :] @ asked)
    expected = weights @ covariance[2 * N :, : 2 * N] / np.sqrt(weights @ seen @ weights)
    found = probed().effects([Prospect(observations=(first,), beside=(second,))])[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_observing_what_is_known_is_worth_nothing() -> None:
    known = [Observation(candidate=m, kind=SLICE, share=1.0, value=1.0 + m, variance=1e-9) for m in range(N)]
    wanted = [alone(Observation(candidate=1, kind=SLICE, share=1.0, variance=0.02))]
    assert probed(*known).values(wanted, np.arange(0, 2 * N, 2))[0] == pytest.approx(0.0, abs=1e-9)


def test_what_a_group_shares_says_little_about_its_order() -> None:
    def seen(shift: float) -> Array:
        values = (2.0 + shift, 2.1 + shift)
        return probed(
            *(
                Observation(candidate=m, kind=SLICE, share=0.25, value=v, variance=0.01)
                for m, v in enumerate(values)
            )
        ).belief.mean[:4:2]

    moved = seen(0.0) - seen(-0.5)
    assert np.ptp(moved) < 0.25 * moved.mean()


def test_relation_between_two_shares_lies_between_theirs() -> None:
    slices = MODEL.probes[SLICE][Group.LAYERED]
    assert slices.at(np.sqrt(0.25 * 0.5)).tuned == pytest.approx(0.7)
    assert slices.at(0.01) == slices.at(0.25)


def test_listening_to_fewer_estimators_keeps_what_is_known_of_them() -> None:
    fewer = MODEL.listening_to(["logme"])
    assert fewer.estimators == ("logme",)
    assert fewer.probes["logme"] == MODEL.probes["logme"]
    np.testing.assert_array_equal(fewer.correlation, [[1.0]])


def test_model_is_read_as_it_was_written() -> None:
    again = probe_model_from_json(probe_model_to_json(MODEL))
    assert probe_model_to_json(again) == probe_model_to_json(MODEL)


def test_data_that_a_run_leaves_out_are_allowed_for() -> None:
    whole, part = (MODEL.relation(Group.LAYERED, SLICE, 1.0, Extent(missing=m)) for m in (0.0, 2.0))
    assert part.intercept == pytest.approx(whole.intercept - 0.2 * (1 + 0.8))
    assert part.own == pytest.approx(whole.own + 0.01 * (1 + 0.8**2))
    assert part.shared == pytest.approx(np.sqrt(whole.shared**2 + 0.03 * (1 + 0.8**2)))


def test_doublings_of_more_data_bring_less() -> None:
    as_recorded, larger = (
        MODEL.relation(Group.LAYERED, HEAD, 0.5, Extent(beyond=b, missing=1.0)) for b in (0.0, 2.0)
    )
    assert larger.intercept == pytest.approx(0.8**2 * as_recorded.intercept)
    assert larger.shared == pytest.approx(0.8**2 * as_recorded.shared)


def with_lora() -> Belief:
    return MODEL.joined(tuned_belief(), GROUPS, ["lora"])


def test_an_adapted_models_final_score_follows_from_its_fine_tune_and_its_head() -> None:
    both, belief, end = prior(), with_lora(), MODEL.adapted["lora"]
    kept = np.array([i for i in range(3 * N) if i % 3 < 2])
    np.testing.assert_allclose(belief.subset(kept).covariance, both.covariance)
    np.testing.assert_allclose(
        belief.mean[2::3], end.intercept + end.tuned * both.mean[::2] + end.frozen * both.mean[1::2]
    )
    lift = np.array([end.tuned, end.frozen])
    expected = lift @ both.covariance[:2, 2:4] @ lift + end.shared**2
    assert belief.covariance[2, 5] == pytest.approx(expected)
    assert belief.covariance[2, 2] == pytest.approx(
        lift @ both.covariance[:2, :2] @ lift + end.shared**2 + end.own
    )


def test_a_slice_of_an_adapted_model_is_about_its_own_final_score() -> None:
    slice_of = Observation(candidate=1, kind="lora", share=0.5, value=0.7, variance=0.03)
    found = Probed(with_lora(), MODEL, GROUPS, (slice_of,), strategies=("lora",)).belief
    before, relation = with_lora(), MODEL.probes["lora"][Group.LAYERED].at(0.5)
    row = np.zeros(3 * N)
    row[5], row[4] = relation.tuned, relation.frozen
    crossed = before.covariance @ row
    variance = row @ crossed + relation.shared**2 + relation.own + slice_of.variance
    surprise = slice_of.value - relation.intercept - row @ before.mean
    np.testing.assert_allclose(found.mean, before.mean + crossed * surprise / variance, atol=1e-6)


def test_finished_adapted_model_is_its_score_but_for_the_sampling_error() -> None:
    end = Observation(candidate=1, kind="lora", share=1.0, value=0.7, variance=1e-6)
    belief = Probed(with_lora(), MODEL, GROUPS, (end,), strategies=("lora",)).belief
    assert belief.mean[5] == pytest.approx(0.7, abs=1e-3)
    assert belief.variance[5] < 1e-4


def test_a_model_that_listens_to_no_estimator_survives_json() -> None:
    model = MODEL.listening_to(())
    again = probe_model_from_json(json.loads(json.dumps(probe_model_to_json(model))))
    assert again.estimators == ()
    assert again.correlation.shape == (0, 0)
