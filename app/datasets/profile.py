"""What a data set is like: the facts that recommending needs, and what its owner should know."""

import heapq
import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from app.datasets.folding import pair_hash
from app.datasets.languages import count_cjk, language_shares
from app.tasks.base import InteractionFacts
from app.tasks.targets import Target

LANGUAGE_SAMPLE = 1_000
"""Texts whose language is told; the standard error of a share is then below 1.6 points."""
MAX_JUDGED_CHARACTERS = 2_000
"""Of a text, for telling its language."""
CJK_TEXT_SHARE = 0.3
"""A text with this share of Chinese or Japanese characters counts as one: the rest is names and numbers."""
TINY_EXAMPLES = 100
TINY_CLASS = 10
DUPLICATE_SHARE = 0.01
IMBALANCE = 10.0
MIXED_SHARE = 0.1
MAX_ENCODER_TOKENS = 512
"""What most encoders read."""
TOKENS_PER_WORD = 1.35
"""BERT's uncased word pieces on English prose: between 1.1 (reviews) and 1.6 (tweets, terms)."""
MAX_SECONDS = 30
"""What probes read of a recording: as much as Whisper does (Radford et al. 2023, section 2.2)."""


class LengthUnit(StrEnum):
    """What lengths count."""

    CHARACTERS = "characters"
    WORDS = "words"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetProfile:
    """Facts about a labelled data set.

    Attributes:
        n_examples: Labelled examples that are kept.
        n_classes: Distinct labels, or types of entities; 0 where numbers are predicted.
        class_counts: Examples per label, or entities per type, most frequent first.
        length_unit: What the lengths count: characters where most texts are Chinese or Japanese, seconds of
            recordings.
        mean_length: Mean length of a text.
        p95_length: 95th percentile of the lengths.
        max_length: Longest text; seconds are rounded up.
        languages: ISO 639-1 codes with shares of a sample, largest first.
        cjk_share: Share of texts that are mainly Chinese or Japanese.
        duplicates: Examples whose folded text occurred before.
        conflicting_labels: Distinct folded texts that carry more than one label.
        empty_texts: Rows left out for want of a text.
        missing_labels: Rows left out for want of a label.
        imbalance_ratio: Most frequent over rarest label.
        interactions: What examples were made of, where they are histories of users; lengths then count items.
    """

    n_examples: int
    n_classes: int
    class_counts: Mapping[str, int] = field(default_factory=dict)
    length_unit: LengthUnit
    mean_length: float
    p95_length: float
    max_length: int
    languages: tuple[tuple[str, float], ...]
    cjk_share: float
    duplicates: int
    conflicting_labels: int
    empty_texts: int = 0
    missing_labels: int = 0
    imbalance_ratio: float
    interactions: InteractionFacts | None = None


_JSON = TypeAdapter(DatasetProfile)


def profile_to_json(profile: DatasetProfile) -> dict[str, object]:
    """The profile as JSON values, as databases and responses hold it."""
    values: dict[str, object] = _JSON.dump_python(profile, mode="json")
    return values


def profile_from_json(values: Mapping[str, object]) -> DatasetProfile:
    """The inverse of `profile_to_json`."""
    return _JSON.validate_python(values)


class ProfileBuilder:
    """Gathers a profile from a stream of examples in 32 bytes an example."""

    def __init__(self, *, has_language: bool = True) -> None:
        """Nothing yet.

        Args:
            has_language: Whether examples are texts; of files, named by their content, there is no language.
        """
        self._has_language = has_language
        self._counts: Counter[str] = Counter()
        self._codes: dict[str, int] = {}
        self._labels = array("q")
        self._hashes = array("Q")
        self._words = array("L")
        self._characters = array("L")
        self._seconds = array("d")
        self._n_cjk = 0
        self._sample: list[tuple[int, str]] = []

    @property
    def n_labels(self) -> int:
        """Distinct labels so far, as they are kept."""
        return len(self._codes)

    @property
    def class_counts(self) -> Mapping[str, int]:
        """Examples per label so far."""
        return self._counts

    def add(
        self,
        text: str,
        label: str,
        text_pair: str | None = None,
        counted: Sequence[str] | None = None,
        seconds: float | None = None,
        answer: str | None = None,
    ) -> None:
        """Count this example; of a pair both texts together are its text.

        Where an answer is written, the example is as long as text and answer, and its languages are both's.

        Args:
            text: The text.
            label: What is predicted of it, as it is kept.
            text_pair: The second text, where there is one.
            counted: Names that it counts for; its label where None.
            seconds: How long it is, where it is a recording; then all are.
            answer: The text that is to be written.
        """
        hashed = pair_hash(text, text_pair if answer is None else answer)
        if answer is not None:
            self._keep_for_language(hashed, text)
            self._keep_for_language(hashed + 1, answer)
            text_pair = answer
        if text_pair is not None:
            text = f"{text} {text_pair}"
        self._counts.update((label,) if counted is None else counted)
        self._labels.append(self._codes.setdefault(label, len(self._codes)))
        self._hashes.append(hashed)
        self._words.append(len(text.split()))
        characters = len(text) - text.count(" ")
        self._characters.append(characters)
        if seconds is not None:
            self._seconds.append(seconds)
        if self._has_language and answer is None:
            self._n_cjk += count_cjk(text) >= CJK_TEXT_SHARE * max(1, characters)
            self._keep_for_language(hashed, text)

    def _keep_for_language(self, hashed: int, text: str) -> None:
        """The texts of the smallest hashes: a random sample that depends on nothing but the texts."""
        item = (-hashed, text[:MAX_JUDGED_CHARACTERS])
        if len(self._sample) < LANGUAGE_SAMPLE:
            heapq.heappush(self._sample, item)
        elif item[0] > self._sample[0][0]:
            heapq.heapreplace(self._sample, item)

    def build(
        self, *, empty_texts: int = 0, missing_labels: int = 0, interactions: InteractionFacts | None = None
    ) -> DatasetProfile:
        """The profile of what was added, which must be at least one example."""
        n = len(self._labels)
        cjk_share = self._n_cjk / n
        unit, lengths = self._lengths(cjk_share)
        duplicates, conflicts = _repeats(np.asarray(self._hashes), np.asarray(self._labels))
        counts = dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))
        return DatasetProfile(
            n_examples=n,
            n_classes=len(counts),
            class_counts=counts,
            length_unit=unit,
            mean_length=float(lengths.mean()),
            p95_length=float(np.percentile(lengths, 95)),
            max_length=math.ceil(lengths.max()),
            languages=language_shares([text for _, text in sorted(self._sample)]),
            cjk_share=cjk_share,
            duplicates=duplicates,
            conflicting_labels=conflicts,
            empty_texts=empty_texts,
            missing_labels=missing_labels,
            imbalance_ratio=max(counts.values()) / min(counts.values()) if counts else 1.0,
            interactions=interactions,
        )

    def _lengths(self, cjk_share: float) -> tuple[LengthUnit, NDArray[np.number]]:
        """What lengths count, and those of all examples, shape (n,)."""
        if self._seconds:
            return LengthUnit.SECONDS, np.asarray(self._seconds)
        if cjk_share >= 0.5:
            return LengthUnit.CHARACTERS, np.asarray(self._characters)
        return LengthUnit.WORDS, np.asarray(self._words)


def _repeats(hashes: NDArray[np.uint64], labels: NDArray[np.int64]) -> tuple[int, int]:
    """Examples whose text occurred before, and texts with more than one label."""
    pairs = np.unique(np.stack([hashes, labels.astype(np.uint64)], axis=1), axis=0)
    _, labels_per_text = np.unique(pairs[:, 0], return_counts=True)
    return len(hashes) - len(labels_per_text), int(np.sum(labels_per_text > 1))


def profile_warnings(
    profile: DatasetProfile, target: Target = Target.CLASS, *, noun: str = "text"
) -> tuple[str, ...]:
    """What the owner of the data should know, a sentence each; no text of theirs is quoted.

    Args:
        profile: Of the data.
        target: What is predicted.
        noun: What an example is.
    """
    if target is Target.NEXT:  # users may well have met the same items, and no text is read to its end
        warning = _tiny(profile)
        return (warning,) if warning else ()
    found = (
        _tiny(profile),
        _rare(profile),
        _repeated(profile, noun),
        _conflicting(profile, noun),
        _imbalanced(profile) if target is Target.CLASS else None,
        _mixed(profile),
        _long(profile),
    )
    return tuple(warning for warning in found if warning)


def _tiny(profile: DatasetProfile) -> str | None:
    if profile.n_examples >= max(TINY_EXAMPLES, TINY_CLASS * profile.n_classes):
        return None
    if not profile.n_classes:
        return f"{profile.n_examples} examples are very few: intervals will be wide."
    return (
        f"{profile.n_examples} examples of {profile.n_classes} classes are very few: "
        "intervals will be wide; a hundred a class tell models apart better."
    )


def _rare(profile: DatasetProfile) -> str | None:
    rare = [name for name, count in profile.class_counts.items() if count < 2]
    if not rare:
        return None
    shown = ", ".join(repr(name[:50]) for name in rare[:5]) + (" ..." if len(rare) > 5 else "")
    return (
        f"{len(rare)} of {profile.n_classes} classes have a single example ({shown}): "
        "they can be learnt but not measured."
    )


def _repeated(profile: DatasetProfile, noun: str) -> str | None:
    if profile.duplicates <= DUPLICATE_SHARE * profile.n_examples:
        return None
    share = profile.duplicates / profile.n_examples
    return (
        f"{profile.duplicates} examples ({share:.1%}) repeat an earlier {noun}; "
        "copies are kept on one side of the split."
    )


def _conflicting(profile: DatasetProfile, noun: str) -> str | None:
    if not profile.conflicting_labels:
        return None
    return (
        f"{profile.conflicting_labels} {noun}s occur with more than one label, "
        "which limits what any model can reach."
    )


def _imbalanced(profile: DatasetProfile) -> str | None:
    if profile.imbalance_ratio < IMBALANCE:
        return None
    return (
        f"The most frequent label is {profile.imbalance_ratio:.0f} times as frequent as the rarest: "
        "accuracy hides the rare ones; consider f1_macro or balanced_accuracy."
    )


def _mixed(profile: DatasetProfile) -> str | None:
    main = [(code, share) for code, share in profile.languages if share >= MIXED_SHARE]
    if len(main) < 2:
        return None
    shown = ", ".join(f"{code} {share:.0%}" for code, share in main)
    return f"The texts are in several languages ({shown}): models of one language will do worse."


def _long(profile: DatasetProfile) -> str | None:
    if profile.length_unit is LengthUnit.SECONDS:
        if profile.p95_length <= MAX_SECONDS:
            return None
        return (
            f"One recording in twenty is longer than {profile.p95_length:.0f} seconds: "
            f"the first {MAX_SECONDS} are read and the rest is cut off."
        )
    per_unit = 1.0 if profile.length_unit is LengthUnit.CHARACTERS else TOKENS_PER_WORD
    if profile.p95_length * per_unit <= MAX_ENCODER_TOKENS:
        return None
    return (
        f"One text in twenty is longer than {profile.p95_length:.0f} {profile.length_unit}: "
        f"most encoders read about {MAX_ENCODER_TOKENS / per_unit:.0f} and cut the rest off."
    )
