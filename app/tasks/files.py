"""Examples that are files: how a checked row names one."""

import re
from typing import Final

from app.tasks.base import ColumnRole, FaultKind, RowFault, as_text

FILES: Final = "files"
"""Folder of a stored data set that holds them."""
_KEPT = re.compile(rf"{FILES}/[0-9a-f]{{64}}\.[a-z0-9]{{2,5}}")


def as_file(value: object, role: ColumnRole) -> str | RowFault:
    """A file of the data set, named below its folder by the hash of its content; blank is missing."""
    name = as_text(value, role)
    if isinstance(name, RowFault) or _KEPT.fullmatch(name):
        return name
    return RowFault(role, FaultKind.NOT_A_FILE)
