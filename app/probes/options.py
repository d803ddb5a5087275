"""What a scheduler could do next: an action, what it leads to, and what it costs to get there."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.probes.plan import Action, ArmPlan, Kind
from app.ranking.probe_model import HEAD, SLICE
from app.ranking.probed import Observation, Prospect
from models_registry.vocabulary import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Something that could be done next.

    Attributes:
        action: What.
        leads_to: What it is worth doing for: what it shows, with what it opens the way to.
        seconds: Predicted cost of getting there.
    """

    action: Action
    leads_to: Prospect
    seconds: float

    @property
    def last(self) -> Observation:
        """What it is done for."""
        return self.leads_to.observations[-1]

    def then(self, other: "Option") -> "Option":
        """This one for the sake of the other, which it opens the way to; both of one candidate."""
        observations = (*self.leads_to.observations, *other.leads_to.observations)
        return Option(
            action=self.action,
            leads_to=Prospect(observations=observations),
            seconds=self.seconds + other.seconds,
        )

    def beside(self, other: "Option") -> "Option":
        """Both of them, each shown beside the other; the cheaper action comes first."""
        first = min(self, other, key=lambda o: o.action.predicted_seconds)
        return Option(
            action=first.action,
            leads_to=Prospect(observations=self.leads_to.observations, beside=other.leads_to.observations),
            seconds=self.seconds + other.seconds,
        )


def pass_option(
    model: int, seconds: float, *, share: float, variance: float, estimators: Sequence[str]
) -> Option:
    """A pass over a candidate's features.

    Args:
        model: The candidate.
        seconds: Predicted.
        share: Of the training data that the pass sees.
        variance: Expected of its score's sampling error, comparable scale.
        estimators: That are listened to.
    """
    shown = (
        Observation(candidate=model, kind=HEAD, share=share, variance=variance),
        *(Observation(candidate=model, kind=name, share=share) for name in estimators),
    )
    action = Action(kind=Kind.FEATURES, model=model, arm=None, until_step=None, predicted_seconds=seconds)
    return Option(action=action, leads_to=Prospect(observations=shown), seconds=seconds)


def slice_options(arm: int, plan: ArmPlan, done: int, variance: float) -> list[Option]:
    """The next slice of an arm, once for each point of its fine-tune that it may be taken to.

    Args:
        arm: Its number.
        plan: Its plan.
        done: Steps so far.
        variance: Expected of a score's sampling error, comparable scale.
    """
    ends = [end for end in plan.slice_ends() if end > done]
    first = Action(
        kind=Kind.SLICE,
        model=plan.model,
        arm=arm,
        until_step=ends[0],
        predicted_seconds=slice_seconds(plan, done, ends[0]),
    )
    found = []
    for number, end in enumerate(ends):
        share = min(end / plan.total_steps, 1.0)
        shown = Observation(candidate=plan.model, kind=kind_of(plan), share=share, variance=variance)
        seconds = slice_seconds(plan, done, end) + number * plan.slice_overhead_seconds
        found.append(Option(action=first, leads_to=Prospect(observations=(shown,)), seconds=seconds))
    return found


def beside_the_leader(options: Sequence[Option], leader: int) -> list[Option]:
    """Each of the others' options beside the same of the leader, where that was not made yet."""
    of_leader = {(o.last.kind, o.last.share): o for o in options if o.last.candidate == leader}
    return [
        o.beside(of_leader[o.last.kind, o.last.share])
        for o in options
        if o.last.candidate != leader and (o.last.kind, o.last.share) in of_leader
    ]


def slice_seconds(plan: ArmPlan, done: int, until: int) -> float:
    """Predicted seconds of a slice between two steps."""
    return max(until - done, 0) * plan.step_seconds + plan.slice_overhead_seconds


def kind_of(arm: ArmPlan) -> str:
    """Of an observation that a slice of this arm makes."""
    return SLICE if arm.strategy is Strategy.FULL else arm.strategy.value
