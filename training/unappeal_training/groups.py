"""Which documents must stand on one side of a fold: those of a site, and those that share near-duplicate blocks."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from unappeal_training.dataset import LabelledDocument
from unappeal_training.labelled import VIEW
from unappeal_training.near import linked, near_duplicates

MIN_SITES = 5
"""With fewer sites, folds are made by document: every fold would miss most of what there is to learn."""

MAX_SHARED_SITES = 3
"""A block on more sites than this is boilerplate that no fold can keep apart; it is left out of training by text."""

GroupBy = Literal["auto", "site", "document"]


@dataclass(frozen=True, slots=True)
class Grouped:
    """Documents whose ``site`` is their group in folds.

    ``by`` is what makes a group; ``n_groups`` how many there are; ``n_joined`` how many were joined because
    near-duplicate blocks link them.
    """

    documents: list[LabelledDocument]
    by: Literal["site", "document"]
    n_groups: int
    n_joined: int


def block_pairs(documents: Sequence[LabelledDocument]) -> list[tuple[int, int]]:
    """Give the near-duplicates among all blocks of some documents, numbered through in order."""
    return list(near_duplicates([block for d in documents for block in d.blocks]))


def grouped(documents: Sequence[LabelledDocument], pairs: Sequence[tuple[int, int]], by: GroupBy = "auto") -> Grouped:
    """Group documents by site, or by document where there are too few sites to hold any out; see `block_pairs`."""
    sites = {d.site for d in documents if d.site}
    if by == "auto":
        by = "site" if len(sites) >= MIN_SITES else "document"
    names = [d.site if by == "site" and d.site else d.group for d in documents]
    unique = list(dict.fromkeys(names))
    number = {name: i for i, name in enumerate(unique)}
    root = linked(len(unique), _links(documents, pairs, [number[name] for name in names]))
    group_of = {name: f"{VIEW}:{unique[root[i]]}" for i, name in enumerate(unique)}
    regrouped = [replace(d, site=group_of[name]) for d, name in zip(documents, names, strict=True)]
    n_groups = len(set(root))
    return Grouped(regrouped, by, n_groups, len(unique) - n_groups)


def _links(
    documents: Sequence[LabelledDocument], near: Sequence[tuple[int, int]], group: Sequence[int]
) -> list[tuple[int, int]]:
    """Give pairs of groups that share near-duplicate, but not identical, blocks (those are kept apart by text)."""
    texts = [block for d in documents for block in d.blocks]
    owner = [g for d, g in zip(documents, group, strict=True) for _ in d.blocks]
    groups_of: dict[int, set[int]] = defaultdict(set)
    pairs = []
    for i, j in near:
        groups_of[i] |= {owner[i], owner[j]}
        if owner[i] != owner[j] and texts[i].casefold() != texts[j].casefold():
            pairs.append((i, j))
    shared = Counter({i: len(found) for i, found in groups_of.items()})
    return [(owner[i], owner[j]) for i, j in pairs if shared[i] <= MAX_SHARED_SITES]
