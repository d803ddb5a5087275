"""What a user meets next is learnt: by networks over items from scratch, and by what titles say."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.datasets.storage import dataset_folder
from app.probes.backbones import BackboneError
from app.probes.baselines.items import predict_item_knn, predict_markov, predict_popularity
from app.probes.data import Part, write_split
from app.probes.inputs import TokenizedTexts
from app.probes.item_networks import ItemBackbone, ItemConfig
from app.probes.loading import load_model
from app.probes.messages import TrainingRecipe, TrialSpec
from app.probes.tasks.sequential_recommendation import Recommendation
from app.probes.trial import Trial
from tests.interactions import histories, stored
from tests.probes.test_ranker_defects import Listener
from tests.probes.test_real_models import L6, model_folder
from tests.probes.test_text_pairs import write_random
from tests.probes.tiny import write_tiny_bert

SASREC = ItemConfig(model_type="sasrec", width=32, n_layers=1, max_length=50)
GRU4REC = ItemConfig(model_type="gru4rec", width=32, n_layers=1, max_length=50)
RECIPE = TrainingRecipe(learning_rate=5e-3, batch_size=16, epochs=8, max_length=16)
N_ASKED = 60


def place_of(
    folder: Path, rows: Sequence[Sequence[int]], *, has_titles: bool = False, n_asked: int = N_ASKED
) -> Path:
    """A data set whose last users are asked about."""
    folder.mkdir(parents=True)
    found = stored(folder, rows, has_titles=has_titles)
    dataset_folder(folder, found.id).rename(folder / "data")
    n_train = len(rows) - n_asked
    write_split(folder / "split.json", np.arange(n_train), np.arange(n_train, len(rows)))
    return folder


def spec_of(place: Path, work: Path, model: Path | None, **changes: Any) -> TrialSpec:
    spec = TrialSpec(
        trial_id="t1",
        model_name="local:tiny@1",
        model_folder=model,
        strategy="full",
        task_type="sequential-recommendation",
        metric="ndcg_at_10",
        dataset_folder=place / "data",
        dataset_id="ds_0000000000000000",
        split_file=place / "split.json",
        folder=work / "trial",
        feature_cache_folder=work / "features",
        feature_cache_bytes=10**8,
        recipe=RECIPE,
    )
    return replace(spec, **changes)


def opened(spec: TrialSpec) -> Trial:
    return Trial(spec, Listener())  # type: ignore[arg-type]


def written_to(folder: Path, config: ItemConfig) -> Path:
    config.write(folder)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users who mostly meet one item after another."""
    return place_of(tmp_path_factory.mktemp("p") / "place", histories(260, 48, seed=0, follows=0.8))


@pytest.mark.parametrize("config", [SASREC, GRU4REC])
def test_a_network_learns_more_than_what_is_popular(place: Path, tmp_path: Path, config: ItemConfig) -> None:
    trial = opened(spec_of(place, tmp_path, written_to(tmp_path / "model", config)))
    popularity = trial._run_baselines().scores[0].metric
    tune = trial._opened()
    begun = tune.advance(1, lambda _: None)
    ended = tune.advance(tune.total_steps, lambda _: None)
    assert ended.loss < begun.loss - 0.5
    assert ended.metric > popularity + 0.2
    assert 0.0 < ended.std_error < 0.1


@pytest.mark.parametrize("config", [SASREC, GRU4REC])
def test_training_that_is_resumed_is_the_same_to_the_bit(
    place: Path, tmp_path: Path, config: ItemConfig
) -> None:
    model = written_to(tmp_path / "model", config)
    whole = opened(spec_of(place, tmp_path / "a", model))._opened().advance(6, lambda _: None)
    spec = spec_of(place, tmp_path / "b", model)
    opened(spec)._opened().advance(3, lambda _: None)
    resumed = opened(spec)._opened().advance(6, lambda _: None)
    assert (resumed.validation_loss, resumed.metric) == (whole.validation_loss, whole.metric)


def test_a_pretrained_network_over_items_of_the_same_users_transfers_to_others(
    tmp_path: Path,
) -> None:
    """The class is learnt on many users of one split; on few of another it beats the same one at random."""
    rows = histories(360, 48, seed=0, follows=0.8)
    many = place_of(tmp_path / "many", rows)
    model = written_to(tmp_path / "model", SASREC)
    learnt = opened(spec_of(many, tmp_path / "many", model))._opened()
    learnt.advance(learnt.total_steps, lambda _: None)
    others = histories(80, 48, seed=1, follows=0.8)
    few = place_of(tmp_path / "few", [*others, *histories(60, 48, seed=2, follows=0.8)])
    begun = opened(spec_of(few, tmp_path / "few", model))._opened()
    random = begun.advance(0, lambda _: None).metric
    by_item = {name: i for i, name in enumerate(learnt._data.train.names)}
    with torch.no_grad():
        begun._model.load_state_dict(learnt._model.state_dict())
        order = [by_item[name] for name in begun._data.train.names]
        begun._model.get_parameter("table").copy_(learnt._model.get_parameter("table")[order])
    assert begun.advance(0, lambda _: None).metric > random + 0.15


def test_training_sees_no_item_that_is_asked_for(place: Path, tmp_path: Path) -> None:
    tune = opened(spec_of(place, tmp_path, written_to(tmp_path / "model", SASREC)))._opened()
    asked, data = tune._validation, tune._data
    assert isinstance(asked, TokenizedTexts)
    for i, sequence in enumerate(data.validation.targets):
        assert asked.ids[asked.starts[i] :][: asked.lengths[i]].tolist() == sequence[:-1][-16:].tolist()
    assert not set(data.train.rows) & set(data.validation.rows)
    assert len(tune._targets) == sum(min(len(s) - 1, 16) for s in data.train.targets)


def test_no_position_sees_what_comes_after_it(tmp_path: Path) -> None:
    for config in (SASREC, GRU4REC):
        network = load_model(written_to(tmp_path / config.model_type, config)).module.eval()
        vectors = torch.randn(1, 8, 32, generator=torch.Generator().manual_seed(0))
        changed = vectors.clone()
        changed[:, 5:] *= -1.0  # a constant would be lost in the norms
        with torch.no_grad():
            before, after = network(vectors), network(changed)
        assert torch.allclose(before[:, :5], after[:, :5], atol=1e-6)
        assert not torch.allclose(before[:, 5:], after[:, 5:], atol=1e-3)


def test_a_network_over_items_has_no_features_and_no_adapters(place: Path, tmp_path: Path) -> None:
    model = written_to(tmp_path / "model", SASREC)
    assert isinstance(load_model(model), ItemBackbone)
    with pytest.raises(BackboneError):
        opened(spec_of(place, tmp_path, model))._report_features()


def test_a_shape_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "sasrec", "width": 8}')
    with pytest.raises(BackboneError, match="n_layers"):
        load_model(tmp_path)


def part_of(sequences: Sequence[Sequence[int]], n_items: int) -> Part:
    values = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        values[i] = np.array(sequence)
    zeros = np.zeros(len(sequences), dtype=np.int64)
    names = tuple(str(i) for i in range(n_items))
    return Part(
        rows=zeros, texts=[""] * len(sequences), labels=zeros, groups=zeros, names=names, values=values
    )


def test_baselines_say_what_they_say_by_hand() -> None:
    train, asked = part_of([[0, 1, 2], [0, 1, 3], [0, 4, 3]], 6), part_of([[0, 1, 2]], 6)
    assert predict_popularity(train, asked, 0).tolist() == [[3, 2, 1, 2, 1, 0]]
    cosines = predict_item_knn(train, asked, 0)[0]
    root = np.sqrt
    expected = [2 / root(6), 2 / root(6), 1 / root(3) + 1 / root(2), 2 / root(6) + 1 / 2, 1 / root(3), 0]
    assert cosines == pytest.approx(expected, abs=1e-6)
    assert predict_markov(train, asked, 0)[0] == pytest.approx([0, 0, 1, 1, 0, 0], abs=1e-6)


def bound(place: Path, sequences: Sequence[Sequence[int]]) -> Recommendation:
    data = opened(spec_of(place, place, None))._load_data()
    values = part_of(sequences, 6)
    return Recommendation(replace(data, train=values, seen=np.arange(len(sequences))))


def test_items_of_the_history_are_left_out_of_the_ranking_unless_they_are_met_again(place: Path) -> None:
    scores = np.array([[9.0, 8.0, 1.0, 2.0, 1.0, 0.0]])
    history = part_of([[0, 1, 2]], 6).targets
    once, again = bound(place, [[0, 1, 2], [3, 4, 5]]), bound(place, [[0, 1, 0], [3, 4, 5]])
    assert once._ranked(scores, history)[0].tolist() == [2]  # behind item 3; level with item 4
    assert again._ranked(scores, history)[0].tolist() == [4]
    met = part_of([[0, 1, 0]], 6).targets
    assert once._ranked(scores, met)[0].tolist() == [6]
    assert again._ranked(scores, met)[0].tolist() == [1]


def test_the_measures_are_those_of_one_relevant_item(place: Path) -> None:
    task, ranks = bound(place, [[0, 1, 2], [3, 4, 5]]), np.array([1, 3, 10, 11])
    assert task.compute("hit_rate_at_10", ranks, ranks) == 0.75
    assert task.compute("ndcg_at_10", ranks, ranks) == pytest.approx((1 + 0.5 + 1 / np.log2(11)) / 4)


def test_titles_are_read_once_and_their_pass_is_kept(tmp_path: Path) -> None:
    place = place_of(tmp_path / "place", histories(120, 48, seed=0, follows=0.5), has_titles=True)
    write_tiny_bert(tmp_path / "model")
    spec = spec_of(place, tmp_path, tmp_path / "model")
    first, again = (opened(spec)._report_features() for _ in range(2))
    assert first.pass_seconds > 0.0 == again.pass_seconds
    assert (first.head_metric, first.transferability) == (again.head_metric, again.transferability)
    assert 0.0 <= first.head_metric <= 1.0
    resumed = [opened(spec)._opened().advance(step, lambda _: None) for step in (2, 4)][-1]
    whole = opened(replace(spec, folder=tmp_path / "whole"))._opened().advance(4, lambda _: None)
    assert resumed.validation_loss == whole.validation_loss


def test_a_model_of_texts_needs_titles(place: Path, tmp_path: Path) -> None:
    write_tiny_bert(tmp_path / "model")
    with pytest.raises(BackboneError, match="titles"):
        opened(spec_of(place, tmp_path, tmp_path / "model"))._opened()


@pytest.mark.weights
def test_what_pretrained_weights_make_of_titles_beats_random_ones_where_users_are_few(tmp_path: Path) -> None:
    source = model_folder(L6)
    rows = histories(240, 120, seed=0, follows=0.0)
    place = place_of(tmp_path / "place", rows, has_titles=True, n_asked=200)
    write_random(source, tmp_path / "random")
    recipe = replace(RECIPE, learning_rate=3e-3, epochs=18)
    frozen, trained = {}, {}
    for name, folder in (("pretrained", source), ("random", tmp_path / "random")):
        spec = spec_of(place, tmp_path / name, folder, model_name=name, recipe=recipe)
        frozen[name] = opened(spec)._report_features().head_metric
        tune = opened(spec)._opened()
        trained[name] = tune.advance(tune.total_steps, lambda _: None).metric
    network = spec_of(place, tmp_path / "items", written_to(tmp_path / "sasrec", SASREC), recipe=recipe)
    tune = opened(network)._opened()
    from_scratch = tune.advance(tune.total_steps, lambda _: None).metric
    popularity = opened(network)._run_baselines().scores[0].metric
    found = (frozen, trained, from_scratch, popularity)
    assert frozen["pretrained"] > max(frozen["random"], popularity) + 0.08, found
    assert trained["pretrained"] > max(trained["random"], from_scratch) + 0.02, found
