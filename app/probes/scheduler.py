"""Which piece of work comes next in a probe run: pure decisions on numpy, replayed from their records.

A scheduler is a function of its plan and of the records that it was told, in order. A worker that takes a run
over tells a new scheduler the same records and goes on where the other left off.

Every piece of work is an observation of the final scores (`app.ranking.probed`): a pass over the data with a
head on frozen features, or a slice of a fine-tune. The next one is that which is worth most a second, what it
leads to included, until the answer is good enough, nothing is left to learn, or the budget is spent.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from app.probes.options import Option, beside_the_leader, kind_of, pass_option, slice_options, slice_seconds
from app.probes.plan import OUTCOME_FINISHED, Action, ArmScore, Kind, Record, RunPlan, Stop
from app.probes.states import TrialStatus
from app.ranking.belief import Belief
from app.ranking.evidence import N_SAMPLES, arm_of
from app.ranking.posterior import expected_regret, p_best
from app.ranking.probe_model import HEAD, ProbeModel
from app.ranking.probed import Observation, Probed
from models_registry.vocabulary import Strategy

SLICE_MARGIN = 1.3
"""Predicted costs are right within about 30 %: a slice that the budget cuts off is time for nothing."""
NEGLIGIBLE_VALUE = 1e-6
"""Expected improvement, comparable scale, below which nothing can change the answer any more."""
WIDTHS = (1.0, 2.0, 4.0, 8.0)
"""Times as wide as believed: a belief may be surer than it should be, and a budget is there to be used."""
REFIT_SHARE = 0.5
"""Share of the budget that is kept at most to train the winner on all the data, where that is asked for."""
PACE_SECONDS = 2.0
"""As if so much work had taken what was predicted: one short action says little about all others."""
TYPICAL_VARIANCE = 0.02
"""Of a score's error before any was seen, comparable scale: an accuracy of 0.8 on 300 examples."""
_FAILED = frozenset({TrialStatus.OUT_OF_MEMORY, TrialStatus.DIVERGED, TrialStatus.FAILED})


class Scheduler:
    """Decides what is worth doing next; knows nothing of clocks, processes or databases."""

    def __init__(self, plan: RunPlan, model: ProbeModel, records: Sequence[Record] = ()) -> None:
        self.plan = plan
        self._model = model
        self._featured: set[int] = set(plan.from_scratch)
        self._ended: dict[int, TrialStatus] = {}
        self._steps: dict[int, int] = {}
        self._frozen: dict[int, tuple[float, float]] = {}
        self._estimators: dict[int, Mapping[str, float]] = {}
        self._slices: dict[int, tuple[int, float, float]] = {}
        self._probed: Probed | None = None
        self.measured_seconds = 0.0
        self.predicted_seconds = 0.0
        for record in records:
            self.tell(record)

    def tell(self, record: Record) -> None:
        """Take in what came of an action."""
        self._probed = None
        self.measured_seconds += record.seconds
        match record.kind:
            case Kind.FEATURES:
                self._tell_features(record)
            case Kind.SLICE:
                self._tell_slice(record)

    def _tell_features(self, record: Record) -> None:
        self._featured.add(record.model)
        self.predicted_seconds += self.plan.feature_seconds[record.model]
        arms = [arm for arm, plan in enumerate(self.plan.arms) if plan.model == record.model]
        if record.outcome != OUTCOME_FINISHED:
            self._ended |= {arm: TrialStatus(record.outcome) for arm in arms}
            return
        if record.score is not None:
            self._frozen[record.model] = (record.score, record.std_error)
            self._estimators[record.model] = record.estimators
        heads = [arm for arm in arms if self.plan.arms[arm].strategy is Strategy.HEAD]
        self._ended |= dict.fromkeys(heads, TrialStatus.FINISHED)

    def _tell_slice(self, record: Record) -> None:
        arm = record.arm
        if arm is None:
            raise ValueError("a slice belongs to an arm")
        plan = self.plan.arms[arm]
        self.predicted_seconds += slice_seconds(plan, self._steps.get(arm, 0), record.step)
        if record.outcome != OUTCOME_FINISHED:
            self._ended[arm] = TrialStatus(record.outcome)
            return
        self._steps[arm] = record.step
        if record.score is not None:
            self._slices[arm] = (record.step, record.score, record.std_error)
        if record.step >= plan.total_steps:
            self._ended[arm] = TrialStatus.FINISHED

    @property
    def probed(self) -> Probed:
        """The prior with everything told."""
        if self._probed is None:
            found = [self._of_head(model, *seen) for model, seen in sorted(self._frozen.items())]
            for model, scores in sorted(self._estimators.items()):
                found += self._of_estimators(model, scores)
            found += [self._of_slice(arm, *seen) for arm, seen in sorted(self._slices.items())]
            self._probed = Probed(
                prior=self.plan.belief,
                model=self._model,
                groups=self.plan.groups,
                observations=tuple(found),
                extent=self.plan.extent,
                strategies=self.plan.adapted,
            )
        return self._probed

    def belief(self) -> Belief:
        """The belief after everything told, over the arms of every candidate."""
        return self.probed.belief

    def _of_head(self, model: int, score: float, error: float) -> Observation:
        value, variance = self._comparable(score, error)
        share = self.plan.features_share
        return Observation(candidate=model, kind=HEAD, share=share, value=value, variance=variance)

    def _of_estimators(self, model: int, scores: Mapping[str, float]) -> list[Observation]:
        share = self.plan.features_share
        return [
            Observation(candidate=model, kind=name, share=share, value=scores[name])
            for name in self._model.estimators
            if name in scores
        ]

    def _of_slice(self, arm: int, step: int, score: float, error: float) -> Observation:
        plan = self.plan.arms[arm]
        value, variance = self._comparable(score, error)
        share = min(step / plan.total_steps, 1.0)
        return Observation(
            candidate=plan.model, kind=kind_of(plan), share=share, value=value, variance=variance
        )

    def _comparable(self, score: float, error: float) -> tuple[float, float]:
        y, variance = self.plan.metric.measured(score, error)
        return float(y), float(variance)

    def _typical_variance(self) -> float:
        """Of the error of a score that is yet to come."""
        seen = [self._comparable(*found)[1] for found in self._frozen.values()]
        return float(np.mean(seen)) if seen else TYPICAL_VARIANCE

    def scores(self) -> dict[int, ArmScore]:
        """The newest score of every arm that has one."""
        found = {}
        for arm, plan in enumerate(self.plan.arms):
            if plan.strategy is Strategy.HEAD and plan.model in self._frozen:
                share = self.plan.features_share
                found[arm] = self._arm_score(plan.model, HEAD, share, *self._frozen[plan.model])
            elif arm in self._slices:
                step, value, error = self._slices[arm]
                share = 1.0 if arm in self._ended else min(step / plan.total_steps, 1.0)
                found[arm] = self._arm_score(plan.model, kind_of(plan), share, value, error)
        return found

    def _arm_score(self, model: int, kind: str, share: float, value: float, error: float) -> ArmScore:
        rest = self._model.relation(self.plan.groups[model], kind, share).own
        return ArmScore(value=value, std_error=error, extrapolation_variance=rest, fraction=share)

    def rankable(self) -> list[int]:
        """Arms that can still be the answer: all but those that failed.

        A slice that the end of the budget cut off says nothing against its arm.
        """
        return [arm for arm in range(len(self.plan.arms)) if self._ended.get(arm) not in _FAILED]

    def status(self, arm: int) -> TrialStatus:
        """Where an arm stands between actions."""
        if arm in self._ended:
            return self._ended[arm]
        return TrialStatus.PAUSED if self._steps.get(arm) else TrialStatus.WAITING

    def position(self, arm: int) -> int:
        """Index of an arm in the belief."""
        return self.plan.position(arm)

    def next(self, remaining_seconds: float) -> Action | Stop:
        """The next action, or why the run ends.

        Args:
            remaining_seconds: Of the budget.
        """
        if not self.rankable():
            return Stop(reason="every candidate failed", detail={})
        enough = self._good_enough()
        if enough is not None:
            return enough
        options = self._options()
        if not options:
            return Stop(reason="every arm is trained to its end", detail=self._detail())
        pace = self.pace()
        remaining_seconds -= self._kept_back(remaining_seconds)
        affordable = [o for o in options if self._reserve(o) * pace <= remaining_seconds]
        if not affordable:
            return Stop(reason="the budget has no room for another piece of work", detail=self._detail())
        return self._best(affordable, remaining_seconds / pace)

    def _options(self) -> list[Option]:
        """Everything that could be done next, once for each observation that it leads to."""
        found, variance = list[Option](), self._typical_variance()
        for model, seconds in enumerate(self.plan.feature_seconds):
            arms = self._open_arms(model)
            slices = [
                option
                for arm in arms
                for option in slice_options(arm, self.plan.arms[arm], self._steps.get(arm, 0), variance)
            ]
            if model in self._featured:
                found += slices
            elif arms or not self._has_ended(model):
                first = pass_option(
                    model,
                    seconds,
                    share=self.plan.features_share,
                    variance=variance,
                    estimators=self._model.estimators,
                )
                found += [first, *(first.then(option) for option in slices)]
        return found + beside_the_leader(found, self._leader())

    def _open_arms(self, model: int) -> list[int]:
        arms = enumerate(self.plan.arms)
        return [a for a, p in arms if p.model == model and p.total_steps > 0 and a not in self._ended]

    def _has_ended(self, model: int) -> bool:
        return all(a in self._ended for a, p in enumerate(self.plan.arms) if p.model == model)

    @staticmethod
    def _reserve(option: Option) -> float:
        """Seconds that must be left for an option's first action to be started."""
        margin = SLICE_MARGIN if option.action.kind is Kind.SLICE else 1.0
        return option.action.predicted_seconds * margin

    def _best(self, options: Sequence[Option], remaining: float) -> Action | Stop:
        """The first action of the option with the highest value a second that the budget can see through.

        Where nothing is worth anything, it is that of a wider belief.
        """
        within = [o for o in options if o.seconds <= remaining] or list(options)
        arms = np.array(sorted({self.position(a) for a in self.rankable()}), dtype=np.intp)
        slopes = self.probed.slopes([o.leads_to for o in within], arms)
        for width in WIDTHS:
            values = self.probed.gains(width * slopes, arms)
            if values.max() >= NEGLIGIBLE_VALUE:
                rates = values / np.maximum([o.seconds for o in within], 1e-9)
                return within[int(np.argmax(rates))].action
        return self._look_at_leader(within) or Stop(
            reason="nothing that the rest of the budget pays for can change the answer", detail=self._detail()
        )

    def _look_at_leader(self, options: Sequence[Option]) -> Action | None:
        """A pass over the leader where it was never looked at: no answer without a measurement.

        Of what begins at random it is a slice.
        """
        leader = self._leader()
        if self._was_looked_at(leader):
            return None
        kind = Kind.SLICE if leader in self.plan.from_scratch else Kind.FEATURES
        return next((o.action for o in options if o.action.kind is kind and o.action.model == leader), None)

    def _was_looked_at(self, model: int) -> bool:
        if model not in self.plan.from_scratch:
            return model in self._featured
        return any(self.plan.arms[arm].model == model for arm in self._slices)

    def _good_enough(self) -> Stop | None:
        """Whether the leader has been looked at and leads by enough."""
        if self.plan.stop_p_best > 1.0 and self.plan.stop_regret < 0.0:
            return None  # as in replays: nothing is good enough, so the draws that tell are spared
        probability, regret = self.standing()
        if not self._was_looked_at(self._leader()):
            return None
        detail = {"p_best": probability, "expected_regret": regret}
        if probability >= self.plan.stop_p_best:
            return Stop(reason="P(best) reached", detail=detail)
        if regret <= self.plan.stop_regret:
            return Stop(reason="expected regret reached", detail=detail)
        return None

    def _better_arms(self) -> dict[int, int]:
        """Position of the better arm of every model that can still be the answer."""
        mean, best = self.belief().mean, dict[int, int]()
        for arm in self.rankable():
            model, position = self.plan.arms[arm].model, self.position(arm)
            if model not in best or mean[position] > mean[best[model]]:
                best[model] = position
        return best

    def _leader(self) -> int:
        best = self._better_arms()
        return max(sorted(best), key=lambda model: self.belief().mean[best[model]])

    def standing(self) -> tuple[float, float]:
        """P(best) and expected regret (metric units) of the model that leads, each by its better arm."""
        belief, best = self.belief(), self._better_arms()
        positions = np.array(sorted(best.values()), dtype=np.intp)
        draws = belief.sample_relative(N_SAMPLES, self.plan.seed)[:, positions]
        leader = int(np.argmax(belief.mean[positions]))
        return float(p_best(draws)[leader]), expected_regret(
            draws.max(axis=1), draws[:, leader], self.plan.metric
        )

    def _detail(self) -> dict[str, float]:
        probability, regret = self.standing()
        return {"p_best": probability, "expected_regret": regret}

    def leading_arm(self) -> int:
        """The arm with the highest expected score of those that can still be the answer."""
        mean = self.belief().mean
        return max(self.rankable(), key=lambda arm: mean[self.position(arm)])

    def _kept_back(self, remaining_seconds: float) -> float:
        """Seconds that must be left to train the leading arm on all the data."""
        if not any(arm.refit_seconds for arm in self.plan.arms):
            return 0.0
        wanted = SLICE_MARGIN * self.plan.arms[self.leading_arm()].refit_seconds * self.pace()
        return min(wanted, REFIT_SHARE * (self.measured_seconds + remaining_seconds))

    def pace(self) -> float:
        """Measured over predicted seconds so far: only ever used to see that the budget is not overrun."""
        return (self.measured_seconds + PACE_SECONDS) / (self.predicted_seconds + PACE_SECONDS)


def best_of_each(scheduler: Scheduler, arms: Iterable[int]) -> list[int]:
    """Of every candidate its head and the likeliest best of its arms that train, of these arms."""
    mean = scheduler.belief().mean
    best: dict[tuple[int, int], int] = {}
    for arm in arms:
        plan = scheduler.plan.arms[arm]
        key = plan.model, arm_of(plan.strategy)
        if key not in best or mean[scheduler.position(arm)] > mean[scheduler.position(best[key])]:
            best[key] = arm
    return sorted(best.values())
