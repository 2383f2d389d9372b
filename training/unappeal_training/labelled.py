"""Rows to labelled documents: label names settled, annotators counted, blocks put in the order of their documents."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from unappeal.blocks import split
from unappeal.errors import InputError
from unappeal.labels import LABELS
from unappeal_training.containers import read_records
from unappeal_training.dataset import UNLABELLED, LabelledDocument
from unappeal_training.imports import read_rows
from unappeal_training.imports.common import ImportOptions
from unappeal_training.rows import LabelRow, Notes, text_or_none

VIEW = "labels"
"""The view of documents that users bring."""

NO_ORDER = "row without document or position: context is off for it"
GAPS = "document with gaps in its positions: --documents would fill them"

_LABEL_NUMBERS = {
    **{str(label): i for i, label in enumerate(LABELS)},
    **{"news body": 0, "donation appeal": 1, "related-links noise": 2, "b": 0, "a": 1, "r": 2},
    **dict.fromkeys(("?", "unlabelled", "unlabeled", "skip"), UNLABELLED),
}
"""What labels may be called, whatever the case; --map adds to it."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What was read: documents, where each of their blocks stood (``places[i][j]``), and what was noted.

    ``conflicts`` are blocks that were given two labels, ``ties`` those on which annotators disagree; both have none.
    """

    documents: list[LabelledDocument]
    places: list[list[str]]
    notes: Notes
    conflicts: list[str] = field(default_factory=list)
    ties: list[str] = field(default_factory=list)

    @property
    def n_blocks(self) -> int:
        return sum(int((d.labels >= 0).sum()) for d in self.documents)


@dataclass(frozen=True, slots=True)
class _Settled:
    row: LabelRow
    number: int


def read_labels(
    paths: Sequence[Path],
    options: ImportOptions | None = None,
    mapping: Mapping[str, str] | None = None,
    format_name: str | None = None,
) -> Labels:
    """Read labelled documents from files; InputError where a file or a label cannot be understood."""
    options, notes = options or ImportOptions(), Notes()
    rows = read_rows(paths, options, notes, format_name)
    numbers = label_numbers(rows, mapping or {})
    settled, conflicts, ties = _settled(rows, numbers, notes)
    documents, places = [], []
    for name, group in _grouped(settled, options.documents, notes):
        documents.append(_document(name, [s.row for s in group], [s.number for s in group], notes))
        places.append([s.row.where for s in group])
    return Labels(documents, places, notes, conflicts, ties)


def read_texts(paths: Iterable[Path], text_column: str = "text") -> dict[str, str]:
    """Read documents by id, for labels that came without the rest of their document."""
    texts: dict[str, str] = {}
    for path in paths:
        for record in read_records(path):
            name, text = text_or_none(record.values.get("id")), record.values.get(text_column)
            if name is None or not isinstance(text, str):
                raise InputError(f"a document needs 'id' and {text_column!r}", record.path, record.line)
            texts[name] = text
    return texts


def label_numbers(rows: Sequence[LabelRow], mapping: Mapping[str, str]) -> list[int]:
    """Give each row's label as a number; InputError lists every unknown name with its first row."""
    known = dict(_LABEL_NUMBERS)
    for name, label in mapping.items():
        if label.casefold() not in _LABEL_NUMBERS:
            raise InputError(f"--map {name}={label}: {label!r} is not one of {', '.join(LABELS)}, or '?' for no label")
        known[name.casefold()] = _LABEL_NUMBERS[label.casefold()]
    unknown: dict[str, list[LabelRow]] = {}
    numbers = []
    for row in rows:
        number = UNLABELLED if row.label is None else known.get(row.label.strip().casefold())
        if number is None:
            unknown.setdefault(row.label or "", []).append(row)
        numbers.append(UNLABELLED if number is None else number)
    if unknown:
        first = min(unknown.values(), key=lambda found: rows.index(found[0]))[0]
        named = ", ".join(f"{name!r} ({len(found)} rows, first {found[0].where})" for name, found in unknown.items())
        raise InputError(
            f"unknown label: {named}; allowed are {', '.join(LABELS)}: correct the rows, or map the names with "
            f"--map '{first.label}={LABELS[1]}'",
            first.path,
            first.line,
        )
    return numbers


def _settled(
    rows: Sequence[LabelRow], numbers: Sequence[int], notes: Notes
) -> tuple[list[_Settled], list[str], list[str]]:
    """Give one row a block: repeated rows become one, annotators vote, contradictions lose their label."""
    groups: dict[tuple[str, float | None, str], list[_Settled]] = {}
    for row, number in zip(rows, numbers, strict=True):
        groups.setdefault(row.key, []).append(_Settled(row, number))
    settled: list[_Settled] = []
    conflicts: list[str] = []
    ties: list[str] = []
    for group in groups.values():
        different = {s.row.text for s in group}
        if len(different) > 1:
            conflicts.append(f"{_places(group)}: two texts at one place of document {group[0].row.document!r}")
            continue
        votes = Counter(s.number for s in group if s.number != UNLABELLED)
        if len(group) > 1 and len(votes) == 1:
            notes.add("block that stands twice with the same label: counted once", group[1].row.where)
        winners = [number for number, n in votes.items() if n == max(votes.values())]
        people = {s.row.annotator for s in group if s.number != UNLABELLED}
        if len(votes) > 1 and (len(people) == 1 or len(winners) > 1):
            (ties if len(people) > 1 else conflicts).append(f"{_places(group)}: {_quoted(group[0].row.text)}")
            winners = []
        settled.append(replace(group[0], number=winners[0] if winners else UNLABELLED))
    return settled, conflicts, ties


def _places(group: Sequence[_Settled]) -> str:
    names = [f"{s.row.where} {LABELS[s.number]}" for s in group if s.number != UNLABELLED]
    return ", ".join(dict.fromkeys(names))


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")


def _grouped(
    settled: Sequence[_Settled], texts: Mapping[str, str], notes: Notes
) -> Iterable[tuple[str, list[_Settled]]]:
    """Put blocks into their documents in order; a block whose place is unknown is a document of its own."""
    groups: dict[str, list[_Settled]] = {}
    for s in settled:
        if s.row.document is None:
            notes.add(NO_ORDER, s.row.where)
            yield s.row.where, [s]
        else:
            groups.setdefault(s.row.document, []).append(s)
    for name, group in groups.items():
        if name in texts:
            yield from _within(name, texts[name], group, notes)
        elif len(group) > 1 and all(s.row.position is None for s in group):
            notes.add("document without positions: its rows are taken in the order of the file", group[0].row.where)
            yield name, group
        elif any(s.row.position is None for s in group):
            for i, s in enumerate(group):
                notes.add(NO_ORDER, s.row.where)
                yield f"{name}#{i}", [s]
        else:
            group = sorted(group, key=lambda s: s.row.position or 0.0)
            positions = [s.row.position or 0.0 for s in group]
            if positions[-1] - positions[0] > len(positions) - 1:
                notes.add(GAPS, group[0].row.where)
            yield name, group


def _within(name: str, text: str, group: Sequence[_Settled], notes: Notes) -> Iterable[tuple[str, list[_Settled]]]:
    """Find the rows among all blocks of their document; the blocks nobody labelled are context."""
    blocks = [block.text for block in split(text)]
    like = group[0].row
    rows = [
        _Settled(replace(like, text=block, label=None, position=float(i)), UNLABELLED) for i, block in enumerate(blocks)
    ]
    for s in group:
        at = _position(blocks, s.row)
        if at is None:
            notes.add("block that its document does not hold: context is off for it", s.row.where)
            yield f"{name}#{s.row.where}", [s]
        else:
            rows[at] = s
    if rows:
        yield name, rows


def _position(blocks: Sequence[str], row: LabelRow) -> int | None:
    """Look where the row says, counting from 0 or 1, then for the only block with its text."""
    if row.position is not None:
        for at in (int(row.position), int(row.position) - 1):
            if 0 <= at < len(blocks) and blocks[at] == row.text:
                return at
    return blocks.index(row.text) if blocks.count(row.text) == 1 else None


def _document(name: str, rows: Sequence[LabelRow], numbers: Sequence[int], notes: Notes) -> LabelledDocument:
    sites = list(dict.fromkeys(row.site for row in rows if row.site))
    if len(sites) > 1:
        notes.add(f"document on several sites: counted to {sites[0]}", rows[0].where)
    languages = [row.language for row in rows if row.language]
    return LabelledDocument(
        id=f"{VIEW}/{name}",
        group=f"{VIEW}/{name}",
        site=sites[0] if sites else "",
        lang=languages[0] if languages else "und",
        source=Path(rows[0].path).name.split(".")[0],
        view=VIEW,
        blocks=tuple(row.text for row in rows),
        labels=np.array(numbers, dtype=np.int8),
        weights=np.ones(len(rows), dtype=np.float32),
        trusted=True,
    )
