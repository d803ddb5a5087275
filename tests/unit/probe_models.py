"""What probes say about final scores, made up for tests."""

import numpy as np

from app.ranking.probe_model import HEAD, SLICE, FiguresWorth, Growth, ProbeModel, Relation, Relations

SHARES = np.array([0.25, 0.5, 1.0])


def relations(*rows: tuple[float, ...]) -> tuple[Relations, ...]:
    """Intercept, tuned, frozen, shared, own at each share; static vectors gain half as much."""
    layered = np.array(rows)
    static = layered.copy()
    static[0] /= 2.0
    return Relations(shares=SHARES, values=static), Relations(shares=SHARES, values=layered)


MODEL = ProbeModel(
    heads=(
        Relation(intercept=-0.1, tuned=0.9, frozen=0.0, shared=0.2, own=0.05),
        Relation(intercept=-0.4, tuned=0.7, frozen=0.0, shared=0.3, own=0.1),
    ),
    probes={
        SLICE: relations(
            (-0.3, -0.1, 0.0), (0.6, 0.8, 1.0), (0.3, 0.1, 0.0), (0.3, 0.2, 0.02), (0.09, 0.04, 0.001)
        ),
        HEAD: relations(
            (-0.2, -0.1, 0.0), (0.0, 0.0, 0.0), (0.8, 0.9, 1.0), (0.2, 0.1, 0.02), (0.06, 0.03, 0.001)
        ),
        "lora": relations(
            (-0.5, -0.2, 0.0), (0.5, 0.7, 1.0), (0.4, 0.2, 0.0), (0.3, 0.2, 0.02), (0.1, 0.05, 0.001)
        ),
        "logme": relations(
            (0.1, 0.1, 0.1), (0.2, 0.2, 0.2), (0.5, 0.5, 0.5), (1.0, 1.0, 1.0), (0.2, 0.1, 0.05)
        ),
        "h_score": relations(
            (0.0, 0.0, 0.0), (0.1, 0.1, 0.1), (0.6, 0.6, 0.6), (0.9, 0.9, 0.9), (0.3, 0.2, 0.1)
        ),
    },
    estimators=("h_score", "logme"),
    correlation=np.array([[1.0, 0.6], [0.6, 1.0]]),
    growth={
        SLICE: Growth(gain=0.2, shared=0.03, own=0.01, fading=0.8),
        HEAD: Growth(gain=0.1, shared=0.02, own=0.01, fading=0.8),
    },
    adapted={
        "lora": Relation(intercept=-0.05, tuned=0.9, frozen=0.1, shared=0.1, own=0.02),
    },
    n_train=1_000,
    own_error=0.7,
    shared_correlation=0.6,
    figures=FiguresWorth(slope=1.2, variance=0.5),
    version="test",
)
