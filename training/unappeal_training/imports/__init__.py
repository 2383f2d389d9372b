"""Labels from files of any known format: one module a tool, the first whose shape fits reads the file."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import cast

from unappeal.errors import InputError
from unappeal_training.containers import read_records
from unappeal_training.imports import argilla, authored, doccano, dolma, label_studio, prodigy, table
from unappeal_training.imports.common import Importer, ImportOptions
from unappeal_training.rows import LabelRow, Notes

IMPORTERS = cast(tuple[Importer, ...], (label_studio, argilla, prodigy, dolma, authored, doccano, table))
FORMATS = tuple(importer.NAME for importer in IMPORTERS)


def read_rows(
    paths: Sequence[Path], options: ImportOptions, notes: Notes, format_name: str | None = None
) -> list[LabelRow]:
    """Read the labelled blocks of several files; InputError names the file and line that cannot be read."""
    return list(chain.from_iterable(_rows(path, options, notes, format_name) for path in paths))


def _rows(path: Path, options: ImportOptions, notes: Notes, format_name: str | None) -> Iterator[LabelRow]:
    records = iter(read_records(path))
    first = next(records, None)
    if first is None:
        raise InputError("the file holds no records", path)
    importer = next(i for i in IMPORTERS if (format_name == i.NAME if format_name else i.matches(first.values)))
    return importer.rows(chain([first], records), options, notes)
