"""The documents of a filter run as they were before it: its outputs, with the rejected blocks put back.

The summary of a run (``run.json`` in an output folder's state folder, or what ``--summary`` wrote) says where its
files are. A run that kept no rejects is done again, on its inputs.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from unappeal.blocks import Block, split
from unappeal.corpus.formats import format_of, renamed
from unappeal.corpus.plan import RUN_SUMMARY, STATE_FOLDER
from unappeal.corpus.records import BadRecord, Keys
from unappeal.corpus.tally import SCORE_BINS
from unappeal.filter import Model
from unappeal.labels import LABELS, Label
from unappeal.pages.documents import JudgedDocument, SourceDocument, judge
from unappeal.pages.sources import read_documents, read_records

Reject: TypeAlias = dict[str, Any]
"""A line of the rejects: ``id``, ``span``, ``label``, ``score``, ``text``."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its summary tells it.

    ``model`` is a checksum, ``files`` each have ``inputs``, ``output`` and counts. ``scores`` has for every label how
    many blocks got it with a score in each twentieth of 0 to 1; rejects tell those of removed blocks only.
    """

    path: str
    model: str
    options: dict[str, Any]
    files: list[dict[str, Any]]
    scores: dict[str, list[int]]

    @property
    def keys(self) -> Keys:
        """Where the records keep text and id, and what made text of HTML."""
        return Keys(self.options["text_key"], self.options["id_key"], self.options["extractor"])


def find_run(path: str) -> Run | None:
    """Read the summary at a path, or in the output folder there; None where there is none."""
    place = Path(path)
    summary = place / STATE_FOLDER / RUN_SUMMARY if place.is_dir() else place
    if summary.suffix != ".json" or not summary.is_file():
        return None
    try:
        content = json.loads(summary.read_bytes())
        scores = _by_twentieths(content["total"]["scores"])
        return Run(path, content["model"], content["options"], content["files"], scores)
    except (ValueError, KeyError, TypeError):  # a file of documents
        return None


def _by_twentieths(counts: Mapping[str, int]) -> dict[str, list[int]]:
    return {str(label): [counts.get(f"{label} {i / SCORE_BINS:.2f}", 0) for i in range(SCORE_BINS)] for label in LABELS}


def run_documents(run: Run, bad: list[BadRecord], model: Model = None) -> Iterator[JudgedDocument]:
    """Give the documents of a run with what it removed; InputError where its files are gone.

    With rejects, blocks that were kept have no scores. Files in which documents were flagged are classified again
    for these.
    """
    for file in run.files:
        if run.options.get("rejects") is None:
            yield from judge(read_documents(file["inputs"], run.keys, bad), model=model, **_options(run))
            continue
        documents = _with_rejects(run, file, bad)
        yield from _flagged(documents, run, model) if file.get("flagged") else documents


def rescored(document: JudgedDocument, model: Model = None) -> JudgedDocument:
    """Give a document with scores for all its blocks; what was decided stays."""
    source = SourceDocument(document.id, [block.text for block in document.blocks])
    (again,) = judge([source], model=model)
    blocks = [
        Block(old.text, old.start, old.end, old.label, new.scores)
        for old, new in zip(document.blocks, again.blocks, strict=True)
    ]
    return _replaced(document, tuple(blocks), document.flagged)


def restored(text: str, rejects: list[Reject], mode: Any = "auto") -> tuple[list[Block], list[bool]]:
    """Put rejected blocks back between the blocks that were kept; gives all blocks, and which were removed.

    The spans of kept blocks are near what they were: how much white space went with the rejected ones is not known.
    """
    blocks: list[Block] = []
    removed: list[bool] = []
    waiting = list(reversed(rejects))
    shift = 0
    for kept in split(text, mode):
        while waiting and waiting[-1]["span"][0] < kept.end + shift:
            reject = waiting.pop()
            blocks.append(_rejected(reject))
            removed.append(True)
            shift = max(shift, reject["span"][1] + 1 - kept.start)
        blocks.append(Block(kept.text, kept.start + shift, kept.end + shift, str(Label.BODY)))
        removed.append(False)
    blocks.extend(_rejected(reject) for reject in reversed(waiting))
    return blocks, removed + [True] * len(waiting)


def _rejected(reject: Reject) -> Block:
    start, end = reject["span"]
    return Block(reject["text"], start, end, reject["label"], {reject["label"]: reject["score"]})


def _with_rejects(run: Run, file: dict[str, Any], bad: list[BadRecord]) -> Iterator[JudgedDocument]:
    rejects = _Rejects(record.row for record in read_records([_rejects_path(run, file)], Keys(), bad))
    for source in read_documents([file["output"]], run.keys, bad):
        text = source.text if isinstance(source.text, str) else "\n\n".join(source.text)
        blocks, removed = restored(text, rejects.of(source.id), run.options.get("blocks", "auto"))
        yield JudgedDocument(
            source.id, source.site, source.language, source.path, tuple(blocks), tuple(removed), flagged=False
        )


class _Rejects:
    """Rejects in the order of their documents, handed out document by document."""

    def __init__(self, lines: Iterator[Reject]) -> None:
        self._lines = lines
        self._next = next(lines, None)

    def of(self, document: str) -> list[Reject]:
        """Give the next document's; a span that goes back belongs to another one of the same id."""
        found: list[Reject] = []
        while self._next is not None and str(self._next["id"]) == document:
            if found and self._next["span"][0] < found[-1]["span"][1]:
                break
            found.append(self._next)
            self._next = next(self._lines, None)
        return found


def _flagged(documents: Iterator[JudgedDocument], run: Run, model: Model) -> Iterator[JudgedDocument]:
    """Classify again those that lost nothing: the guard flags the same ones as in the run."""
    for document in documents:
        if not any(document.removed):
            source = SourceDocument(document.id, [block.text for block in document.blocks])
            (again,) = judge([source], model=model, **_options(run))
            if again.flagged:
                document = _replaced(document, again.blocks, True)
        yield document


def _replaced(document: JudgedDocument, blocks: tuple[Block, ...], flagged: bool) -> JudgedDocument:
    return JudgedDocument(
        document.id, document.site, document.language, document.path, blocks, document.removed, flagged
    )


def _options(run: Run) -> dict[str, Any]:
    names = ("max_body_loss", "max_removed", "drop", "blocks")
    return {name: run.options[name] for name in names if run.options.get(name) is not None}


def _rejects_path(run: Run, file: dict[str, Any]) -> str:
    place = Path(run.options["rejects"])
    if not place.is_dir():
        return str(place)
    name = os.path.relpath(file["output"], run.path)
    return str(place / renamed(name, format_of(name) or "jsonl", "jsonl"))
