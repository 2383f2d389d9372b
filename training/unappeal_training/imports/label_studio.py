"""Label Studio: exports as JSON and JSON-MIN, choices for whole texts and spans in them.

https://labelstud.io/guide/task_format and https://labelstud.io/guide/export: an annotation that was cancelled is a
task somebody skipped; predictions are no labels; each annotation is one person's.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unappeal.errors import InputError
from unappeal_training.imports.common import (
    ImportOptions,
    Place,
    chosen_rows,
    one_label,
    place_of,
    text_of,
)
from unappeal_training.imports.spans import Span, label_blocks
from unappeal_training.rows import LabelRow, Notes, Record, first_of, text_or_none

NAME = "label-studio"
_MIN_FIELDS = {"annotation_id", "annotator"}
_SPAN_TYPES = ("labels", "hypertextlabels")


def matches(record: Mapping[str, Any]) -> bool:
    full = isinstance(record.get("data"), dict) and isinstance(first_of(record, "annotations", "completions"), list)
    return full or record.keys() >= _MIN_FIELDS


def rows(records: Iterable[Record], options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    tasks = list(records)
    marks_spans = any(region.get("type") in _SPAN_TYPES for task in tasks for region in _regions(task.values))
    for task in tasks:
        if "data" in task.values:
            yield from _task(task, marks_spans, options, notes)
        else:
            yield from _flat_task(task, options, notes)


def _regions(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for annotation in first_of(task, "annotations", "completions") or []:
        yield from annotation.get("result") or []


def _task(record: Record, marks_spans: bool, options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    """Read a task; an answer without regions says "nothing here" only in a project that marks spans."""
    task = record.values
    fields = task["data"]
    place = place_of(record, {**(fields.get("meta") or {}), **fields}, options)
    annotations = first_of(task, "annotations", "completions") or []
    if not annotations:
        notes.add("task nobody annotated: left out", record.where)
    for annotation in annotations:
        if annotation.get("was_cancelled") or annotation.get("skipped"):
            notes.add("cancelled annotation (skipped task): left out", record.where)
            continue
        regions = [r for r in annotation.get("result") or [] if r.get("type") in ("choices", *_SPAN_TYPES)]
        regions = _of_one_question(regions, options, record)
        if not regions and not marks_spans:
            notes.add("answer without a label: left out", record.where)
            continue
        text = text_of(fields, record, options)
        yield from _answer(place, text, regions, _person(annotation.get("completed_by")), record, options, notes)


def _answer(
    place: Place,
    text: str,
    regions: list[dict[str, Any]],
    annotator: str | None,
    record: Record,
    options: ImportOptions,
    notes: Notes,
) -> Iterator[LabelRow]:
    task = f"{record.path}#{record.values.get('id', record.line)}"
    if regions and regions[0]["type"] == "choices" and "start" not in regions[0]["value"]:
        label = one_label(regions[0]["value"].get("choices") or [], notes, record.where)
        if label is not None:
            yield from chosen_rows(place, text, label, task, annotator)
        return
    spans = [span for region in regions if (span := _span(region["value"], notes, record.where))]
    blocks = label_blocks(text, spans, options.uncovered_label, notes, record.where)
    if blocks is not None:
        yield from place.block_rows(blocks, task, annotator)


def _flat_task(record: Record, options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    """JSON-MIN: the answers stand beside the data, under the name of their control."""
    fields = record.values
    place, text = place_of(record, fields, options), text_of(fields, record, options)
    answer = fields.get(options.question or options.column("label"), fields.get("sentiment"))
    if isinstance(answer, list):
        regions = [{"type": "labels", "value": value} for value in answer]
    elif isinstance(answer, dict):
        regions = [{"type": "choices", "value": answer}]
    elif text_or_none(answer):
        regions = [{"type": "choices", "value": {"choices": [answer]}}]
    else:
        notes.add("answer without a label: left out", record.where)
        return
    yield from _answer(place, text, regions, _person(fields.get("annotator")), record, options, notes)


def _of_one_question(regions: list[dict[str, Any]], options: ImportOptions, record: Record) -> list[dict[str, Any]]:
    names = sorted({str(r.get("from_name")) for r in regions})
    if options.question is not None:
        return [r for r in regions if r.get("from_name") == options.question]
    if len(names) > 1:
        raise InputError(
            f"answers to {', '.join(names)}: name the one with the labels with --question", record.path, record.line
        )
    return regions


def _span(value: Mapping[str, Any], notes: Notes, where: str) -> Span | None:
    """Read a region; in HyperText its plain offsets are XPaths, and the usable ones stand in ``globalOffsets``."""
    offsets = value.get("globalOffsets") or value
    labels = first_of(value, *_SPAN_TYPES, "choices") or []
    label = one_label(list(labels), notes, where)
    if label is None:
        return None
    if not (isinstance(offsets.get("start"), int) and isinstance(offsets.get("end"), int)):
        notes.add("region without offsets into the text: left out", where)
        return None
    return Span(offsets["start"], offsets["end"], str(label), value.get("text"))


def _person(value: object) -> str | None:
    """``completed_by`` is a number, an address, or an object with both."""
    if isinstance(value, dict):
        value = first_of(value, "id", "email")
    return text_or_none(value)
