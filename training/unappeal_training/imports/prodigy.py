"""Prodigy: what ``prodigy db-out`` writes: text categories, choices and spans, each with an answer.

https://prodi.gy/docs/api-interfaces: ``answer`` is accept, reject or ignore; a choice's ids are in ``accept``; people
are told apart by ``_annotator_id`` (older releases: ``_session_id``).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unappeal_training.imports.common import ImportOptions, chosen_rows, one_label, place_of, text_of
from unappeal_training.imports.spans import Span, label_blocks
from unappeal_training.rows import LabelRow, Notes, Record, first_of, text_or_none

NAME = "prodigy"
ANSWERS = ("accept", "reject", "ignore")


def matches(record: Mapping[str, Any]) -> bool:
    return record.get("answer") in ANSWERS and ("_input_hash" in record or "text" in record)


def rows(records: Iterable[Record], options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    for record in records:
        fields = record.values
        answer = fields.get("answer")
        if answer == "ignore":
            notes.add("ignored task: left out", record.where)
        elif answer == "reject":
            notes.add("rejected task (says what it is not): left out", record.where)
        else:
            yield from _accepted(record, options, notes)


def _accepted(record: Record, options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    fields = record.values
    text = text_of(fields, record, options)
    place = place_of(record, {**(fields.get("meta") or {}), **fields}, options)
    task = f"prodigy#{fields.get('_input_hash', record.where)}"
    annotator = text_or_none(first_of(fields, "_annotator_id", "_session_id"))
    chosen = fields.get("accept")
    if isinstance(chosen, list) or isinstance(fields.get("label"), str):
        names = chosen if isinstance(chosen, list) else [fields["label"]]
        label = one_label([str(name) for name in names], notes, record.where)
        if label is not None:
            yield from chosen_rows(place, text, label, task, annotator)
        return
    if "spans" not in fields:
        notes.add("answer without a label: left out", record.where)
        return
    spans = [Span(s["start"], s["end"], str(s["label"]), s.get("text")) for s in fields.get("spans") or []]
    blocks = label_blocks(text, spans, options.uncovered_label, notes, record.where)
    yield from place.block_rows(blocks or [], task, annotator)
