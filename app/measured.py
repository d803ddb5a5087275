"""What probes measured on a data set before, as observations."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.datasets.storage import StoredDataset
from app.ranking.observations import ProbeObservation
from benchmarks.figures import Figure, Protocol
from benchmarks.repository import FigureRepository
from models_registry.vocabulary import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Probe figures of one data set.

    Attributes:
        probes: The newest of each model, strategy and metric.
        version: Changes with them.
    """

    probes: tuple[ProbeObservation, ...]
    version: str


def measured_on(dataset: StoredDataset, session: Session) -> Measured:
    """What probes measured on this data, with these columns."""
    newest: dict[tuple[str, Strategy, str], tuple[int, Figure]] = {}
    for stored in FigureRepository(session).probe_figures(dataset.sha256):
        figure = stored.figure
        # The same file may be two data sets (another label column): a figure names the one it is of.
        is_own = figure.benchmark == dataset.id or not figure.benchmark.startswith("ds_")
        if is_own and stored.project in {None, dataset.project}:
            newest[figure.model, _strategy(figure), figure.metric] = (stored.id, figure)
    return Measured(
        probes=tuple(
            ProbeObservation(model=model, strategy=strategy, figure=figure)
            for (model, strategy, _), (_, figure) in newest.items()
        ),
        version=" ".join(str(number) for number, _ in newest.values()),
    )


def _strategy(figure: Figure) -> Strategy:
    return Strategy.HEAD if figure.protocol is Protocol.LINEAR_PROBE else Strategy.FULL
