"""Dolma attribute shards: ``{"id", "attributes": {"<tagger>__<model>__<label>": [[start, end, score], …]}}``.

A shard has no text: documents are joined by id, from --documents or from ``documents/`` beside ``attributes/``, as
the toolkit lays them out (https://github.com/allenai/dolma/blob/main/docs/data-format.md). Of several labels for one
stretch the one with the highest score counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from unappeal.errors import InputError
from unappeal_training.containers import read_records
from unappeal_training.imports.common import ImportOptions, Place
from unappeal_training.imports.spans import Span, label_blocks
from unappeal_training.rows import LabelRow, Notes, Record, text_or_none

NAME = "dolma"


def matches(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("attributes"), dict) and "id" in record and "text" not in record


def rows(records: Iterable[Record], options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    documents: dict[str, dict[str, Mapping[str, Any]]] = {}
    for record in records:
        beside = documents.setdefault(record.path, _documents_beside(Path(record.path)))
        name = str(record.values["id"])
        document = beside.get(name) or ({"text": options.documents[name]} if name in options.documents else None)
        if document is None:
            notes.add("attributes of a document that is not at hand: left out", record.where)
            continue
        metadata = document.get("metadata") or {}
        site, language = (text_or_none({**metadata, **document}.get(options.column(n))) for n in ("site", "language"))
        text = document[options.column("text")]
        place = Place(name, None, site, language, record.path, record.line)
        spans = _best(record)
        blocks = label_blocks(text, spans, options.uncovered_label, notes, record.where)
        yield from place.block_rows(blocks or [], name, None)


def documents_file(path: Path) -> Path | None:
    """Give the shard of documents that belongs to ``…/attributes/NAME/shard``, None where there is none."""
    parts = path.parts
    for i in range(len(parts) - 2, -1, -1):
        if parts[i] == "attributes":
            return Path(*parts[:i], "documents", *parts[i + 2 :])
    return None


def _documents_beside(path: Path) -> dict[str, Mapping[str, Any]]:
    documents = documents_file(path)
    if documents is None or not documents.exists():
        return {}
    return {str(record.values.get("id")): record.values for record in read_records(documents)}


def _best(record: Record) -> list[Span]:
    """Give the label with the highest score for each stretch."""
    best: dict[tuple[int, int], tuple[float, str]] = {}
    for name, marks in record.values["attributes"].items():
        for mark in marks if isinstance(marks, list) else ():
            if not isinstance(mark, list) or len(mark) != 3:
                raise InputError(
                    f"attribute {name!r} holds {mark!r}: a span is [start, end, score]", record.path, record.line
                )
            start, end, score = mark
            best[start, end] = max(best.get((start, end), (float("-inf"), "")), (score, name.rsplit("__", 1)[-1]))
    return [Span(start, end, label) for (start, end), (score, label) in best.items() if score > 0]
