"""Interactions that can be learnt from: users with tastes, items with titles that tell what they are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from app.datasets.columns import ColumnChoices
from app.datasets.ingest import ingest
from app.datasets.storage import StoredDataset
from models_registry.vocabulary import TaskType

TASTES = (
    (
        "guitar violin piano trumpet cello flute saxophone clarinet "
        "banjo harmonica ukulele drums trombone harp oboe"
    ),
    (
        "saucepan whisk spatula ladle grater colander casserole skillet "
        "blender toaster kettle teapot rolling-pin wok oven"
    ),
    (
        "tent rucksack compass campfire hammock trail canteen lantern "
        "mountaineering hiking carabiner canoe kayak map cabin"
    ),
    (
        "rose tulip lawnmower compost spade rake orchid fertilizer "
        "hedge daffodil greenhouse pruning seedling soil bonsai"
    ),
    (
        "puppy kitten hamster parrot aquarium goldfish leash birdcage "
        "rabbit kennel litter-box gerbil tortoise pony budgie"
    ),
    (
        "laptop keyboard monitor webcam router printer processor motherboard "
        "usb modem scanner server touchpad ethernet pixel"
    ),
    (
        "pram nappy pacifier crib romper bib teether stroller "
        "rattle lullaby toddler infant newborn babysitter breastfeeding"
    ),
    (
        "football tennis dumbbell yoga goalkeeper hockey volleyball basketball "
        "sprint boxing marathon cricket rugby golf gym"
    ),
)
"""What the items of each taste are called: words that share a meaning and hardly any letters."""
TITLES = [[word.replace("-", " ") for word in words.split()] for words in TASTES]
N_TASTES = len(TASTES)
STAYS = 0.85
"""Chance that the next item is of the user's taste."""
DAY = 86_400


def title_of(item: int) -> str:
    """Tastes take turns; behind the last word they are counted."""
    words = TITLES[item % N_TASTES]
    round_, place = divmod(item // N_TASTES, len(words))
    return words[place] if not round_ else f"{words[place]} {round_ + 1}"


def histories(
    n_users: int, n_items: int, *, seed: int, follows: float, length: tuple[int, int] = (5, 15)
) -> list[list[int]]:
    """Items that each user meets, none twice: of one taste mostly.

    Args:
        n_users: How many.
        n_items: Of all tastes together.
        seed: Of the draws.
        follows: Chance that an item of the taste is the one after the last, else it is any of the taste.
        length: Of histories, the upper end excluded.
    """
    rng, found = np.random.default_rng([seed, 2]), []
    for _ in range(n_users):
        taste, wanted = int(rng.integers(N_TASTES)), int(rng.integers(*length))
        row: list[int] = []
        while len(row) < wanted:
            stays, follow = rng.random() < STAYS, rng.random() < follows
            item = (row[-1] + N_TASTES) % n_items if row and follow else -1
            if item % N_TASTES != taste or not stays or item in row or item < 0:
                own = taste if stays else int(rng.integers(N_TASTES))
                item = own + N_TASTES * int(rng.integers(n_items // N_TASTES))
            if item not in row:
                row.append(item)
        found.append(row)
    return found


def lines(rows: Sequence[Sequence[int]], *, has_titles: bool, seed: int = 0) -> Iterator[str]:
    """A CSV file of them, its rows in no order."""
    yield "user_id,item_id,timestamp" + (",title" if has_titles else "")
    every = [(user, place, item) for user, row in enumerate(rows) for place, item in enumerate(row)]
    for i in np.random.default_rng([seed, 3]).permutation(len(every)):
        user, place, item = every[i]
        named = f",{title_of(item)}" if has_titles else ""
        yield f"u{user},i{item},{1_600_000_000 + place * DAY + user}{named}"


def stored(folder: Path, rows: Sequence[Sequence[int]], *, has_titles: bool = False) -> StoredDataset:
    """The data set that these are when they are uploaded."""
    path = folder / "interactions.csv"
    path.write_text("\n".join(lines(rows, has_titles=has_titles)), encoding="utf-8")
    return ingest(
        path,
        filename=path.name,
        choices=ColumnChoices(),
        task_type=TaskType.SEQUENTIAL_RECOMMENDATION,
        project="default",
        data_dir=folder,
        max_bytes=10**8,
    )
