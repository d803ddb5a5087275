from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from app.probes.backbones import TextBackbone, load_backbone
from app.probes.logistic import LinearClassifier
from app.probes.tasks.base import LinearHead
from app.probes.tasks.text_classification import Classification
from tests.probes.last_layer import last_layer

TEXTS = ["a b", "b c", "c d d", "a"]


def static_backbone(folder: Path) -> TextBackbone:
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate("?abcd")}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    save_file({"embedding.weight": torch.randn(5, 8)}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "static-vectors"}')
    return load_backbone(folder)


def test_head_from_a_solution_gives_its_logits(tmp_path: Path) -> None:
    backbone = static_backbone(tmp_path)
    rng = np.random.default_rng(0)
    solution = LinearClassifier(weight=100.0 * rng.standard_normal((3, 8)), bias=rng.standard_normal(3))
    expected = solution.logits(last_layer(backbone, TEXTS, max_length=8))
    model = LinearHead(backbone, 3).eval()
    model.begin_from(solution)
    with torch.inference_mode():
        logits = model(backbone.tokenize(TEXTS, 8).batch(np.arange(4)))
    np.testing.assert_allclose(logits.numpy(), expected, rtol=1e-4, atol=1e-3)


def test_loss_begins_near_that_of_guessing(tmp_path: Path) -> None:
    backbone = static_backbone(tmp_path)
    model = LinearHead(backbone, 4)
    logits = model(backbone.tokenize(TEXTS, 8).batch(np.arange(4)))
    loss = Classification(2).loss(logits, torch.arange(4), None)
    assert abs(loss.item() - np.log(4)) < 0.2


def test_class_weights_count_a_rare_class_more() -> None:
    logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    labels = torch.tensor([0, 1])
    plain = Classification(2).loss(logits, labels, None)
    assert float(Classification(2).loss(logits, labels, torch.tensor([0.5, 1.5]))) > float(plain)


def test_every_weight_of_the_backbone_gets_a_gradient(tmp_path: Path) -> None:
    backbone = static_backbone(tmp_path)
    model = LinearHead(backbone, 2)
    loss = Classification(2).loss(
        model(backbone.tokenize(TEXTS, 8).batch(np.arange(4))), torch.tensor([0, 1, 0, 1]), None
    )
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in model.parameters())
