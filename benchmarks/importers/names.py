"""Published model names to canonical ones, by a reviewed table."""

import re
from collections.abc import Iterator, Mapping

ANY_SOURCE = "*"
_FORBIDDEN = re.compile(r"[^\w.\-+/]+", re.ASCII)


class ModelNames:
    """Canonical names: `huggingface:<id>` where the published name certainly denotes that checkpoint."""

    def __init__(self, aliases: Mapping[tuple[str, str], str]) -> None:
        """Take the reviewed aliases.

        Args:
            aliases: (importer or `*`, published name) to canonical name.
        """
        self._aliases = aliases

    def published(self) -> Iterator[tuple[str, str]]:
        """Every reviewed pair of a published and a canonical name."""
        for (_, published), canonical in self._aliases.items():
            yield published, canonical

    def canonical(self, importer: str, published: str, *, is_hub_id: bool = False) -> str:
        """The canonical name; `source:<importer>/<name>` where no checkpoint is certain.

        Args:
            importer: Whose aliases come first.
            published: The name as the source prints it.
            is_hub_id: Whether the source names models by their Hub id.
        """
        for owner in (importer, ANY_SOURCE):
            known = self._aliases.get((owner, published))
            if known is not None:
                return known
        if is_hub_id and "/" in published:
            return f"huggingface:{published}"
        return f"source:{importer}/{_FORBIDDEN.sub('-', published).strip('-')}"
