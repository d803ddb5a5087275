"""The end of a run that asked for it: its winner is trained on all the data and kept for its user."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.datasets.split import subsample
from app.probes.artifact_files import ARTIFACTS, FOLDER
from app.probes.blend_row import ENSEMBLE
from app.probes.data import write_split
from app.probes.journal import Journal
from app.probes.lease import Lease
from app.probes.messages import Export, Refit
from app.probes.plan import OUTCOME_FINISHED
from app.probes.planning import Prepared
from app.probes.refit_plan import HEAD_START, RefitPlan, plan_refit
from app.probes.sample import RunData
from app.probes.sample_size import MOST_WORDS_SEEN
from app.probes.scheduler import SLICE_MARGIN, Scheduler
from app.probes.states import TrialStatus
from app.probes.trials import REFIT, REFIT_SPLIT, TrialPool, TrialResult
from models_registry.vocabulary import Strategy

_BLOCK = 2**20
LEAST_SECONDS = 5.0
"""To write out what has been trained, whatever is left: a budget may be overrun by as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refitting:
    """The last part of a run.

    Attributes:
        journal: Writes the run.
        lease: Of the run.
        pool: Its trials.
        prepared: Its plan.
        data: Its examples.
        data_dir: Where what is kept goes.
    """

    journal: Journal
    lease: Lease
    pool: TrialPool
    prepared: Prepared
    data: RunData
    data_dir: Path

    @property
    def kept_decision(self) -> str | None:
        """Why the probing had ended before another worker began with this; None where none has."""
        kept = self.journal.run_row().refit or {}
        return kept["decision"] if "plan" in kept else None

    def run(self, scheduler: Scheduler, decision: str) -> str:
        """Train the winner and keep it; returns what came of it, in words.

        Args:
            scheduler: With all that it was told.
            decision: Why the probing has ended.

        Raises:
            InterruptedTrialError: The run was interrupted; what was trained is gone on with.
        """
        plan = self._plan(scheduler, decision)
        if plan is None:
            why = "no time was left to train the winner on enough examples"
            self.journal.refit({"status": TrialStatus.STOPPED.value, "why": why})
            return why
        self._write_split(plan)
        name = self.prepared.plan.names[self.prepared.plan.arms[plan.arm].model]
        self.journal.say(f"training {name} on {plan.n_examples} examples")
        for command in self._commands(plan):
            with self.lease.metered(self.prepared.n_devices if isinstance(command, Refit) else 1):
                left = max(self.journal.remaining_seconds(), LEAST_SECONDS)
                result = self.pool.refit(plan, command, left, self.lease.interrupted)
                self.journal.refit(self._progress(result), charged=result.seconds)
            if result.outcome != OUTCOME_FINISHED:
                return f"the winner could not be trained on all the data: {result.why}"
        self.journal.refit({"status": TrialStatus.FINISHED.value, "artifacts": self._keep()})
        return f"the winner was trained on {plan.n_examples} of {len(self.data.examples)} examples"

    def _plan(self, scheduler: Scheduler, decision: str) -> RefitPlan | None:
        """As it was begun, or as what is left of the budget allows."""
        kept = self.journal.run_row().refit
        if kept is not None and "plan" in kept:
            return RefitPlan(**kept["plan"])
        arm = self._winner(scheduler)
        arm_plan = self.prepared.plan.arms[arm]
        seconds = self.journal.remaining_seconds() / (SLICE_MARGIN * scheduler.pace())
        entry = self.prepared.entries[arm_plan.model]
        plan = plan_refit(arm, arm_plan, entry, len(self.data.examples), seconds)
        if plan is not None:
            self.journal.refit(
                {
                    "plan": asdict(plan),
                    "decision": decision,
                    "model": self.prepared.plan.names[arm_plan.model],
                    "strategy": arm_plan.strategy.value,
                    "status": TrialStatus.RUNNING.value,
                    "n_examples": plan.n_examples,
                    "epochs": plan.epochs,
                }
            )
        return plan

    def _winner(self, scheduler: Scheduler) -> int:
        """The arm of the ranking's first row that is one model."""
        first = next(r for r in self.journal.run_row().ranking if r["strategy"] != ENSEMBLE)
        wanted = first["model"]["name"], first["strategy"]
        plan = self.prepared.plan
        arms = ((plan.names[arm.model], arm.strategy.value) for arm in plan.arms)
        return next((i for i, found in enumerate(arms) if found == wanted), scheduler.leading_arm())

    def _write_split(self, plan: RefitPlan) -> None:
        examples, seed = self.data.examples, self.prepared.plan.seed
        rows = subsample(examples, plan.n_examples, seed)
        strategy = self.prepared.plan.arms[plan.arm].strategy
        n_seen = len(rows) if strategy is Strategy.HEAD else HEAD_START
        if examples.mean_units > 1.0:
            n_seen = min(n_seen, int(MOST_WORDS_SEEN / examples.mean_units))
        path = self.data.split_file.with_name(REFIT_SPLIT)
        write_split(path, rows, rows[:0], seen=subsample(examples.take(rows), n_seen, seed))

    def _commands(self, plan: RefitPlan) -> Iterator[Refit | Export]:
        for end in plan.slice_ends(self.prepared.plan.arms[plan.arm].strategy):
            yield Refit(until_step=end)
        yield Export()

    @staticmethod
    def _progress(result: TrialResult) -> dict[str, Any]:
        if result.outcome != OUTCOME_FINISHED:
            return {"status": result.outcome, "why": result.why}
        return {"peak_memory_bytes": result.peak_memory_bytes}

    def _keep(self) -> list[dict[str, Any]]:
        """What the trial wrote is where it is served from; its files."""
        written = self.data.split_file.parent / REFIT / FOLDER
        target = self.data_dir / ARTIFACTS / self.lease.run_id
        target.parent.mkdir(exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        written.rename(target)
        files = sorted(p for p in target.rglob("*") if p.is_file() and not p.is_symlink())
        return [
            {"path": p.relative_to(target).as_posix(), "bytes": p.stat().st_size, "sha256": _sha256(p)}
            for p in files
        ]


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
