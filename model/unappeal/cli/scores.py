"""Scores on disk: one row a document, with what `filter` would do at every body loss.

A row is a Dolma attribute row, ``{"id", "attributes": {name: [[start, end, number], …]}}``, with one field more,
``unappeal``, that says what the scores hold for. The attributes ``unappeal__<model>__<label>`` give each block's
probability. ``unappeal__<model>__drop_<labels>`` gives a code for every block that goes at some level of the model's
curve when these labels are dropped: filtering asks again about what is left after a drop, so that probabilities alone
do not tell what goes. The code has one digit of base 4 a level, the lowest first: the column number of the label.
"""

import io
import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import orjson

from unappeal.blocks import Batch, BlockMode, split_batch
from unappeal.classifier import ParagraphClassifier
from unappeal.cli.jobs import filtered, tally_of
from unappeal.corpus.base import Shard
from unappeal.corpus.compression import decompressed, read_blocks
from unappeal.corpus.jsonl import line_chunks
from unappeal.corpus.records import Field, Keys, Records, json_line
from unappeal.corpus.sources import companion_path
from unappeal.corpus.tally import SCORE_DIGITS
from unappeal.corpus.work import Outcome, Task
from unappeal.errors import InputError
from unappeal.filter import apply_labels, as_model
from unappeal.labels import LABELS
from unappeal.operating_point import label_mask
from unappeal.settle import Judge, settle_levels

CODE_BITS = 2
FIELD = "unappeal"
"""Field with what scores hold for, and with the scores themselves where they stand in the records."""

_AGAIN = "run unappeal score again"


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """Gives scores instead of documents, or adds them to the records (``inline``)."""

    keys: Keys
    model: str | None
    model_hash: str
    drop: tuple[str, ...]
    max_removed: float
    blocks: BlockMode
    inline: bool

    def __call__(self, records: Records, task: Task) -> Outcome:
        """Score a chunk's texts."""
        classifier = as_model(self.model)
        batch = split_batch(records.texts, self.blocks)
        judge = Judge(classifier, batch)
        dropped = label_mask(self.drop)
        at_levels = settle_levels(judge, classifier.levels, dropped)
        names = attribute_names(classifier, self.drop)
        found: list[dict[str, Any]] = [
            {"attributes": attributes, FIELD: {"model": self.model_hash, "blocks": self.blocks, "chars": len(text)}}
            for attributes, text in zip(_attributes(batch, judge, at_levels, names), records.texts, strict=True)
        ]
        level = classifier.operating_point_.level_index(None)
        labels = at_levels[level] if level is not None else np.zeros(len(judge.document), dtype=np.int8)
        free = np.full(len(found), self.blocks == "auto")
        tally = tally_of(apply_labels(batch, labels, judge.first_scores, dropped, self.max_removed, free))
        if self.inline:
            values = Field(FIELD, [{**row[FIELD], "attributes": row["attributes"]} for row in found])
            write = records.json_lines if task.as_json else records.native
            return Outcome(write(records.texts, values), tally=tally)
        rows = ({"id": name, **row} for name, row in zip(records.ids(), found, strict=True))
        return Outcome(b"".join(map(json_line, rows)), tally=tally)


@dataclass(slots=True)
class ApplyScoresJob:
    """Filters by scores made before, without classifying; reads along with the documents, in one process.

    ``scores`` is a file, or a folder with a file for each shard, of the shard's name.
    """

    keys: Keys
    scores: str
    model: str | None
    model_hash: str
    max_body_loss: float | None
    max_removed: float
    drop: tuple[str, ...]
    blocks: BlockMode
    rejects: bool
    _shard: Shard | None = None
    _rows: Iterator[tuple[int, dict[str, Any]]] = field(default_factory=lambda: iter(()))
    _path: str = ""

    def __call__(self, records: Records, task: Task) -> Outcome:
        """Filter a chunk's texts; InputError where the scores are not theirs."""
        if task.shard != self._shard:
            self._shard = task.shard
            self._path = companion_path(self.scores, task.shard)
            self._rows = _read_rows(self._path)
        classifier = as_model(self.model)
        rows = [self._row(name, text, task) for name, text in zip(records.ids(), records.texts, strict=True)]
        batch = split_batch(records.texts, self.blocks)
        level = classifier.operating_point_.level_index(self.max_body_loss)
        labels, scores = _decoded(batch, rows, attribute_names(classifier, self.drop), level)
        free = np.full(len(rows), self.blocks == "auto")
        result = apply_labels(batch, labels, scores, label_mask(self.drop), self.max_removed, free)
        return filtered(records, result, task, self.rejects)

    def _row(self, name: Any, text: str, task: Task) -> dict[str, Any]:
        """Give a document's attributes, after checking that they are its own."""
        line, row = next(self._rows, (None, None))
        if row is None:
            raise InputError(f"it ends before the documents of {task.shard.path} do: {_AGAIN}", self._path)
        about = row.get(FIELD, {})
        attributes: dict[str, Any] = row.get("attributes", about.get("attributes", {}))
        same_id = str(name).startswith(task.shard.path) or row.get("id", name) == name
        wanted = attribute_names(as_model(self.model), self.drop)[-1]
        problem = None
        if about.get("chars") != len(text) or not same_id:
            problem = f"these are not the scores of the document {name!r}: {_AGAIN}"
        elif about.get("model") != self.model_hash:
            problem = f"these scores were made with another model: give it with --model, or {_AGAIN}"
        elif about.get("blocks") != self.blocks:
            problem = f"these scores were made with --blocks {about.get('blocks')}, not {self.blocks}"
        elif wanted not in attributes:
            problem = f"these scores have no {wanted!r}: run unappeal score --drop {','.join(self.drop)}"
        if problem is not None:
            raise InputError(problem, self._path, line)
        return attributes


def attribute_names(classifier: ParagraphClassifier, drop: Sequence[str]) -> list[str]:
    """Give the names of a row's attributes: one a label, then that of the codes."""
    stem = f"unappeal__{classifier.name}__"
    return [*(f"{stem}{label}" for label in LABELS), f"{stem}drop_{'_'.join(sorted(drop))}"]


def _attributes(
    batch: Batch, judge: Judge, at_levels: npt.NDArray[np.int8], names: Sequence[str]
) -> Iterator[dict[str, list[list[int | float]]]]:
    begin = batch.doc_start[judge.document]
    spans = np.stack((batch.start - begin, batch.end - begin), axis=1).tolist()
    # As `filtered` rounds them, so that rejects are the same: rounding singles first would differ in the last digit.
    scores = [[round(score, SCORE_DIGITS) for score in row] for row in judge.first_scores.tolist()]
    powers = 1 << (CODE_BITS * np.arange(len(at_levels), dtype=np.int64))
    codes = (powers @ at_levels.astype(np.int64)).tolist()
    for first, last in pairwise(batch.first.tolist()):
        attributes: dict[str, list[list[int | float]]] = {
            name: [[*spans[i], scores[i][column]] for i in range(first, last)] for column, name in enumerate(names[:-1])
        }
        attributes[names[-1]] = [[*spans[i], codes[i]] for i in range(first, last) if codes[i]]
        yield attributes


def _decoded(
    batch: Batch, rows: Sequence[dict[str, Any]], names: Sequence[str], level: int | None
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Give labels and scores of a batch's blocks from the attributes of its documents."""
    scores = np.zeros((batch.n_blocks, len(LABELS)), dtype=np.float32)
    labels = np.zeros(batch.n_blocks, dtype=np.int8)
    for row, first, begin in zip(rows, batch.first.tolist(), batch.doc_start.tolist(), strict=False):
        for column, name in enumerate(names[:-1]):
            values = [score for _, _, score in row[name]]
            scores[first : first + len(values), column] = values
        at = np.searchsorted(batch.start, [begin + start for start, _, _ in row[names[-1]]])
        if level is not None:
            labels[at] = [(int(code) >> CODE_BITS * level) & 3 for _, _, code in row[names[-1]]]
    return labels, scores


def _read_rows(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        for chunk in line_chunks(decompressed(read_blocks(_mapped(path)), path)):
            if chunk.damage is not None:
                raise InputError(chunk.damage, path, chunk.line)
            for number, line in enumerate(chunk.data.splitlines(), chunk.line):
                yield number, orjson.loads(line)
    except OSError as exc:
        raise InputError(f"the scores cannot be read: {exc.strerror}", path) from exc
    except orjson.JSONDecodeError as exc:
        raise InputError(f"the scores are broken: {exc}", path) from exc


def _mapped(path: str) -> BinaryIO:
    """Map a file, so that no descriptor stays open where its rows are not read to the end."""
    with Path(path).open("rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            return io.BytesIO()
        return cast(BinaryIO, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
