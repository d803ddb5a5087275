"""Results of a backtest as the document that `--json` prints."""

import math
from collections.abc import Sequence

import numpy as np

from app.evaluation.backtest import ColumnResult
from app.evaluation.measures import LEVELS, SERVED_LEVEL, Order

Cell = str | int | float | None
Row = dict[str, Cell]


def backtest_document(results: Sequence[ColumnResult]) -> dict[str, object]:
    """`benchmarks`, their `mean`, and the mean of each of the `baselines`."""
    return {
        "benchmarks": [_benchmark(result) for result in results],
        "mean": {
            **order_row(Order.mean([r.order for r in results])),
            "coverage": _number(_mean([r.coverage for r in results])),
            "absolute_coverage": _number(_mean([r.absolute_coverage[SERVED_LEVEL] for r in results])),
            "without_trained_before": order_row(Order.mean([r.apart for r in results])),
        },
        "baselines": {
            name: {
                **order_row(Order.mean([r.baselines[name] for r in results])),
                "without_trained_before": order_row(Order.mean([r.baselines_apart[name] for r in results])),
            }
            for name in results[0].baselines
        },
    }


def order_row(order: Order) -> Row:
    """Tau and regret; null where undefined."""
    return {
        "tau_w": _number(order.tau_w),
        "tau": _number(order.tau),
        "regret_at_1": _number(order.regret_at_1),
        "regret_at_3": _number(order.regret_at_3),
    }


def _benchmark(result: ColumnResult) -> dict[str, object]:
    column = result.asked.column
    return {
        "name": result.asked.name,
        "protocol": column.protocol.value,
        "metric": column.metric,
        **order_row(result.order),
        "coverage": _number(result.coverage),
        "absolute_coverage": _number(result.absolute_coverage[SERVED_LEVEL]),
        "regret_at_1_without_trained_before": _number(result.apart.regret_at_1),
        "n_models": len(result.asked),
        "n_trained_before": result.n_trained_before,
        "baselines": {name: order_row(order) for name, order in result.baselines.items()},
        "coverage_at": {
            "level": list(LEVELS),
            "relative": [_number(share) for share in result.relative_coverage],
            "absolute": [_number(share) for share in result.absolute_coverage],
        },
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
