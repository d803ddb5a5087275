from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.probes.backbones import TextBackbone, load_backbone
from app.probes.inputs import Inputs, TokenizedTexts
from app.probes.messages import TrainingRecipe, TrialSpec
from app.probes.tokens import tokenize
from app.probes.vocabulary import tokenizer_digest
from tests.probes.tiny import trial_spec, write_tiny_bert

TEXTS = ["good film", "", "a bad plot the film", "unknown words"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_tiny_bert(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def spec(tmp_path: Path, model: Path) -> TrialSpec:
    return trial_spec(model.parent, tmp_path, TrainingRecipe())


class Counting:
    """Counts how often a backbone has to tokenise."""

    def __init__(self, backbone: TextBackbone) -> None:
        self._tokenize = backbone.tokenize
        self.n_calls = 0
        backbone.tokenize = self  # type: ignore[method-assign]

    def __call__(self, texts: Inputs, max_length: int) -> TokenizedTexts:
        self.n_calls += 1
        return self._tokenize(texts, max_length)


def test_cached_tokens_are_the_tokens(spec: TrialSpec, model: Path) -> None:
    backbone = load_backbone(model)
    plain = backbone.tokenize(TEXTS, 16)
    for _ in range(2):
        found = tokenize(spec, backbone, TEXTS, 16)
        np.testing.assert_array_equal(found.ids, plain.ids)
        np.testing.assert_array_equal(found.starts, plain.starts)
        np.testing.assert_array_equal(found.lengths, plain.lengths)
        assert found.pad_id == plain.pad_id


def test_second_candidate_with_the_same_tokenizer_pays_no_tokenisation(
    spec: TrialSpec, model: Path, tmp_path: Path
) -> None:
    tokenize(spec, load_backbone(model), TEXTS, 16)
    write_tiny_bert(tmp_path / "other")
    (tmp_path / "other" / "README.md").write_text("another model")
    other = load_backbone(tmp_path / "other")
    counting = Counting(other)
    tokenize(replace(spec, model_name="local:other@1"), other, TEXTS, 16)
    assert counting.n_calls == 0


@pytest.mark.parametrize(
    ("texts", "max_length", "prefix"),
    [(TEXTS[::-1], 16, ""), (["good", "film"], 16, ""), (TEXTS, 8, ""), (TEXTS, 16, "query: ")],
)
def test_other_texts_lengths_and_prefixes_are_tokenised_apart(
    spec: TrialSpec, model: Path, texts: list[str], max_length: int, prefix: str
) -> None:
    backbone = load_backbone(model)
    tokenize(spec, backbone, TEXTS, 16)
    counting = Counting(backbone)
    tokenize(replace(spec, input_prefix=prefix), backbone, texts, max_length)
    assert counting.n_calls == 1


def test_texts_that_join_to_the_same_are_told_apart(spec: TrialSpec, model: Path) -> None:
    backbone = load_backbone(model)
    tokenize(spec, backbone, ["good film", "bad"], 16)
    assert len(tokenize(spec, backbone, ["good", " filmbad"], 16).ids) != 0
    counting = Counting(backbone)
    tokenize(spec, backbone, ["good fil", "mbad"], 16)
    assert counting.n_calls == 1


def test_another_tokenizer_has_another_digest(model: Path) -> None:
    before = tokenizer_digest(model)
    path = model / "tokenizer.json"
    path.write_text(path.read_text().replace("awful", "lovely"))
    assert tokenizer_digest(model) != before


def test_model_without_tokenizer_file_is_tokenised_by_itself(spec: TrialSpec, model: Path) -> None:
    backbone = load_backbone(model)
    backbone.tokenizer_sha256 = None
    counting = Counting(backbone)
    tokenize(spec, backbone, TEXTS, 16)
    tokenize(spec, backbone, TEXTS, 16)
    assert counting.n_calls == 2
