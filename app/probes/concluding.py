"""What a run says at its end beyond the single best: a blend of the probed, and scores group by group.

Kept with the run as JSON; members are named by model and strategy.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.probes.artifact_files import explanations_file
from app.probes.comparing import best_score, probability_better
from app.probes.explanations import METHOD, N_EXPLAINED, N_SAMPLES
from app.probes.journal import Journal
from app.probes.lease import Lease
from app.probes.planning import Prepared
from app.probes.reviews import LEAST_OF_GROUP, ReviewReport
from app.probes.scheduler import Scheduler, best_of_each
from app.probes.trials import TrialPool
from app.probes.work_costs import LOAD_SECONDS
from app.ranking.phrases import Language, say
from app.ranking.posterior import TIE_PROBABILITY
from benchmarks.metrics import Direction

MOST_MEMBERS = 10
"""Arms that a blend is looked for among, the best as measured: more cost time and hardly take part."""
LEAST_SECONDS = 5.0
"""To look at predictions once more, whatever is left: a budget may be overrun by as much."""

EXPLAINED_SHARE = 0.2
"""Of a budget, at most kept back for explaining."""
EXPORT_SECONDS = 2.0
"""To write a model of a hundred million parameters out and read it again."""
SURE = 0.05
"""A gap that chance makes more seldom than this is worth a word."""
MOST_SHOWN = 60
"""Characters of a group's name."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluding:
    """The end of a run's probing.

    Attributes:
        journal: Writes the run.
        lease: Of the run.
        pool: Its trials.
        prepared: Its plan.
        data_dir: Where what is kept goes.
        blend: Whether a blend was asked for.
        explain: Whether predictions are to be explained.
        has_groups: Whether the data name groups that are compared.
        language: Of the sentences.
    """

    journal: Journal
    lease: Lease
    pool: TrialPool
    prepared: Prepared
    data_dir: Path
    blend: bool
    explain: bool
    has_groups: bool
    language: Language

    def run(self, scheduler: Scheduler) -> str:
        """Keep what a look at all predictions says; returns it in words, empty where nobody asked.

        Raises:
            InterruptedTrialError: The run was interrupted.
        """
        self._compare_with_baselines()
        said = []
        if self.blend or self.has_groups:
            kept = self.journal.run_row().review or self._review(scheduler)
            said.append(str(kept["said"]))
        if self.explain:
            said.append(self._explain(scheduler))
        return "; ".join(filter(None, said))

    @property
    def reserved_seconds(self) -> float:
        """Kept back from the budget for explaining whichever arm wins."""
        if not self.explain:
            return 0.0
        plan = self.prepared.plan
        passes = max((arm.example_seconds for arm in plan.arms), default=0.0) * N_SAMPLES * N_EXPLAINED
        loading = 2.0 * LOAD_SECONDS + EXPORT_SECONDS
        return min(loading + passes, EXPLAINED_SHARE * self.journal.run_row().budget_seconds)

    def _explain(self, scheduler: Scheduler) -> str:
        """Words or regions that moved the winner's predictions are kept in a file; why not, in words."""
        path = explanations_file(self.data_dir, self.lease.run_id)
        members = self._members(scheduler)
        if path.exists() or not members:
            return "" if members else "nothing was measured that could be explained"
        self.journal.say("explaining predictions")
        arm = self._leader(members)
        with self.lease.metered():
            left = max(self.journal.remaining_seconds(), LEAST_SECONDS)
            report, seconds, why = self.pool.explain(arm, left, self.lease.interrupted)
            self.journal.charge(seconds)
        if report is None:
            return f"its predictions could not be explained: {why}"
        path.parent.mkdir(exist_ok=True)
        scratch = path.with_suffix(".tmp")
        scratch.write_text(json.dumps({**self._member(arm), "method": METHOD, **asdict(report)}))
        scratch.replace(path)
        return ""

    def _compare_with_baselines(self) -> None:
        """Whoever may do as well without a pretrained model is told so."""
        row = self.journal.run_row()
        best = best_score(row.baselines)
        if best is None or not row.ranking:
            return
        p = probability_better(best["score"], row.ranking[0]["score"])
        if p >= TIE_PROBABILITY:
            name, mean = best["name"], best["score"]["mean"]
            self.journal.warn(say("baseline_close", self.language, name=name, mean=mean, p=p))

    def _review(self, scheduler: Scheduler) -> Json:
        members = self._members(scheduler)
        if not members:
            kept: Json = {"said": "no predictions were left to compare" if self.blend else ""}
            self.journal.review(kept)
            return kept
        self.journal.say("comparing predictions")
        with self.lease.metered():
            left = max(self.journal.remaining_seconds(), LEAST_SECONDS)
            report, seconds = self.pool.review(
                members, self._leader(members), self.blend, left, self.lease.interrupted
            )
            kept = self._kept(report)
            self.journal.review(kept, charged=seconds)
        return kept

    def _members(self, scheduler: Scheduler) -> list[int]:
        """Arms whose predictions are there, the best as measured first."""
        scores = scheduler.scores()
        sign = 1.0 if scheduler.plan.metric.direction is Direction.HIGHER else -1.0
        arms = [arm for arm in best_of_each(scheduler, list(scores)) if self.pool.has_outputs(arm)]
        return sorted(arms, key=lambda arm: -sign * scores[arm].value)[:MOST_MEMBERS]

    def _leader(self, members: Sequence[int]) -> int:
        """The ranking's first whose predictions are there."""
        named = {self._named(arm): arm for arm in members}
        rows = self.journal.run_row().ranking
        ranked = ((str(row["model"]["name"]), str(row["strategy"])) for row in rows)
        return next((named[name] for name in ranked if name in named), members[0])

    def _named(self, arm: int) -> tuple[str, str]:
        found = self.prepared.plan.arms[arm]
        return self.prepared.plan.names[found.model], found.strategy.value

    def _member(self, arm: int) -> Json:
        model, strategy = self._named(arm)
        return {"model": model, "strategy": strategy}

    def _kept(self, report: ReviewReport | None) -> Json:
        if report is None:
            return {"said": "predictions could not be compared in the time that was left"}
        kept: Json = {
            "groups": [
                {**asdict(found), "member": self._member(int(found.member))} for found in report.groups
            ],
            "n_unmeasured_groups": report.n_unmeasured,
            "said": self._said(report),
            "warnings": self._warnings(report),
        }
        if report.blend is not None:
            members = [
                {**self._member(int(arm)), "weight": weight} for arm, weight in report.blend.weights.items()
            ]
            ordered = sorted(members, key=lambda member: -member["weight"])
            kept["blend"] = {**asdict(report.blend), "weights": None, "members": ordered}
        return kept

    def _warnings(self, report: ReviewReport) -> list[str]:
        """Of groups that are too small to be scored, or on one of which the first is worse than by chance."""
        found = []
        if report.n_unmeasured:
            n = report.n_unmeasured
            found.append(say("groups_unmeasured", self.language, n=n, least=LEAST_OF_GROUP))
        first = report.groups[0] if report.groups else None
        if first is not None and first.p_value is not None and first.p_value < SURE:
            model, strategy = self._named(int(first.member))
            best, worst = first.scores[0], first.scores[-1]
            found.append(
                say(
                    "group_gap",
                    self.language,
                    model=f"{model} ({strategy})",
                    best=best.group[:MOST_SHOWN],
                    worst=worst.group[:MOST_SHOWN],
                    high=best.metric,
                    low=worst.metric,
                    p=first.p_value,
                )
            )
        return found

    def _said(self, report: ReviewReport) -> str:
        if not self.blend:
            return ""
        blend = report.blend
        if blend is None:
            return "no blend of the probed is better than one of them alone"
        return (
            f"a blend of {len(blend.weights)} scores {blend.metric:.3f} on examples that its weights were "
            f"not chosen on, {blend.gain:+.4f} +- {blend.gain_std_error:.4f} to the first alone"
        )
