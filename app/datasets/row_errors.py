"""What refuses the rows of a file, in words."""

from app.datasets.errors import DatasetError
from app.tasks.base import FaultKind

MAX_CLASSES = 5_000
"""Intents and topics stay far below; more are identifiers, or a task for retrieval."""
LEAST_USERS = 2
"""With histories: one to learn from, one to measure on."""
MAX_ITEMS = 50_000
"""Every item is scored for every user that is asked about: a thousand of them then take 0.2 GB."""
MAX_MISSING_SHARE = 0.2
"""More rows than this without a text or label are no slip: the column or the file is the wrong one."""

_UNUSABLE = {
    FaultKind.NESTED: ("a list or an object", "Put one text, number or boolean there."),
    FaultKind.BINARY: ("binary data", "Put one text, number or boolean there."),
    FaultKind.NOT_A_LIST: ("no list", 'Put a JSON list there, ["a", "b"], or values parted by | or ;.'),
    FaultKind.NOT_TAGS: ("tags that are no names", 'Name them: ["B-PER", "O"] instead of their numbers.'),
    FaultKind.NOT_SPANS: (
        "what is no span of its text",
        'Give each as {"start": 0, "end": 5, "label": "PER"}, in characters from 0, the end behind it.',
    ),
    FaultKind.NOT_TURNS: (
        "what are no turns of a conversation",
        'Give them as a list, ["Hi.", "Hello!"] or [{"speaker": "A", "text": "Hi."}], or as one text.',
    ),
    FaultKind.NOT_TEXTS: (
        "a list that holds other things than texts",
        "Put one text there, or a list of texts where several are right.",
    ),
    FaultKind.LENGTHS_DIFFER: ("another number of tags than of tokens", "Give every token one tag."),
    FaultKind.NOT_ANSWERS: (
        "what is no answer with its place",
        'Give {"text": ["Bath"], "answer_start": [22]}, in characters from 0; empty lists for no answer.',
    ),
    FaultKind.ABSENT: (
        "an answer that is not in its passage",
        "Give it as it stands there, letter for letter; for answers in other words name another task.",
    ),
    FaultKind.MISPLACED: (
        "an answer that stands elsewhere in its passage than its place says",
        "Count answer_start in characters of the passage as it was sent, from 0; not in bytes or tokens.",
    ),
    FaultKind.AMBIGUOUS: (
        "an answer without a place that stands in its passage several times",
        'Say which is meant: {"text": "1867", "answer_start": 54}, in characters from 0.',
    ),
    FaultKind.NOT_A_FILE: ("what names no {noun} of the archive", "Give its path as it is in the archive."),
    FaultKind.NOT_A_TIME: (
        "no time",
        "Put a number there, as the seconds since 1970, or an ISO 8601 date, as 2024-01-31.",
    ),
    FaultKind.NOT_A_NUMBER: ("no finite number", "Put a number there, as 3.5."),
    FaultKind.UNMARKED: (
        "a text in which no two entities are marked",
        "Mark them as <e1>..</e1> and <e2>..</e2>, [E1]..[/E1] and [E2]..[/E2], or << .. >> and [[ .. ]].",
    ),
}
"""What is wrong with a value, and what would be right."""


class ValuesMissingError(DatasetError):
    """All rows, or too many, have no value in a column that is needed.

    Attributes:
        n_missing: How many.
        n_rows: Of how many.
    """

    def __init__(self, column: str, n_missing: int, n_rows: int, rows: tuple[int, ...], unit: str) -> None:
        self.n_missing, self.n_rows = n_missing, n_rows
        amount = "All" if n_missing == n_rows else f"{n_missing:,} of"
        super().__init__(
            f"{amount} {n_rows:,} rows have no value in column {column!r} ({places(rows, n_missing, unit)}).",
            remedy=f"Fill it in or take these rows out; up to {MAX_MISSING_SHARE:.0%} are left out unasked.",
            column=column,
            rows=rows,
        )


class UnusableValueError(DatasetError):
    """A value that is neither text nor a number.

    Attributes:
        kind: What it is.
    """

    def __init__(self, column: str, row: int, unit: str, kind: FaultKind, *, noun: str = "text") -> None:
        self.kind = kind
        what, remedy = _UNUSABLE[kind]
        super().__init__(
            f"Column {column!r} holds {what.replace('{noun}', noun)} at {unit} {row}.",
            remedy=remedy,
            column=column,
            rows=(row,),
        )


class OneClassError(DatasetError):
    """Fewer labels than the task needs.

    Attributes:
        n_classes: How many there are.
    """

    def __init__(self, column: str, n_classes: int, needed: int) -> None:
        self.n_classes = n_classes
        super().__init__(
            f"All rows carry the same label in column {column!r}.",
            remedy=f"Send examples of at least {needed} classes, or name another label column.",
            pointer="/label_column",
            column=column,
        )


class NothingTaggedError(DatasetError):
    """No token belongs to an entity."""

    def __init__(self, column: str) -> None:
        super().__init__(
            f"Every token carries the tag O in column {column!r}.",
            remedy="Send sentences in which some tokens have another tag, B-PER for example.",
            pointer="/label_column",
            column=column,
        )


class OnePairError(DatasetError):
    """Nothing that a match could be told from."""

    def __init__(self) -> None:
        super().__init__(
            "All rows hold the same two texts.",
            remedy="Send several queries, each with its own passage: the others are what it is told from.",
        )


class NothingAnsweredError(DatasetError):
    """No question has an answer in its passage."""

    def __init__(self, column: str) -> None:
        super().__init__(
            f"No question has an answer in column {column!r}.",
            remedy="Send questions that their passages answer; some of them may be without.",
            pointer="/label_column",
            column=column,
        )


class OnePassageError(DatasetError):
    """Questions about one passage only, so that none could be held out."""

    def __init__(self, column: str) -> None:
        super().__init__(
            f"All questions are about one passage: column {column!r} is the same in each row.",
            remedy="Send questions about several: models are measured on others than those they learn from.",
            column=column,
        )


class OneTextError(DatasetError):
    """Nothing that a text to be written could be told from."""

    def __init__(self) -> None:
        super().__init__(
            "There is only one text to be written.",
            remedy="Send several examples, or a longer text: one part is learnt from, another measured on.",
        )


class HistoriesTooShortError(DatasetError):
    """Fewer users than are needed have enough items.

    Attributes:
        n_users: How many have.
    """

    def __init__(self, n_users: int, n_left_out: int, least_items: int, column: str) -> None:
        self.n_users = n_users
        found = f"{n_users} of {n_users + n_left_out:,} users in column {column!r}"
        super().__init__(
            f"Only {found} have {least_items} rows or more; {LEAST_USERS} are needed.",
            remedy="Send more rows a user, or name the column of users or sessions.",
            pointer="/user_column",
            column=column,
        )


class OneItemError(DatasetError):
    """Nothing that an item could be told from."""

    def __init__(self, column: str) -> None:
        super().__init__(
            f"All rows hold the same item in column {column!r}.",
            remedy="Send interactions with several items, or name the column of items.",
            pointer="/item_column",
            column=column,
        )


class TooManyItemsError(DatasetError):
    """More items than are ranked.

    Attributes:
        n_items: How many there are.
    """

    def __init__(self, n_items: int, column: str) -> None:
        self.n_items = n_items
        super().__init__(
            f"Column {column!r} holds {n_items:,} distinct items; {MAX_ITEMS:,} are ranked.",
            remedy="Keep the items that are met most often, or name a column of coarser items.",
            pointer="/item_column",
            column=column,
        )


class LabelsUniqueError(DatasetError):
    """No label occurs twice, so they are no classes."""

    def __init__(self, column: str, n_classes: int) -> None:
        super().__init__(
            f"Each of the {n_classes:,} labels in column {column!r} occurs once.",
            remedy="Name a column of classes; an identifier, a number or free text is none.",
            pointer="/label_column",
            column=column,
        )


class TooManyClassesError(DatasetError):
    """More labels than a classifier is made for.

    Attributes:
        n_classes: How many there are.
    """

    def __init__(self, column: str, n_classes: int) -> None:
        self.n_classes = n_classes
        super().__init__(
            f"Column {column!r} holds {n_classes:,} distinct labels; {MAX_CLASSES:,} are read.",
            remedy="Name a column of classes; an identifier, a number or free text is none.",
            pointer="/label_column",
            column=column,
        )


class TooManyRowsError(DatasetError):
    """More rows than are read.

    Attributes:
        limit: How many are.
    """

    def __init__(self, limit: int, pointer: str = "/file") -> None:
        self.limit = limit
        super().__init__(
            f"There are more than {limit:,} rows.",
            remedy="Send a sample: a few thousand labelled rows are enough to choose a model.",
            pointer=pointer,
        )


def places(rows: tuple[int, ...], n: int, unit: str) -> str:
    """Where n faults are, in words, of which these rows are shown."""
    shown = ", ".join(str(row) for row in rows)
    return f"{unit} {shown}" + (" ..." if n > len(rows) else "")
