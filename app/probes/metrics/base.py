"""What is common to metrics of every kind of target."""

BOOTSTRAP_SAMPLES = 200
"""Resamples of a standard error; its own relative error is 1 / sqrt(2 x 200), five per cent."""


class MetricError(ValueError):
    """A metric cannot be computed."""


class UnsupportedMetricError(MetricError):
    """No metric of this name is computed for this kind of target."""

    def __init__(self, metric: str) -> None:
        self.metric = metric
        super().__init__(f"{metric} is not computed for this task")
