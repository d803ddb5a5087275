"""A network over items with their table: what is trained to recommend.

Notation:
    U, K   positions that are asked about, items
    d      width of the network

Sources: Kang and McAuley 2018, "Self-Attentive Sequential Recommendation", section III-D (one table for
both ends); Hou et al. 2022, "Towards Universal Sequence Representation Learning for Recommender Systems"
(UniSRec), sections 2.1 and 2.4 (frozen vectors of titles through an adaptor, the learnt table added to them).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.probes.inputs import AnyBatch, Batch
from app.probes.item_networks import ItemBackbone, ItemsOnlyError
from app.probes.logistic import LinearClassifier
from app.probes.tasks.base import TaskModel


class ItemModel(TaskModel):
    """A network over items and their table, which enters below and scores above."""

    def __init__(self, network: ItemBackbone, n_items: int, titles: NDArray[np.float32] | None) -> None:
        super().__init__()
        self.network = network.module
        self.n_outputs = n_items
        self.table = nn.Parameter(torch.zeros(n_items, network.width))
        self.titles: Tensor | None
        self.register_buffer("titles", None if titles is None else torch.from_numpy(titles), persistent=False)
        self.adaptor: nn.Linear | None = None
        if titles is None:
            nn.init.normal_(self.table, std=0.02)
        else:
            self.adaptor = nn.Linear(titles.shape[1], network.width, bias=False)
            nn.init.normal_(self.adaptor.weight, std=0.02)

    def items(self) -> Tensor:
        """The vectors of all items, shape (K, d)."""
        if self.titles is None or self.adaptor is None:
            return self.table
        found: Tensor = self.table + self.adaptor(self.titles)
        return found

    def forward(self, batch: AnyBatch) -> Tensor:
        """Scores of all items at the positions that the batch asks about, in single precision."""
        if not isinstance(batch, Batch):
            raise ItemsOnlyError
        items = self.items()
        states = batch.units_of(self.network(items[batch.ids]))
        with torch.autocast(states.device.type, enabled=False):
            return states @ items.float().T

    def begin_from(self, classifier: LinearClassifier) -> None:
        """There is no head: the table of items is both ends of the network."""

    def classifier(self) -> LinearClassifier:
        """The scores that a state gives to items."""
        weight = self.items().detach().double().cpu().numpy()
        return LinearClassifier(weight=weight, bias=np.zeros(len(weight)))
