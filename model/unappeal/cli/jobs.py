"""What the sub-commands do to the records of a chunk; see `unappeal.corpus.work.Job`."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.blocks import BlockMode
from unappeal.corpus.records import Keys, Records, json_line
from unappeal.corpus.tally import SCORE_BINS, SCORE_DIGITS, Tally
from unappeal.corpus.work import Outcome, Task
from unappeal.filter import BatchResult, filter_batch
from unappeal.labels import LABELS


@dataclass(frozen=True, slots=True)
class FilterJob:
    """Drops blocks; the model is loaded once a process, by its name or path."""

    keys: Keys
    model: str | None
    max_body_loss: float | None
    max_removed: float
    drop: tuple[str, ...]
    blocks: BlockMode
    rejects: bool

    def __call__(self, records: Records, task: Task) -> Outcome:
        """Filter a chunk's texts."""
        result = filter_batch(
            records.texts,
            model=self.model,
            max_body_loss=self.max_body_loss,
            max_removed=self.max_removed,
            drop=self.drop,
            blocks=self.blocks,
        )
        return filtered(records, result, task, self.rejects)


def filtered(records: Records, result: BatchResult, task: Task, rejects: bool) -> Outcome:
    """Put filtered texts into their records."""
    write = records.json_lines if task.as_json else records.native
    return Outcome(write(result.texts), rejected(result, records.ids()) if rejects else b"", tally=tally_of(result))


def rejected(result: BatchResult, ids: list[Any]) -> bytes:
    """Give every removed block as a line of JSON: document, span in code points, label, score, text."""
    document = np.searchsorted(result.first, np.arange(len(result.start)), side="right") - 1
    lines = []
    for row in np.flatnonzero(result.removed).tolist():
        number = int(document[row])
        start, end, label = int(result.start[row]), int(result.end[row]), int(result.labels[row])
        line = {
            "id": ids[number],
            "span": [start, end],
            "label": str(LABELS[label]),
            "score": round(float(result.scores[row, label]), SCORE_DIGITS),
            "text": result.originals[number][start:end],
        }
        lines.append(json_line(line))
    return b"".join(lines)


def tally_of(result: BatchResult) -> Tally:
    """Count a batch."""
    chars = result.end - result.start
    changed = sum(new != old for new, old in zip(result.texts, result.originals, strict=True))
    every = np.ones(len(chars), dtype=bool)
    return Tally(
        documents=len(result),
        changed=changed,
        flagged=int(result.flagged.sum()),
        blocks=_by_label(result.labels, every, None),
        characters=_by_label(result.labels, every, chars),
        removed_blocks=_by_label(result.labels, result.removed, None),
        removed_characters=_by_label(result.labels, result.removed, chars),
        scores=_by_score(result),
    )


def _by_score(result: BatchResult) -> Counter[str]:
    """Count blocks as `Tally.scores` does."""
    labels = result.labels.astype(np.int64)
    scores = result.scores[np.arange(len(labels)), labels].astype(np.float64).round(SCORE_DIGITS)
    bins = np.minimum((scores * SCORE_BINS).astype(np.int64), SCORE_BINS - 1)
    counts = np.bincount(labels * SCORE_BINS + bins, minlength=len(LABELS) * SCORE_BINS).tolist()
    names = (f"{label} {i / SCORE_BINS:.2f}" for label in LABELS for i in range(SCORE_BINS))
    return Counter({name: count for name, count in zip(names, counts, strict=True) if count})


def _by_label(
    labels: npt.NDArray[np.int8], chosen: npt.NDArray[np.bool_], weights: npt.NDArray[np.int64] | None
) -> Counter[str]:
    counts = np.bincount(labels[chosen], None if weights is None else weights[chosen], minlength=len(LABELS))
    return Counter({str(label): int(count) for label, count in zip(LABELS, counts, strict=True) if count})
