"""What the numbers in a description say, each read once: by a limit's rules, else by what it counts."""

import re
from dataclasses import dataclass, replace

from app.task_profile.counted import Count
from app.task_profile.counts import read_count
from app.task_profile.hardware import Hardware, read_hardware
from app.task_profile.limits import REACH, Facts, Found, read_limit
from app.task_profile.normalise import stem
from app.task_profile.permissions import Permissions, read_permissions
from app.task_profile.quantities import Quantity, find_quantities
from app.task_profile.resolution import resolve_counts
from models_registry.vocabulary import TaskType

_BINARY = re.compile(
    r"\byes ?/ ?no\b|是/否|有/无|对/错|真/假|正/负|正负(?:样本|例|各|二类)|\bpos ?/ ?neg\b(?! ?/)"
    r"|\bbinary\b|\btwo[- ]way\b|二分类|二元分类|正面还是负面|\bpositive (?:or|and|vs\.?"
    r"|/) ?negative\b(?!,? (?:or|and|neutral))|\bpositive/negative\b",
    re.ASCII,
)
_ASKED = re.compile(r"\b(?:which|what|right|correct|best|single|one|every)\b((?:[ -][a-z]+){1,3})", re.ASCII)
_TERNARY = re.compile(
    r"\b(?:pos(?:itive)?|neg(?:ative)?|neu(?:tral)?)(?:(?:,| ?/| and| or|, or|, and) ?| )"
    r"(?:pos(?:itive)?|neg(?:ative)?|neu(?:tral)?)(?:(?:,| ?/| and| or|, or|, and) ?| )"
    r"(?:pos(?:itive)?|neg(?:ative)?|neu(?:tral)?)\b"
    r"|正面?[、/和或，]?负面?[、/和或还是，]{0,2}中[性立]?|正面?[、/和或，]?中[性立]?[、/和或还是，]{0,2}负面?|好[、/]?中[、/]?差(?!评)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """What a text says in numbers and conditions, before the task type is known.

    Attributes:
        stated: Facts that hold whatever the task is.
        counts: Numbers of things, whose part in the task depends on its type.
        implied_classes: Number of classes that the labels' names imply; None where they do not.
        spans: Where limits, hardware and licences stand: words that say nothing of the task, (start, end).
    """

    stated: Facts
    counts: list[Count]
    implied_classes: int | None
    spans: list[tuple[int, int]]

    def facts(self, task_type: TaskType | None) -> Facts:
        """All facts, under a task type; None where it is not known."""
        return self.stated | resolve_counts(self.counts, task_type, self.implied_classes)


def read_mentions(folded: str) -> Mentions:
    """The numbers and conditions of a folded text; of two that say the same, the first holds."""
    quantities = find_quantities(folded)
    hardware = read_hardware(folded, quantities)
    masked, spans = folded, []
    if hardware.span:  # the 4 of T4 and the 100 of A100 count nothing
        start, end = hardware.span
        masked = folded[:start] + "#" * (end - start) + folded[end:]
        spans.append(hardware.span)
        quantities = [q for q in quantities if q.end <= start or q.start >= end]
    found, counts = _read_numbers(masked, quantities)
    asked = {stem(word) for match in _ASKED.finditer(folded) for word in match[1].split()}
    counts = [replace(c, partition=True) if c.noun in asked else c for c in counts]
    stated: Facts = {}
    for limit in found:
        stated = limit.facts | stated
        spans.append((limit.start, limit.end))
    permissions = read_permissions(folded)
    return Mentions(
        stated=stated | _hardware_facts(hardware) | _conditions(permissions),
        counts=counts,
        implied_classes=3 if _TERNARY.search(folded) else 2 if _BINARY.search(folded) else None,
        spans=spans + permissions.spans,
    )


def _read_numbers(masked: str, quantities: list[Quantity]) -> tuple[list[Found], list[Count]]:
    found: list[Found] = []
    counts: list[Count] = []
    covered = 0
    for q in quantities:
        if q.start < covered:
            continue
        before, after = masked[max(0, q.start - REACH) : q.start], masked[q.end : q.end + REACH]
        limit = read_limit(q, before, after)
        if limit:
            found.append(limit)
            covered = limit.end
            continue
        count = read_count(q, before, after)
        if count:
            counts.append(count)
            covered = max(covered, q.end)
    return found, counts


def _hardware_facts(hardware: Hardware) -> Facts:
    facts: Facts = {}
    if hardware.device is not None:
        facts["device"] = hardware.device
    if hardware.n_devices is not None:
        facts["n_devices"] = hardware.n_devices
    if hardware.memory_gb is not None:
        facts["device_memory_gb"] = hardware.memory_gb
    return facts


def _conditions(permissions: Permissions) -> Facts:
    facts: Facts = {}
    if permissions.commercial_use is not None:
        facts["commercial_use"] = permissions.commercial_use
    if permissions.licences is not None:
        facts["licences"] = ", ".join(permissions.licences)
    return facts
