"""`UnappealFilter`, a step of a datatrove pipeline; the executors (local, Slurm, Ray) are datatrove's.

A task that is killed leaves truncated files under their final names, as datatrove's writers do; started again, the
executor runs every task without a completion marker from its beginning, which writes its files anew.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from unappeal.threads import use_one_thread

use_one_thread()  # before NumPy: an executor runs one task a core

import numpy as np  # noqa: E402

from unappeal.blocks import BlockMode  # noqa: E402
from unappeal.engines.options import FilterOptions  # noqa: E402
from unappeal.filter import DEFAULT_DROP, DEFAULT_MAX_REMOVED, BatchResult, in_batches  # noqa: E402
from unappeal.labels import LABELS  # noqa: E402

try:
    from datatrove.data import Document
    from datatrove.pipeline.base import PipelineStep
except ImportError as exc:
    raise ImportError(f'unappeal.engines.datatrove needs datatrove: pip install "unappeal[datatrove]" ({exc})') from exc

if TYPE_CHECKING:
    from datatrove.pipeline.writers.disk_base import DiskWriter

SCORE_DIGITS = 4

_OWN_NAMES = ("self", "document", "rank")
"""Parameters of a writer's ``write``, which metadata of these names would hide."""


class UnappealFilter(PipelineStep):  # type: ignore[misc]  # datatrove has no types
    """Drops appeals and related-links noise from the documents that pass; no document is dropped.

    Documents are filtered in batches by characters; each comes out as `unappeal.filter_text` gives it, in order,
    with its id, media and metadata untouched.

    Parameters
    ----------
    exclusion_writer
        Gets every removed block as a document: the id of the document it stood in, the block's text, and as
        metadata ``span`` (``[start, end]`` in code points, half-open), ``label`` and ``score``. Names in its
        ``output_filename`` are filled in from the document's metadata.
    model
        A model's name or path, the same on every machine; each worker loads it when its first documents come.
    max_body_loss, max_removed, drop, blocks
        As for `unappeal.filter_text`.

    Notes
    -----
    Counted per document: ``total``, ``forwarded``, ``changed``, ``flagged`` (left whole by the guard); and by label
    ``blocks_…``, ``chars_…``, ``removed_blocks_…``, ``removed_chars_…``.

    Raises TypeError, with the id, at a document whose text is no string.
    """

    type = "🔻 - FILTER"
    name = "📰 Unappeal"

    def __init__(
        self,
        exclusion_writer: "DiskWriter | None" = None,
        *,
        model: str | os.PathLike[str] | None = None,
        max_body_loss: float | None = None,
        max_removed: float = DEFAULT_MAX_REMOVED,
        drop: Collection[str] = DEFAULT_DROP,
        blocks: BlockMode = "auto",
    ) -> None:
        super().__init__()
        self.exclusion_writer = exclusion_writer
        self.options = FilterOptions.checked(model, max_body_loss, max_removed, drop, blocks)

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Filter the documents of one task."""
        with self.exclusion_writer or nullcontext() as writer:
            for documents in in_batches(data, _checked_length):
                with self.track_time(unit="batch"):
                    result = self.options.filter([document.text for document in documents])
                    self._count(result)
                    if writer is not None:
                        _write_removed(documents, result, writer, rank)
                    for document, text in zip(documents, result.texts, strict=True):
                        document.text = text
                yield from documents

    def _count(self, result: BatchResult) -> None:
        """Count a batch document by document, so that datatrove's means are means over documents."""
        chars = result.end - result.start
        chosen = {"": np.ones(len(chars), dtype=bool), "removed_": result.removed}
        for i, (new, old) in enumerate(zip(result.texts, result.originals, strict=True)):
            self.stat_update("total", "forwarded")
            self.stat_update("changed", value=int(new != old))
            self.stat_update("flagged", value=int(result.flagged[i]))
            part = slice(int(result.first[i]), int(result.first[i + 1]))
            for prefix, mask in chosen.items():
                labels = result.labels[part][mask[part]]
                n_blocks = np.bincount(labels, minlength=len(LABELS)).tolist()
                n_chars = np.bincount(labels, chars[part][mask[part]], minlength=len(LABELS)).tolist()
                for label, blocks, characters in zip(LABELS, n_blocks, n_chars, strict=True):
                    if blocks or prefix == "":
                        self.stat_update(f"{prefix}blocks_{label}", value=blocks)
                        self.stat_update(f"{prefix}chars_{label}", value=int(characters))


def _checked_length(document: Document) -> int:
    if not isinstance(document.text, str):
        raise TypeError(f"document {document.id}: text must be a string, not {type(document.text).__name__}")
    return len(document.text)


def _write_removed(documents: list[Document], result: BatchResult, writer: "DiskWriter", rank: int) -> None:
    for i, document in enumerate(documents):
        part = slice(int(result.first[i]), int(result.first[i + 1]))
        if not result.removed[part].any():
            continue
        for_filename: dict[str, Any] = {k: v for k, v in document.metadata.items() if k not in _OWN_NAMES}
        for block in result.document(i).removed:
            assert block.label is not None and block.scores is not None
            about = {
                "span": [block.start, block.end],
                "label": block.label,
                "score": round(block.scores[block.label], SCORE_DIGITS),
            }
            writer.write(Document(block.text, document.id, metadata=about), rank, **for_filename)
