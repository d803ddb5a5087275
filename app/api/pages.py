"""Pages to look at: plain HTML without scripts, nothing loaded from elsewhere, everything escaped."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = _duration
    return environment


def recommendation_page(document: Mapping[str, object], language: str) -> str:
    """The report of a recommendation."""
    return _environment().get_template("recommendation.html").render(doc=document, lang=language)


def run_page(document: Mapping[str, object], language: str) -> str:
    """The report of a probe run."""
    return _environment().get_template("probe_run.html").render(doc=document, lang=language)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
