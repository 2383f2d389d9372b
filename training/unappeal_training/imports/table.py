"""Tables of blocks: ``text,label[,document,position,site,language]``, and what the review page exports."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unappeal.errors import InputError
from unappeal_training.imports.common import COLUMNS, ImportOptions, place_of, text_of
from unappeal_training.rows import LabelRow, Notes, Record, text_or_none

NAME = "table"


def matches(record: Mapping[str, Any]) -> bool:
    """The format of last resort: whether the columns are there is said by `rows`, row by row."""
    return True


def rows(records: Iterable[Record], options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
    for record in records:
        fields = record.values
        if options.column("label") not in fields:
            raise InputError(
                f"no column {options.column('label')!r}: the columns are {', '.join(map(str, fields))}; "
                f"name them with --column ({', '.join(COLUMNS)})",
                record.path,
                record.line,
            )
        place = place_of(record, fields, options)
        text = text_of(fields, record, options)
        if not text.strip():
            notes.add("row with an empty text: left out", record.where)
            continue
        annotator = text_or_none(fields.get("annotator"))
        yield place.row(text.strip(), text_or_none(fields[options.column("label")]), annotator)
