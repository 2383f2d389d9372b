r"""CSV and TSV: a header, then a record a row, with line breaks inside quotes.

Rows are cut and parsed as Latin-1, which gives every byte a character: the marks of the format are ASCII, so the
bytes of a row that does not change are those that were read, whatever they are.
"""

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from unappeal.corpus.base import ByteSink, Encoder, Format, Shard
from unappeal.corpus.compression import Compression, DamagedError, decompressed, member, read_blocks
from unappeal.corpus.jsonl import CHUNK_BYTES
from unappeal.corpus.records import BadRecord, Chunk, Field, Keys, Reason, Records
from unappeal.errors import UnappealError

csv.field_size_limit(sys.maxsize)

_BOM = "\ufeff".encode()


class _Lines:
    """The lines of a file for `csv.reader`, which remembers those that went into the row at hand."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._taken: list[bytes] = []
        self.at_end = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._taken.append(line)
            yield line.decode("latin-1")
        self.at_end = True

    def row(self) -> bytes:
        """Give the bytes of the row that was read last."""
        taken, self._taken = self._taken, []
        return b"".join(taken)


def rows_of(lines: Iterable[bytes], delimiter: str) -> Iterator[tuple[bytes, list[str] | csv.Error]]:
    """Give each row's bytes and cells, or what is wrong with it."""
    source = _Lines(lines)
    reader = csv.reader(iter(source), delimiter=delimiter)
    while True:
        try:
            cells: list[str] | csv.Error = next(reader)
            if source.at_end:  # it asked for another line, and gives what it has
                cells = csv.Error("the file ends inside quotes")
        except StopIteration:
            return
        except csv.Error as exc:
            cells = exc
        yield source.row(), cells


def row_chunks(blocks: Iterable[bytes], delimiter: str) -> Iterator[Chunk]:
    """Group rows into chunks; each has the header. A file with a header only has one chunk, without rows."""
    rows = rows_of(_lines(blocks), delimiter)
    header: bytes | None = None
    pending: list[bytes] = []
    damage, line, size = None, 1, 0
    try:
        for raw, _ in rows:
            if header is None:
                header, line = raw, 1 + raw.count(b"\n")
                continue
            pending.append(raw)
            size += len(raw)
            if size >= CHUNK_BYTES:
                data = b"".join(pending)
                yield Chunk(line, data, header=header)
                line, pending, size = line + data.count(b"\n"), [], 0
    except DamagedError as exc:
        damage = exc.message
    if header is not None:
        data = b"".join(pending)
        yield Chunk(line, data, header=header)
        line += data.count(b"\n")
    if damage is not None:
        yield Chunk(line, b"", damage)


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for block in blocks:
        lines = block.split(b"\n")
        rest.append(lines[0])
        for line in lines[1:]:
            yield b"".join(rest) + b"\n"
            rest = [line]
    if any(rest):
        yield b"".join(rest)


@dataclass(slots=True)
class RowRecords(Records):
    """Rows with the bytes they came from; cells are Latin-1 text of UTF-8 bytes."""

    path: str
    delimiter: str
    header: bytes
    leads: bool
    columns: list[str]
    text_at: int | None
    id_at: int | None
    raw: list[bytes]
    cells: list[list[str]]
    numbers: list[int]
    texts: list[str]
    bad: list[BadRecord]

    def ids(self) -> list[Any]:
        """Give the ids; where there is no such column, ``path:line``."""
        if self.id_at is None:
            return [f"{self.path}:{number}" for number in self.numbers]
        return [_utf8(cells[self.id_at]) for cells in self.cells]

    def native(self, texts: Sequence[str], field: Field | None = None) -> bytes:
        """Give the rows with other texts, and before the first of the file its header."""
        lines = [self._head(field)] if self.leads else []
        values = [None] * len(texts) if field is None else field.values
        for raw, cells, old, new, value in zip(self.raw, self.cells, self.texts, texts, values, strict=True):
            if new == old and field is None:
                lines.append(raw if raw.endswith(b"\n") else raw + self._ending())
                continue
            row = list(cells)
            row[self.text_at or 0] = _latin1(new)
            if field is not None:
                row.append(_latin1(_cell(value)))
            lines.append(self._written(row))
        return b"".join(lines)

    def rows(self, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give the rows as dictionaries of strings."""
        for cells, new in zip(self.cells, texts, strict=True):
            row = dict(zip(self.columns, map(_utf8, cells), strict=True))
            row[self.columns[self.text_at or 0]] = new
            yield row

    def _head(self, field: Field | None) -> bytes:
        if field is None:
            return self.header
        return self._written([*map(_latin1, self.columns), _latin1(field.name)])

    def _ending(self) -> bytes:
        return b"\r\n" if self.header.endswith(b"\r\n") else b"\n"

    def _written(self, row: list[str]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self.delimiter, lineterminator=self._ending().decode()).writerow(row)
        return out.getvalue().encode("latin-1")


def parse(chunk: Chunk, path: str, keys: Keys, delimiter: str) -> RowRecords:
    """Read a chunk's rows; those of another width than the header, and those without a text column, are put aside."""
    columns = _header_columns(chunk.header, delimiter)
    text_at = columns.index(keys.text) if keys.text in columns else None
    id_at = columns.index(keys.id) if keys.id in columns else None
    leads = bool(chunk.header) and chunk.line == 1 + chunk.header.count(b"\n")
    records = RowRecords(path, delimiter, chunk.header, leads, columns, text_at, id_at, [], [], [], [], [])
    if chunk.damage is not None:
        records.bad.append(BadRecord(path, chunk.line, Reason.DAMAGED, chunk.damage, chunk.data))
        return records
    number = chunk.line
    for raw, cells in rows_of(_lines([chunk.data]), delimiter):
        problem = _problem(raw, cells, columns, text_at, keys.text)
        if problem is not None:
            records.bad.append(BadRecord(path, number, *problem, raw))
        elif cells:
            assert isinstance(cells, list) and text_at is not None
            records.raw.append(raw)
            records.cells.append(cells)
            records.numbers.append(number)
            records.texts.append(_utf8(cells[text_at]))
        number += raw.count(b"\n")
    return records


def _problem(
    raw: bytes, cells: list[str] | csv.Error, columns: list[str], text_at: int | None, key: str
) -> tuple[Reason, str] | None:
    if isinstance(cells, csv.Error):
        return Reason.BROKEN_ROW, str(cells)
    if not cells:
        return None
    if len(cells) != len(columns):
        return Reason.BROKEN_ROW, f"it has {len(cells)} cells, the header has {len(columns)}"
    if text_at is None:
        return Reason.NO_TEXT, f"the header has no {key!r} (see --text-key)"
    try:
        raw.decode()
    except UnicodeDecodeError as exc:
        return Reason.INVALID_UTF8, f"byte {exc.start + 1} of the row"
    return None


def _header_columns(header: bytes, delimiter: str) -> list[str]:
    for _, cells in rows_of(_lines([header.removeprefix(_BOM)]), delimiter):
        return [] if isinstance(cells, csv.Error) else [_utf8(cell) for cell in cells]
    return []


def _utf8(cell: str) -> str:
    return cell.encode("latin-1").decode("utf-8", "replace")


def _latin1(text: str) -> str:
    return text.encode().decode("latin-1")


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


class RowEncoder(Encoder):
    """Writes rows, or turns records of other formats into rows; the first record's fields are the columns."""

    def __init__(self, sink: ByteSink, compression: Compression, delimiter: str) -> None:
        super().__init__(sink, compression)
        self._delimiter = delimiter
        self._columns: list[str] | None = None

    def add(self, data: bytes, as_json: bool) -> None:
        """Append rows, or lines of JSON."""
        if not as_json:
            self.sink.write(data)
            return
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=self._delimiter, lineterminator="\n")
        for line in data.splitlines():
            row = orjson.loads(line)
            if self._columns is None:
                self._columns = list(row)
                writer.writerow(self._columns)
            if extra := row.keys() - set(self._columns):
                raise UnappealError(
                    f"a record has a field {min(extra)!r} that the first one has not: write .jsonl instead"
                )
            writer.writerow([_cell(row.get(column)) for column in self._columns])
        self.sink.write(member(out.getvalue().encode(), self.compression))


@dataclass(frozen=True)
class Delimited(Format):
    """Rows of cells with a delimiter between them."""

    delimiter: str
    written_as: str

    def chunks(self, shard: Shard, stream: BinaryIO) -> Iterator[Chunk]:
        """Read whole rows."""
        return row_chunks(decompressed(read_blocks(stream), shard.path), self.delimiter)

    def parse(self, shard: Shard, chunk: Chunk, keys: Keys) -> Records:
        """Parse each row."""
        return parse(chunk, shard.path, keys, self.delimiter)

    def encoder(self, sink: ByteSink, compression: Compression) -> Encoder:
        """Make what writes rows."""
        return RowEncoder(sink, compression, self.delimiter)


CSV, TSV = Delimited(",", "csv"), Delimited("\t", "tsv")
