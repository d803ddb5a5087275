"""Examples that are files: how a checked row names one."""

import re
from collections.abc import Mapping
from typing import Final

from app.tasks.base import CheckedRow, ColumnRole, FaultKind, RowFault, as_label, as_text, grouped

FILES: Final = "files"
"""Folder of a stored data set that holds them."""
_KEPT = re.compile(rf"{FILES}/[0-9a-f]{{64}}\.[a-z0-9]{{2,5}}")


def as_file(value: object, role: ColumnRole) -> str | RowFault:
    """A file of the data set, named below its folder by the hash of its content; blank is missing."""
    name = as_text(value, role)
    if isinstance(name, RowFault) or _KEPT.fullmatch(name):
        return name
    return RowFault(role, FaultKind.NOT_A_FILE)


def check_labelled_file(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """The file, below the data set's folder, and its class; a row without a file is reported first."""
    name = as_file(values[ColumnRole.TEXT], ColumnRole.TEXT)
    if isinstance(name, RowFault):
        return name
    label = as_label(values[ColumnRole.LABEL], ColumnRole.LABEL)
    if isinstance(label, RowFault):
        return label
    return grouped(CheckedRow(name, label), values)
