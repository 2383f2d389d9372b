"""Filter documents: classify their blocks, drop what is not the story, give back text and everything dropped.

The work is done by `filter_batch` on arrays over many documents; the rest are the same thing for one text, for
records and for data frames.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unappeal.artefact import load_model
from unappeal.blocks import MAX_WRAP_CHARS, Batch, Block, BlockMode, Document, rebuild, split_batch
from unappeal.classifier import ParagraphClassifier
from unappeal.labels import LABELS, Label
from unappeal.operating_point import label_mask
from unappeal.settle import judged_and_settled

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_MAX_REMOVED = 0.8
"""A document that would lose more than this share of its block characters is left whole and flagged."""

DEFAULT_DROP: tuple[Label, ...] = (Label.APPEAL, Label.RELATED)

BATCH_CHARS = 1 << 20
"""Documents are classified together until they have this many code points: amortises, and fits the cache."""

Model = ParagraphClassifier | str | None
"""A loaded model, the name or path of one, or None for the one that ships."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What filtering did to a batch of documents, as arrays.

    ``first`` ``(n_docs + 1,)``: blocks ``first[i]:first[i + 1]`` belong to document ``i``. ``start`` and ``end``
    ``(n_blocks,)`` count code points in the document's own text. ``labels`` ``(n_blocks,)`` are column numbers of
    `LABELS`, ``scores`` ``(n_blocks, 3)`` probabilities, ``removed`` ``(n_blocks,)`` what was dropped.
    ``flagged`` ``(n_docs,)`` marks documents left whole by the guard.
    """

    originals: list[str]
    texts: list[str]
    flagged: npt.NDArray[np.bool_]
    first: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int8]
    scores: npt.NDArray[np.float32]
    removed: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.texts)

    def document(self, i: int) -> "FilterResult":
        """Give the result for the ``i``-th document of the batch."""
        return FilterResult(self.texts[i], bool(self.flagged[i]), self, i)


@dataclass(frozen=True, slots=True)
class FilterResult:
    """A cleaned document, and all that is known about its blocks; nothing dropped is lost.

    ``text`` is the cleaned text. ``flagged`` is true where more than ``max_removed`` would have gone, so that the
    document was left whole.
    """

    text: str
    flagged: bool
    _batch: BatchResult
    _index: int

    @property
    def original(self) -> str:
        """The text before filtering."""
        return self._batch.originals[self._index]

    @property
    def blocks(self) -> list[Block]:
        """Every block of the original text, in order, dropped or not."""
        return self._blocks(np.ones(self._n_blocks, dtype=bool))

    @property
    def removed(self) -> list[Block]:
        """The blocks that were dropped, in order."""
        return self._blocks(self._batch.removed[self._part])

    def __repr__(self) -> str:
        n_removed = int(self._batch.removed[self._part].sum())
        return f"FilterResult(blocks={self._n_blocks}, removed={n_removed}, flagged={self.flagged})"

    @property
    def _part(self) -> slice:
        return slice(int(self._batch.first[self._index]), int(self._batch.first[self._index + 1]))

    @property
    def _n_blocks(self) -> int:
        return int(self._part.stop - self._part.start)

    def _blocks(self, chosen: npt.NDArray[np.bool_]) -> list[Block]:
        batch, part, text = self._batch, self._part, self.original
        rows = zip(
            batch.start[part][chosen].tolist(),
            batch.end[part][chosen].tolist(),
            batch.labels[part][chosen].tolist(),
            batch.scores[part][chosen].tolist(),
            strict=True,
        )
        return [
            Block(
                text[s:e], s, e, str(LABELS[label]), {str(name): score for name, score in zip(LABELS, row, strict=True)}
            )
            for s, e, label, row in rows
        ]


def filter_text(
    text: Document,
    *,
    model: Model = None,
    max_body_loss: float | None = None,
    max_removed: float = DEFAULT_MAX_REMOVED,
    drop: Collection[str] = DEFAULT_DROP,
    blocks: BlockMode = "auto",
) -> FilterResult:
    """Filter one document.

    Parameters
    ----------
    text
        The document, or the texts of its blocks in order.
    model
        A loaded model, its name or path; None is the one that ships.
    max_body_loss
        Share of the story's characters, over a corpus like the held-out pages, that may be dropped: from 0 (drops
        nothing) to 0.05, rounded down to a level of the model's curve. None is the model's default, 0.001.
    max_removed
        The document is left whole and flagged when more than this share of its blocks' characters would go.
    drop
        The labels to drop: ``{"appeal", "related"}`` or one of them.
    blocks
        Where blocks end: at every ``"line"``, at ``"blank"`` lines, or ``"auto"``: at blank lines where a text is
        hard-wrapped.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not as above.
    ModelError
        Where the model cannot be loaded.
    """
    return filter_batch(
        [text], model=model, max_body_loss=max_body_loss, max_removed=max_removed, drop=drop, blocks=blocks
    ).document(0)


def filter_batch(
    documents: Sequence[Document],
    *,
    model: Model = None,
    max_body_loss: float | None = None,
    max_removed: float = DEFAULT_MAX_REMOVED,
    drop: Collection[str] = DEFAULT_DROP,
    blocks: BlockMode = "auto",
) -> BatchResult:
    """Filter documents together; each comes out as it would alone. Parameters as for `filter_text`."""
    if not 0 <= max_removed <= 1:
        raise ValueError(f"max_removed must lie between 0 and 1, not {max_removed!r}")
    dropped = label_mask(drop)
    batch = split_batch(documents, blocks)
    scores, labels = judged_and_settled(as_model(model), batch, max_body_loss, dropped)
    free = np.array([blocks == "auto" and isinstance(document, str) for document in documents], dtype=bool)
    return apply_labels(batch, labels, scores, dropped, max_removed, free)


def apply_labels(
    batch: Batch,
    labels: npt.NDArray[np.int8],
    scores: npt.NDArray[np.float32],
    dropped: npt.NDArray[np.bool_],
    max_removed: float,
    free: npt.NDArray[np.bool_],
) -> BatchResult:
    """Drop the blocks whose label is dropped, and rebuild the texts.

    ``free`` ``(n_docs,)`` tells which documents have their blocks where the text itself says (mode ``auto``).
    """
    removed = dropped[labels]
    doc = batch.document_of_block()
    flagged = _too_much_removed(batch, removed, doc, max_removed)
    texts = rebuild(batch, removed & ~flagged[doc])
    start, end = batch.start - batch.doc_start[doc], batch.end - batch.doc_start[doc]
    changed = np.zeros(len(texts), dtype=bool)
    changed[doc[removed]] = True
    wide = np.zeros(len(texts), dtype=bool)
    wide[doc[~removed & (end - start > MAX_WRAP_CHARS)]] = True
    doubtful = changed & free & ~flagged & (batch.by_blank | ~wide)  # what keeps a wide line is not hard-wrapped
    for i in _read_otherwise(batch, texts, np.flatnonzero(doubtful).tolist()):
        texts[i], flagged[i] = batch.texts[i], True  # filtering what is left again would change it
    removed &= ~flagged[doc]
    return BatchResult(batch.texts, texts, flagged, batch.first, start, end, labels, scores, removed)


def classify(
    document: Document, *, model: Model = None, max_body_loss: float | None = None, blocks: BlockMode = "auto"
) -> list[Block]:
    """Give every block of a document with its label at the operating point and its scores, in order."""
    return filter_text(document, model=model, max_body_loss=max_body_loss, blocks=blocks).blocks


def classify_many(
    documents: Iterable[Document],
    *,
    model: Model = None,
    max_body_loss: float | None = None,
    blocks: BlockMode = "auto",
) -> Iterator[list[Block]]:
    """Classify documents as they come, in batches; the same order, one list of blocks a document."""
    classifier = as_model(model)
    for batch in in_batches(documents, _document_chars):
        result = filter_batch(batch, model=classifier, max_body_loss=max_body_loss, blocks=blocks)
        for i in range(len(result)):
            yield result.document(i).blocks


def filter_documents(
    documents: Iterable[dict[str, Any]],
    text_key: str = "text",
    *,
    model: Model = None,
    max_body_loss: float | None = None,
    max_removed: float = DEFAULT_MAX_REMOVED,
    drop: Collection[str] = DEFAULT_DROP,
    blocks: BlockMode = "auto",
) -> Iterator[dict[str, Any]]:
    """Filter records as they come, in batches; new dicts, the same order, other fields untouched.

    Raises KeyError for a record without ``text_key`` and TypeError where its value is no text; other parameters as
    for `filter_text`.
    """
    classifier = as_model(model)
    for batch in in_batches(documents, lambda record: _document_chars(record[text_key])):
        result = filter_batch(
            [record[text_key] for record in batch],
            model=classifier,
            max_body_loss=max_body_loss,
            max_removed=max_removed,
            drop=drop,
            blocks=blocks,
        )
        for record, text in zip(batch, result.texts, strict=True):
            yield {**record, text_key: text}


def filter_frame(
    frame: "pd.DataFrame",
    column: str = "text",
    *,
    model: Model = None,
    max_body_loss: float | None = None,
    max_removed: float = DEFAULT_MAX_REMOVED,
    drop: Collection[str] = DEFAULT_DROP,
    blocks: BlockMode = "auto",
) -> "pd.DataFrame":
    """Give a new data frame with one column's texts filtered; missing values stay missing.

    Parameters as for `filter_text`. Raises KeyError where there is no such column.
    """
    texts = frame[column]
    present = texts.notna()
    options: dict[str, Any] = {
        "max_body_loss": max_body_loss, "max_removed": max_removed, "drop": drop, "blocks": blocks
    }  # fmt: skip
    records = ({"text": text} for text in texts[present])
    cleaned = texts.astype(object)
    cleaned[present] = [record["text"] for record in filter_documents(records, model=model, **options)]
    return frame.assign(**{column: cleaned.astype(texts.dtype)})


def as_model(model: Model) -> ParagraphClassifier:
    """Give the model itself, or load it by name or path."""
    return model if isinstance(model, ParagraphClassifier) else load_model(model)


def in_batches(items: Iterable[Any], n_chars: Callable[[Any], int]) -> Iterator[list[Any]]:
    """Group items until a group has `BATCH_CHARS` code points of text."""
    batch: list[Any] = []
    size = 0
    for item in items:
        batch.append(item)
        size += n_chars(item)
        if size >= BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _document_chars(document: Document) -> int:
    if isinstance(document, list | tuple):
        return sum(len(block) for block in document if isinstance(block, str))
    return len(document) if isinstance(document, str) else 0  # what is no document is refused when it is split


def _read_otherwise(batch: Batch, texts: list[str], documents: list[int]) -> list[int]:
    """Give those of some documents whose new text would be split at other breaks than the old one was."""
    by_blank = split_batch([texts[i] for i in documents]).by_blank.tolist()
    return [i for i, now in zip(documents, by_blank, strict=True) if now != batch.by_blank[i]]


def _too_much_removed(
    batch: Batch, removed: npt.NDArray[np.bool_], doc: npt.NDArray[np.int64], max_removed: float
) -> npt.NDArray[np.bool_]:
    chars = batch.end - batch.start
    total = np.bincount(doc, weights=chars, minlength=len(batch.texts))
    gone = np.bincount(doc, weights=chars * removed, minlength=len(batch.texts))
    too_much: npt.NDArray[np.bool_] = gone > max_removed * total
    return too_much
