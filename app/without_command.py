"""`advisor recommend --without-figure`: what the answer would be if figures had not been published."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from app.api.dependencies import Services
from app.snapshot import Snapshot

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class FixedSnapshots:
    """Always the same snapshot, in the place of the newest one."""

    snapshot: Snapshot

    def current(self) -> Snapshot:
        """The snapshot."""
        return self.snapshot

    def ready(self) -> Snapshot:
        """The snapshot."""
        return self.snapshot

    def expire(self) -> None:
        """Nothing to do: this one does not follow the database."""


def without_figures(services: Services, figure_ids: Sequence[int]) -> Services:
    """Services that answer as if these figures had not been published.

    The database's version names them, so that no other answer is taken for this one.

    Raises:
        UnknownFigureError: One of them bears on no ranking.
    """
    snapshot = services.snapshots.current()
    left_out = ",".join(str(number) for number in sorted(set(figure_ids)))
    fixed = replace(
        snapshot,
        base=snapshot.base.without(figure_ids),
        database=replace(snapshot.database, version=f"{snapshot.database.version}-without-{left_out}"),
    )
    return replace(services, snapshots=FixedSnapshots(fixed))  # type: ignore[arg-type]  # only asked for the current


def print_change(before: Document, after: Document, figure_ids: Sequence[int], console: Console) -> None:
    """Each ranked model's score with and without the figures, beside what its evidence promised."""
    rows = {row["model"]["name"]: row for row in before["ranking"]}  # type: ignore[attr-defined]
    metric = before["interpretation"]["metric"]  # type: ignore[index]
    table = Table(title=f"Without figure {', '.join(map(str, figure_ids))} ({metric})")
    for name in ("model", "with", "without", "change", "promised"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for row in after["ranking"]:  # type: ignore[attr-defined]
        old = rows.get(row["model"]["name"])
        mean = row["score"]["mean"]
        if old is None:
            table.add_row(row["model"]["id"], "-", f"{mean:.4f}", "-", "-")
            continue
        promised = sum(e["effect"] for e in old["evidence"] if e["figure_id"] in figure_ids)
        was = old["score"]["mean"]
        table.add_row(
            row["model"]["id"], f"{was:.4f}", f"{mean:.4f}", f"{mean - was:+.4f}", f"{promised:+.4f}"
        )
    console.print(table)
