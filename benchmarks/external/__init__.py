"""Figures that users bring: one reader a format, and one way from what a file prints to the database."""

FORMAT_NAMES = (
    "csv",
    "euroeval",
    "mlflow",
    "model-card",
    "modellens",
    "mteb",
    "open-clip",
    "papers-with-code",
    "timm",
)
"""The keys of `formats.FORMATS`, for those who must not wait until their readers are imported."""
