"""Near-duplicate blocks: the same text but for a name, a number or a date, on several sites or in several documents."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from zlib import crc32

SHINGLE_WORDS, SHINGLE_CHARS = 3, 8
"""A shingle is that many words, or characters where a script has no spaces."""

SKETCH = 6
"""Blocks that share one of their so many smallest shingle hashes are compared."""

SIMILAR = 0.7
"""Share of common shingles (Jaccard) from which two blocks are near-duplicates."""

MIN_CHARS = 40
"""Shorter blocks ("Read more") stand everywhere and prove nothing."""

MAX_BUCKET = 50
"""More blocks than this with one shingle are compared with the first of them only."""


def near_duplicates(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Give pairs of near-duplicate texts by index, the smaller first; identical ones included, each pair once."""
    shingles = [_shingles(text) if len(text) >= MIN_CHARS else frozenset() for text in texts]
    buckets: dict[int, list[int]] = defaultdict(list)
    seen: set[tuple[int, int]] = set()
    for j, own in enumerate(shingles):
        for hashed in sorted(own)[:SKETCH]:
            for i in buckets[hashed]:
                if (i, j) not in seen:
                    seen.add((i, j))
                    if len(shingles[i] & own) >= SIMILAR * len(shingles[i] | own):
                        yield i, j
            if len(buckets[hashed]) < MAX_BUCKET:
                buckets[hashed].append(j)


def linked(n: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Give each of ``n`` things the number of the smallest it is linked to, directly or through others."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs:
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    return [root(i) for i in range(n)]


def _shingles(text: str) -> frozenset[int]:
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    if len(words) > 2 * SHINGLE_WORDS:
        parts = (" ".join(words[i : i + SHINGLE_WORDS]) for i in range(len(words) - SHINGLE_WORDS + 1))
    else:
        joined = "".join(words)
        parts = (joined[i : i + SHINGLE_CHARS] for i in range(max(len(joined) - SHINGLE_CHARS, 0) + 1))
    return frozenset(crc32(part.encode("utf-8", "surrogatepass")) for part in parts)
