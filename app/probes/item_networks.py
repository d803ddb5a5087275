"""Networks over the items that a user met: what is trained from scratch on the user's own interactions.

Notation:
    B, T   histories in a batch, items of the longest of them
    d      width

There are no pretrained weights of them, since a table of items belongs to one catalogue: a model folder holds
a `config.json` and nothing else. The table of items is the task's, whose number of items is the data's.

Sources: Kang and McAuley 2018, "Self-Attentive Sequential Recommendation" (SASRec), section III: learned
positions, norms before attention and feed-forward layers of width d, a residual around each; Hidasi et al.
2016, "Session-based Recommendations with Recurrent Neural Networks" (GRU4Rec), section 3.1.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor, nn

from app.probes.backbones import BackboneError

if TYPE_CHECKING:
    from peft import PeftConfig

SASREC, GRU4REC = "sasrec", "gru4rec"
ITEM_NETWORKS = frozenset({SASREC, GRU4REC})
"""Their model types, which are the families of the catalogue."""


class ItemsOnlyError(BackboneError):
    """A network over items, where texts or images are to be read, or features to be had before training."""

    def __init__(self) -> None:
        super().__init__("a network over items is trained from scratch: it has no features before")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemConfig:
    """The shape of a network.

    Attributes:
        model_type: One of `ITEM_NETWORKS`.
        width: d.
        n_layers: Blocks, or recurrent layers.
        max_length: Most items that are read.
        n_heads: Of attention.
        dropout: As Kang and McAuley take for MovieLens-1M; 0.5 where data are sparser.
    """

    model_type: str
    width: int
    n_layers: int
    max_length: int
    n_heads: int = 1
    dropout: float = 0.2

    def write(self, folder: Path) -> None:
        """The configuration as a model folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


class CausalTransformer(nn.Module):
    """Self-attention from every item to those before it."""

    def __init__(self, config: ItemConfig) -> None:
        super().__init__()
        self.positions = nn.Embedding(config.max_length, config.width)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.width,
                config.n_heads,
                dim_feedforward=config.width,
                dropout=config.dropout,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(config.n_layers)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, vectors: Tensor) -> Tensor:
        """States, shape (B, T, d); padding on the right is seen by nothing before it.

        Args:
            vectors: Of the items, shape (B, T, d).
        """
        length = vectors.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=vectors.device)
        # Vectors of items begin at a deviation of 0.02; Kang and McAuley's code scales them likewise.
        states = self.dropout(vectors * vectors.shape[2] ** 0.5 + self.positions.weight[:length])
        for block in self.blocks:
            states = block(states, src_mask=mask, is_causal=True)
        found: Tensor = self.norm(states)
        return found


class Recurrent(nn.Module):
    """A gated recurrent network."""

    def __init__(self, config: ItemConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            nn.GRU(config.width, config.width, batch_first=True) for _ in range(config.n_layers)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, vectors: Tensor) -> Tensor:
        """States, shape (B, T, d).

        Args:
            vectors: Of the items, shape (B, T, d).
        """
        states = self.dropout(vectors * vectors.shape[2] ** 0.5)
        for block in self.blocks:
            states = self.dropout(block(states)[0])
        found: Tensor = self.norm(states)
        return found


class ItemBackbone:
    """A network over items at random; satisfies `Backbone`, but reads nothing without a table of items."""

    def __init__(self, config: ItemConfig) -> None:
        """A network of this shape, drawn from torch's current seed.

        Raises:
            ValueError: There is no such network.
        """
        if config.model_type not in ITEM_NETWORKS:
            raise ValueError(f"no network over items is called {config.model_type!r}")
        network = CausalTransformer if config.model_type == SASREC else Recurrent
        self.module: nn.Module = network(config)
        self.width = config.width
        self.n_parameters = sum(p.numel() for p in self.module.parameters())
        self.max_length = config.max_length

    def encode(self, batch: object) -> NoReturn:
        """Nothing: it has no vectors of items.

        Raises:
            ItemsOnlyError: Always.
        """
        del batch
        raise ItemsOnlyError

    def encode_layers(self, batch: object) -> NoReturn:
        """Nothing, as `encode`."""
        self.encode(batch)

    def save_memory(self) -> None:
        """Activations are kept: the network is small."""

    def layers(self) -> list[nn.Module]:
        """Its blocks."""
        blocks = self.module.get_submodule("blocks")
        return list(blocks.children())

    def add_adapters(self, config: "PeftConfig") -> nn.Module:
        """There is nothing pretrained that could be adapted.

        Raises:
            BackboneError: Always.
        """
        raise BackboneError(f"what begins at random is not adapted by {config.peft_type}")


def load_item_backbone(folder: Path, *, seed: int) -> ItemBackbone:
    """The network that this folder's configuration describes.

    Args:
        folder: `config.json`.
        seed: Of its weights.

    Raises:
        ValueError: The configuration lacks something.
    """
    raw = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    try:
        config = ItemConfig(**raw)
    except TypeError as error:
        raise ValueError(str(error)) from error
    torch.manual_seed(seed)
    return ItemBackbone(config)
