"""Documents as the pages need them: where they come from, and every block with its label and scores."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from unappeal.blocks import Block, BlockMode, Document
from unappeal.filter import DEFAULT_DROP, DEFAULT_MAX_REMOVED, Model, as_model, filter_batch, in_batches

SITE_KEYS = ("site", "metadata.site", "domain", "metadata.domain", "source", "metadata.source")
LANGUAGE_KEYS = ("language", "metadata.language", "lang", "metadata.lang")
URL_KEYS = ("url", "metadata.url", "uri", "metadata.uri")


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as it was read; ``site`` and ``language`` are None where the record does not tell."""

    id: str
    text: Document
    site: str | None = None
    language: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """A document with all its blocks labelled; ``removed`` has one entry a block, ``flagged`` is the guard's mark."""

    id: str
    site: str | None
    language: str | None
    path: str | None
    blocks: tuple[Block, ...]
    removed: tuple[bool, ...]
    flagged: bool


def describe(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Find the site and the language of a record under the keys corpora use; the host of its address is a site.

    >>> describe({"metadata": {"url": "https://www.example.org/a", "lang": "de"}})
    {'site': 'example.org', 'language': 'de'}
    """
    site = _first(record, SITE_KEYS)
    if site is None and (url := _first(record, URL_KEYS)):
        site = (urlsplit(url).hostname or "").removeprefix("www.") or None
    return {"site": site, "language": _first(record, LANGUAGE_KEYS)}


def judge(
    sources: Iterable[SourceDocument],
    *,
    model: Model = None,
    max_body_loss: float | None = None,
    max_removed: float = DEFAULT_MAX_REMOVED,
    drop: Collection[str] = DEFAULT_DROP,
    blocks: BlockMode = "auto",
) -> Iterator[JudgedDocument]:
    """Classify and filter documents as they come, in batches, in the same order; parameters as for `filter_text`."""
    classifier = as_model(model)
    for batch in in_batches(sources, lambda source: sum(map(len, source.text))):
        result = filter_batch(
            [source.text for source in batch],
            model=classifier,
            max_body_loss=max_body_loss,
            max_removed=max_removed,
            drop=drop,
            blocks=blocks,
        )
        for i, source in enumerate(batch):
            part = slice(int(result.first[i]), int(result.first[i + 1]))
            yield JudgedDocument(
                source.id,
                source.site,
                source.language,
                source.path,
                tuple(result.document(i).blocks),
                tuple(result.removed[part].tolist()),
                bool(result.flagged[i]),
            )


def _first(record: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value: Any = record
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value:
            return value
    return None
