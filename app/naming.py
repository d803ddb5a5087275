"""Which model a request means: `hub:id@revision`, or as much of it as leaves no doubt."""

import re
from collections import defaultdict
from collections.abc import Sequence
from difflib import get_close_matches

from models_registry.entry import ModelEntry

_ELSEWHERE = re.compile(r"^[/.~\\]|://|\\|^[A-Za-z]:[/\\]|/.*/|\.\.")
EXAMPLE_NAME = "huggingface:google-bert/bert-base-uncased"


class Naming:
    """Finds entries by name; made once a snapshot."""

    def __init__(self, entries: Sequence[ModelEntry]) -> None:
        self._meant: defaultdict[str, dict[str, ModelEntry]] = defaultdict(dict)
        for entry in entries:
            for name in (entry.name, entry.key, entry.id, f"{entry.id}@{entry.revision}"):
                self._meant[name.lower()][entry.name] = entry
        self._short = _short_names(entries)

    def find(self, name: str) -> ModelEntry | str:
        """The entry that this names, or what is wrong with the name and what would be right."""
        wanted = name.strip().lower()
        found = self._meant.get(wanted) or self._short.get(wanted)
        if not found:
            return self._unknown(name)
        if len(found) > 1:
            return f"could be any of {', '.join(sorted(found))}; name one in full"
        return next(iter(found.values()))

    def _unknown(self, name: str) -> str:
        if _ELSEWHERE.search(name):
            return f"a path or an address where a model's id is due; give hub:id, such as {EXAMPLE_NAME}"
        near = get_close_matches(name.lower(), [*self._meant, *self._short], n=3)
        names = sorted({e.name for n in near for e in (self._meant.get(n) or self._short[n]).values()})
        hint = f"; perhaps {', '.join(names)}" if names else ""
        return f"no such model; GET /models lists those there are, POST /models adds one{hint}"


def _short_names(entries: Sequence[ModelEntry]) -> dict[str, dict[str, ModelEntry]]:
    """Names without the organisation, and aliases: they count where no full name is equal."""
    short: defaultdict[str, dict[str, ModelEntry]] = defaultdict(dict)
    for entry in entries:
        for name in (entry.id.rsplit("/", 1)[-1], *entry.aliases):
            short[name.lower()][entry.name] = entry
    return dict(short)
