"""Interactions into histories: one row a user, an item and a time; one example a user.

A history is evaluated by leaving its last item out (Kang and McAuley 2018, "Self-Attentive Sequential
Recommendation", section IV-C); which users are trained on and which are asked about is decided by the split,
which is over users, so that nothing of a user who is asked about is seen in training (strong generalisation:
Meng et al. 2020, "Exploring Data Splitting Strategies for the Evaluation of Recommendation Models", call it
the user split).

In memory are 16 bytes a row (user and item as 32-bit numbers, the time as a 64-bit one), 16 more while they
are sorted, and every user, item and title once.
"""

import re
from array import array
from collections.abc import Iterator
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from app.tasks.base import CheckedRow, Gathered, InteractionFacts
from app.tasks.targets import Target, written

LEAST_ITEMS = 3
"""Of a user: one to predict, two to predict it from; Kang and McAuley's code evaluates no user with fewer."""
MOST_ITEMS = 200
"""Of a history, its last ones: as Kang and McAuley keep of the longest they study (MovieLens-1M)."""
_UNKEPT = re.compile(r"[\s%]")


def item_name(item: str) -> str:
    """An item as it is kept: white space, which parts items, percent-encoded."""
    return _UNKEPT.sub(lambda found: quote(found.group()), item)


def gather(rows: Iterator[CheckedRow]) -> Gathered:
    """The histories of users with enough items, each in the order of its times; equal times keep their order.

    Args:
        rows: Interactions: the item as text, its title as second text, the time as label, the user as group.
    """
    users, items, titles = dict[str, int](), dict[str, int](), dict[str, str]()
    user_of, item_of, times = array("i"), array("i"), array("d")
    for row in rows:
        item = item_name(row.text)
        user_of.append(users.setdefault(row.group or "", len(users)))
        item_of.append(items.setdefault(item, len(items)))
        times.append(float(row.label))
        if row.text_pair is not None:
            titles.setdefault(item, row.text_pair)
    order = np.lexsort((np.asarray(times), np.asarray(user_of)))  # stable
    in_order = np.asarray(item_of, dtype=np.int32)[order]
    lengths = np.bincount(np.asarray(user_of, dtype=np.int32), minlength=len(users))
    names, ends = list(items), np.cumsum(lengths)
    kept = np.flatnonzero(lengths >= LEAST_ITEMS)
    met = _met(in_order, lengths)
    return Gathered(
        rows=(_history(in_order[ends[user] - lengths[user] : ends[user]], names) for user in kept),
        facts=_facts(lengths, kept, len(met)),
        titles={names[i]: titles[names[i]] for i in met if names[i] in titles},
    )


def _met(items: NDArray[np.int32], lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """The items that are part of a history that is kept.

    Args:
        items: Of all users, end to end.
        lengths: Of each user.
    """
    behind = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(items))  # 1 for a user's last
    is_kept = (np.repeat(lengths, lengths) >= LEAST_ITEMS) & (behind <= MOST_ITEMS + 1)
    return np.unique(items[is_kept])


def _history(items: NDArray[np.int32], names: list[str]) -> CheckedRow:
    found = [names[i] for i in items[-(MOST_ITEMS + 1) :]]
    return CheckedRow(written(Target.NEXT, found[:-1]), written(Target.NEXT, found))


def _facts(lengths: NDArray[np.int64], kept: NDArray[np.intp], n_items: int) -> InteractionFacts:
    own = lengths[kept]
    n_interactions = int(own.sum())
    return InteractionFacts(
        n_users=len(kept),
        n_items=n_items,
        n_interactions=n_interactions,
        density=n_interactions / max(len(kept) * n_items, 1),
        median_length=float(np.median(own)) if len(own) else 0.0,
        users_left_out=len(lengths) - len(kept),
        users_cut=int((own > MOST_ITEMS + 1).sum()),
    )
