"""A later data set beside an earlier one of the same task: what has changed, and whether to probe again."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from app.datasets.drift.aspect import ALPHA, Aspect, Size, of_numbers, of_separation, of_shares
from app.datasets.drift.drawing import Drawn, draw, labels_of
from app.datasets.drift.ngrams import hashed_ngrams
from app.datasets.drift.shares import ShareShift, share_shift
from app.datasets.drift.telling import TellingWord, telling_words
from app.datasets.drift.two_sample import LEAST_TEXTS, separation
from app.datasets.folding import wording_hash
from app.datasets.languages import languages_of
from app.datasets.storage import StoredDataset
from app.tasks.catalogue import task
from app.tasks.targets import Target, counted
from models_registry.vocabulary import Modality

MOST_COMPARED = 2_000
"""Examples of each data set: a comparison takes seconds, and d = 0.1 is noticed."""
MOST_JUDGED = 500
"""Texts of each whose language is told, at half a millisecond each."""
ENOUGH_TEXTS = 300
"""Distinct texts of either sample from which a classifier learns enough: at 300 it noticed three changes of
source that are marked at 2,000 in every one of 18 trials, at 100 two of them in 4 of 12."""
NEW_SHARE = 0.01
"""Of the later examples, in classes that the earlier data lack: no model fitted to these can name them."""
GONE_EXPECTED = 5.0
"""Later examples expected of a class from which its absence is no chance (that has probability exp -5)."""
LEAST_RELABELLED, RELABELLED_SHARE = 5, 0.1
"""Copies with another label than before: three times the errors that test sets have on average (3.3 %:
Northcutt, Athalye and Mueller 2021, "Pervasive Label Errors in Test Sets", section 5)."""
NO_LABEL = "(none)"
"""What examples without any of several labels, or without an entity, carry."""

Pair = tuple[Drawn, Drawn]


class Action(StrEnum):
    """What to do about a difference."""

    PROBE_AGAIN = "probe_again"
    KEEP = "keep"
    COLLECT_MORE = "collect_more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Later examples that the earlier data hold already.

    Attributes:
        n: Of those compared.
        share: Likewise.
        n_relabelled: Those with a label that they did not carry before.
    """

    n: int
    share: float
    n_relabelled: int

    @property
    def is_relabelled(self) -> bool:
        """Whether labels have changed their meaning."""
        return self.n_relabelled >= max(LEAST_RELABELLED, RELABELLED_SHARE * self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChanges:
    """Classes that come and go, by all examples and not by a sample.

    Attributes:
        new: Those that the earlier data lack, with their number of examples.
        new_share: Of the later examples that are of one of these.
        gone: Those that the later data should hold and do not, with their earlier number of examples.
    """

    new: Mapping[str, int]
    new_share: float
    gone: Mapping[str, int]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Drift:
    """A later sample beside an earlier one.

    Attributes:
        n_earlier: Examples compared.
        n_later: Likewise.
        inputs: Texts; None where examples are files, or too few.
        words: What tells the texts apart.
        labels: Classes, types of entities or numbers; None where there are no labels.
        label_shares: Behind it; None for numbers.
        lengths: Of texts in characters; None of files.
        mean_lengths: Earlier and later; None of files.
        languages: None of files, and of texts too short to tell.
        language_shares: Behind it.
        classes: Those that come and go.
        copies: Later examples that are no new ones.
    """

    n_earlier: int
    n_later: int
    inputs: Aspect | None
    words: tuple[TellingWord, ...]
    labels: Aspect | None
    label_shares: ShareShift | None
    lengths: Aspect | None
    mean_lengths: tuple[float, float] | None
    languages: Aspect | None
    language_shares: ShareShift | None
    classes: ClassChanges
    copies: Copies

    @property
    def aspects(self) -> dict[str, Aspect]:
        """Those that were compared, by name."""
        names = ("inputs", "labels", "lengths", "languages")
        return {name: aspect for name in names if (aspect := getattr(self, name)) is not None}

    @property
    def has_drifted(self) -> bool:
        """Whether anything has changed beyond chance and by more than a trifle."""
        return bool(self._sizes & {Size.SLIGHT, Size.MARKED}) or self._is_other_task

    @property
    def action(self) -> Action:
        """What to do: a slight change moves scores, seldom the order of models.

        Source: Miller et al. 2021, "Accuracy on the Line": of many models the scores on shifted data follow
        those on the original closely.
        """
        if Size.MARKED in self._sizes or self._is_other_task:
            return Action.PROBE_AGAIN
        return Action.COLLECT_MORE if Size.UNCLEAR in self._sizes or not self._sizes else Action.KEEP

    @property
    def _sizes(self) -> set[Size]:
        return {aspect.size for aspect in self.aspects.values()}

    @property
    def _is_other_task(self) -> bool:
        return self.classes.new_share >= NEW_SHARE or self.copies.is_relabelled


def compare(earlier: StoredDataset, later: StoredDataset, folders: tuple[Path, Path], *, seed: int) -> Drift:
    """The later data set beside the earlier one of the same task.

    Args:
        earlier: The data set that a run may have been on.
        later: The same task's data, gathered later.
        folders: Of both.
        seed: Of the samples, folds and deals: the same seed gives the same answer.
    """
    definition = task(earlier.task_type)
    drawn = [draw(folder, MOST_COMPARED, seed=seed + i) for i, folder in enumerate(folders)]
    both = drawn[0].one_a_group(), drawn[1].one_a_group()
    has_texts = definition.modality is Modality.TEXT
    shares = _label_shares(both, definition.target, seed)
    spoken = _language_shares(both, seed) if has_texts else None
    lengths = [np.array([len(text) for text in side.texts], dtype=np.float64) for side in both]
    return Drift(
        n_earlier=len(both[0]),
        n_later=len(both[1]),
        inputs=_inputs(both, seed) if has_texts else None,
        words=telling_words(both[0].texts, both[1].texts) if has_texts else (),
        labels=of_shares(shares) if shares else _numbers(both, definition.target),
        label_shares=shares,
        lengths=of_numbers(*lengths) if has_texts else None,
        mean_lengths=(float(lengths[0].mean()), float(lengths[1].mean())) if has_texts else None,
        languages=of_shares(spoken) if spoken else None,
        language_shares=spoken,
        classes=_class_changes(earlier, later),
        copies=_copies(folders[0], drawn[1]),
    )


def _inputs(both: Pair, seed: int) -> Aspect | None:
    """Of distinct wordings: a sentence that occurs often, or with other marks, is evidence once."""
    distinct = [{wording_hash(text): text for text in side.texts} for side in both]
    n_least = min(map(len, distinct))
    if n_least < LEAST_TEXTS:
        return None
    texts = [text for side in distinct for text in side.values()]
    hashes = np.array([hashed for side in distinct for hashed in side], dtype=np.uint64)
    is_later = np.arange(len(texts)) >= len(distinct[0])
    found = separation(hashed_ngrams(texts), is_later, hashes, seed=seed)
    return of_separation(found, is_enough=n_least >= ENOUGH_TEXTS)


def _label_shares(both: Pair, target: Target, seed: int) -> ShareShift | None:
    """Of the names that examples count for; None where targets are not named."""
    earlier, later = ([counted(target, label) for label in side.labels] for side in both)
    if not any(earlier) and not any(later):
        return None
    named = [[names or (NO_LABEL,) for names in side] for side in (earlier, later)]
    return share_shift(*named, alpha=ALPHA, seed=seed)


def _numbers(both: Pair, target: Target) -> Aspect | None:
    if target is not Target.NUMBER:
        return None
    return of_numbers(*(np.array([float(label) for label in side.labels]) for side in both))


def _language_shares(both: Pair, seed: int) -> ShareShift | None:
    earlier, later = ([(code,) for code in languages_of(side.texts[:MOST_JUDGED])] for side in both)
    return share_shift(earlier, later, alpha=ALPHA, seed=seed) if earlier and later else None


def _class_changes(earlier: StoredDataset, later: StoredDataset) -> ClassChanges:
    before, after = earlier.profile.class_counts, later.profile.class_counts
    ratio = later.profile.n_examples / earlier.profile.n_examples
    new = {name: n for name, n in after.items() if name not in before}
    return ClassChanges(
        new=new,
        new_share=sum(new.values()) / max(1, sum(after.values())),
        gone={name: n for name, n in before.items() if name not in after and n * ratio >= GONE_EXPECTED},
    )


def _copies(earlier: Path, later: Drawn) -> Copies:
    known = labels_of(earlier, later.hashes)
    copied = [
        (known[hashed], label)
        for hashed, label in zip(later.hashes.tolist(), later.labels, strict=True)
        if hashed in known
    ]
    return Copies(
        n=len(copied),
        share=len(copied) / len(later),
        n_relabelled=sum(label not in before for before, label in copied),
    )
