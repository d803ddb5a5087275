"""What a licence allows, as far as the recommendation needs to know. No legal advice."""

_COMMERCIAL = frozenset(
    {
        "0bsd",
        "afl-3.0",
        "apache-2.0",
        "bigscience-openrail-m",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsl-1.0",
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "creativeml-openrail-m",
        "gpl-3.0",
        "isc",
        "lgpl-3.0",
        "mit",
        "mpl-2.0",
        "odc-by",
        "openrail",
        "openrail++",
        "pddl",
        "unlicense",
        "zlib",
    }
)
"""Licences that permit commercial use, be it under conditions such as attribution or share-alike."""
_NOT_COMMERCIAL = frozenset({"nvidia-source-code-license", "fair-noncommercial-research-license"})
_NON_COMMERCIAL_MARKS = ("noncommercial", "non-commercial", "research-only")


def allows_commercial_use(licence: str) -> bool | None:
    """Whether a model under this licence may serve in a commercial product.

    Args:
        licence: SPDX identifier or the Hub's name of a licence; letter case is ignored.

    Returns:
        True or False where the licence is known, None for an unknown or individual one (`other`, `unknown`).
    """
    name = licence.strip().casefold()
    if name in _COMMERCIAL:
        return True
    if name in _NOT_COMMERCIAL or _is_marked_non_commercial(name):
        return False
    return None


def _is_marked_non_commercial(name: str) -> bool:
    return name.startswith("cc-by-nc") or any(mark in name for mark in _NON_COMMERCIAL_MARKS)
