"""Relation extraction: a sentence with two marked entities, one of several classes of their relation.

Source: Baldini Soares et al. 2019, "Matching the Blanks: Distributional Similarity for Relation Learning":
markers around both entities tell an encoder which two are meant.
"""

import re
from collections.abc import Mapping

from app.tasks import text_classification
from app.tasks.base import (
    TABLES,
    CheckedRow,
    ColumnRole,
    ColumnRule,
    FaultKind,
    RowFault,
    TaskDefinition,
)
from models_registry.vocabulary import TaskType

_PAIRS_OF_MARKERS = (
    (r"<e1>.+?</e1>", r"<e2>.+?</e2>"),  # SemEval-2010 task 8
    (r"\[E1\].+?\[/E1\]", r"\[E2\].+?\[/E2\]"),
    (r"<<.+?>>", r"\[\[.+?\]\]"),  # ChemProt as SciBERT has it
    (r"@.+?\$", r"#.+?#"),
)
_MARKED = tuple(
    tuple(re.compile(marker, re.IGNORECASE | re.DOTALL) for marker in pair) for pair in _PAIRS_OF_MARKERS
)


def check_row(values: Mapping[ColumnRole, object]) -> CheckedRow | RowFault:
    """As of a text, in which both entities must be marked."""
    row = text_classification.check_row(values)
    if isinstance(row, CheckedRow) and not any(all(m.search(row.text) for m in pair) for pair in _MARKED):
        return RowFault(ColumnRole.TEXT, FaultKind.UNMARKED)
    return row


RELATION_EXTRACTION = TaskDefinition(
    task_type=TaskType.RELATION_EXTRACTION,
    title="Relation extraction",
    metrics=("f1_micro", "f1_macro", "accuracy", "matthews_correlation"),
    data="One row an example: a sentence with two marked entities (<e1>..</e1> and <e2>..</e2>, [E1]..[/E1] "
    "and [E2]..[/E2], or << .. >> and [[ .. ]]) and the class of their relation.",
    formats=TABLES,
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The sentence, both entities marked.",
            names=text_classification.TEXT_NAMES,
        ),
        ColumnRule(
            role=ColumnRole.LABEL,
            description="The class of their relation.",
            names=("relation", "rel", "关系", *text_classification.LABEL_NAMES),
        ),
        text_classification.GROUP_RULE,
    ),
    min_classes=2,
    check_row=check_row,
)
