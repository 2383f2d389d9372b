"""Argilla: records as JSON (``to_json``), flattened (``to_list(flatten=True)``, Parquet), and of Argilla 1.

Responses are by question and person; only submitted ones count, where the export has their status. Suggestions are a
model's, no labels. https://docs.argilla.io/latest/reference/argilla/records/responses
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from unappeal.errors import InputError
from unappeal_training.imports.common import ImportOptions, Place, chosen_rows, one_label, place_of, text_of
from unappeal_training.imports.spans import Span, label_blocks
from unappeal_training.rows import LabelRow, Notes, Record, text_or_none

NAME = "argilla"
_FLAT = ".responses"


class _Response(NamedTuple):
    value: Any
    person: str | None
    status: str


def matches(record: Mapping[str, Any]) -> bool:
    nested = isinstance(record.get("fields"), dict) and isinstance(record.get("responses"), dict | list)
    return nested or any(str(name).endswith(_FLAT) for name in record)


def rows(records: Iterable[Record], options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    for record in records:
        values = record.values
        fields = values["fields"] if isinstance(values.get("fields"), dict) else values
        place = place_of(record, {**(values.get("metadata") or {}), **fields}, options)
        text = text_of(fields, record, options)
        responses = _responses(values, options, record)
        if not responses:
            notes.add("record nobody answered: left out", record.where)
        for response in responses:
            if response.status != "submitted":
                notes.add(f"{response.status} response: left out", record.where)
            else:
                yield from _answer(place, text, response, record, options, notes)


def _responses(values: Mapping[str, Any], options: ImportOptions, record: Record) -> list[_Response]:
    by_question = _by_question(values)
    if options.question is None and len(by_question) > 1:
        raise InputError(
            f"answers to {', '.join(sorted(by_question))}: name the one with the labels with --question",
            record.path,
            record.line,
        )
    wanted = options.question or next(iter(by_question), "")
    return by_question.get(wanted, [])


def _by_question(values: Mapping[str, Any]) -> dict[str, list[_Response]]:
    found: dict[str, list[_Response]] = {}
    responses = values.get("responses")
    if isinstance(responses, dict):
        for question, answers in responses.items():
            found[question] = [_response(a.get("value"), a.get("user_id"), a.get("status")) for a in answers or []]
    elif isinstance(responses, list):
        for answers in responses:
            for question, answer in (answers.get("values") or {}).items():
                response = _response(answer.get("value"), answers.get("user_id"), answers.get("status"))
                found.setdefault(question, []).append(response)
    else:
        for name in [name for name in values if name.endswith(_FLAT) and values[name] is not None]:
            people = values.get(f"{name}.users") or [None] * len(values[name])
            status = values.get(f"{name}.status") or [None] * len(values[name])
            answers = zip(values[name], people, status, strict=True)
            found[name.removesuffix(_FLAT)] = [_response(*answer) for answer in answers]
    return found


def _response(value: Any, person: Any, status: Any) -> _Response:
    return _Response(value, text_or_none(person), str(status or "submitted"))


def _answer(
    place: Place, text: str, response: _Response, record: Record, options: ImportOptions, notes: Notes
) -> Iterator[LabelRow]:
    task = f"{record.path}#{record.values.get('id') or record.line}"
    value = response.value
    if isinstance(value, list) and (not value or isinstance(value[0], dict)):
        spans = [Span(s["start"], s["end"], str(s["label"]), s.get("text")) for s in value]
        blocks = label_blocks(text, spans, options.uncovered_label, notes, record.where)
        yield from place.block_rows(blocks or [], task, response.person)
        return
    names = value if isinstance(value, list) else [value] if value is not None else []
    label = one_label([str(name) for name in names], notes, record.where)
    if label is not None:
        yield from chosen_rows(place, text, label, task, response.person)
