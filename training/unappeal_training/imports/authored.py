"""The project's own formats: documents of data/authored, and pages as `unappeal hydrate` writes them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unappeal.errors import InputError
from unappeal_training.dataset import LABEL_OF_CODE, VIEWS
from unappeal_training.imports.common import ImportOptions
from unappeal_training.rows import LabelRow, Notes, Record, text_or_none

NAME = "authored"
_NAME_OF_CODE = {"b": "body", "a": "appeal", "r": "related", "?": None}


def matches(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("blocks"), list) or isinstance(record.get("views"), dict)


def rows(records: Iterable[Record], options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    for record in records:
        yield from _page(record) if "views" in record.values else _document(record)


def _document(record: Record) -> Iterator[LabelRow]:
    values = record.values
    name = text_or_none(values.get("id")) or record.where
    site = text_or_none(values.get("site"))
    language = text_or_none(values.get("lang", values.get("language")))
    for i, block in enumerate(values["blocks"]):
        if not isinstance(block, dict) or not isinstance(block.get("text"), str):
            raise InputError(f"block {i} is not an object with a 'text'", record.path, record.line)
        label = text_or_none(block.get("label"))
        yield LabelRow(block["text"], label, name, float(i), site, language, record.path, record.line)


def _page(record: Record) -> Iterator[LabelRow]:
    """One document a view, as the project's own pages are read."""
    page = record.values
    for view in VIEWS:
        content = page["views"].get(view)
        if content is None:
            continue
        if len(content["blocks"]) != len(content["labels"]) or not set(content["labels"]) <= LABEL_OF_CODE.keys():
            raise InputError(f"view {view!r} needs one label of b, a, r, ? a block", record.path, record.line)
        name = f"{page['source']}/{page['page']}#{view}"
        for i, (text, code) in enumerate(zip(content["blocks"], content["labels"], strict=True)):
            label = _NAME_OF_CODE[code]
            yield LabelRow(text, label, name, float(i), page["site"], page["lang"], record.path, record.line)
