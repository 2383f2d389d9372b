"""doccano: JSONL exports of text classification and sequence labelling projects, one file a person in a .zip.

``label`` holds names or ``[start, end, name]``; projects with relations have ``entities`` as objects, and those for
intents have ``cats`` beside ``entities``. Offsets are code points. https://github.com/doccano/doccano
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from unappeal_training.imports.common import ImportOptions, chosen_rows, one_label, place_of, text_of
from unappeal_training.imports.spans import Span, label_blocks
from unappeal_training.rows import LabelRow, Notes, Record, first_of

NAME = "doccano"
_EVERYBODY = ("all", "unknown")
"""Members of the archive that are no person's."""


def matches(record: Mapping[str, Any]) -> bool:
    return isinstance(first_of(record, "label", "labels", "entities", "cats"), list) and "text" in record


def rows(records: Iterable[Record], options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    for record in records:
        fields = record.values
        text, place = text_of(fields, record, options), place_of(record, fields, options)
        marks = first_of(fields, "label", "labels", "entities") or []
        task = f"{_stem(record.path)}#{fields.get('id', record.line)}"
        annotator = _person(record.path)
        names = fields.get("cats") or [mark for mark in marks if isinstance(mark, str)]
        spans = [_span(mark) for mark in marks if not isinstance(mark, str)]
        if spans:
            blocks = label_blocks(text, spans, options.uncovered_label, notes, record.where)
            yield from place.block_rows(blocks or [], task, annotator)
        elif names:
            label = one_label(names, notes, record.where)
            if label is not None:
                yield from chosen_rows(place, text, label, task, annotator)
        else:
            notes.add("text nobody labelled: left out", record.where)


def _span(mark: Any) -> Span:
    if isinstance(mark, dict):
        return Span(mark["start_offset"], mark["end_offset"], str(mark["label"]))
    start, end, label = mark
    return Span(start, end, str(label))


def _person(path: str) -> str | None:
    """The archive's members are named after the people: ``export.zip/alice.jsonl``."""
    if ".zip/" not in path:
        return None
    name = Path(path).stem
    return None if name in _EVERYBODY else name


def _stem(path: str) -> str:
    """Name the export, not the person's file in it, so that their answers meet."""
    return path.split(".zip/")[0]
