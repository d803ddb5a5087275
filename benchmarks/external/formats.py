"""The formats by the names under which users give them."""

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.external.libraries import read_euroeval, read_open_clip, read_timm
from benchmarks.external.mlflow_runs import read_mlflow
from benchmarks.external.model_card import read_model_cards
from benchmarks.external.mteb_results import read_mteb
from benchmarks.external.papers_with_code import read_papers_with_code
from benchmarks.external.plain import read_csv, read_modellens
from benchmarks.external.record import Read

FORMATS: Mapping[str, Read] = MappingProxyType(
    {
        "csv": read_csv,
        "euroeval": read_euroeval,
        "mlflow": read_mlflow,
        "model-card": read_model_cards,
        "modellens": read_modellens,
        "mteb": read_mteb,
        "open-clip": read_open_clip,
        "papers-with-code": read_papers_with_code,
        "timm": read_timm,
    }
)
