"""Pages of the documentation, made from templates and numbers."""

from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined


def write_page(path: Path, package: str, template: str, **values: object) -> None:
    """The page is what the template says of these values.

    Args:
        path: Of the page.
        package: That holds the template.
        template: Its file.
        values: What it names.
    """
    environment = Environment(  # noqa: S701 - the page is Markdown, and nobody else's text goes into it
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = resources.files(package).joinpath(template).read_text(encoding="utf-8")
    path.write_text(environment.from_string(text).render(**values), encoding="utf-8")
