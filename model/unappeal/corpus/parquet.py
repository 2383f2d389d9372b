"""Parquet: rows in batches within each row group; the schema and all other columns are kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unappeal.corpus.base import ByteSink, Encoder, Format, Shard
from unappeal.corpus.compression import Compression
from unappeal.corpus.records import MISSING, BadRecord, Chunk, Field, Keys, Reason, Records, json_line, kind
from unappeal.errors import InputError, UnappealError

CHUNK_BYTES = 1 << 20
ROW_GROUP_BYTES = 32 << 20
MAX_ROWS = 8192


def batch_chunks(path: str, stream: BinaryIO) -> Iterator[Chunk]:
    """Read batches of about CHUNK_BYTES, each as an Arrow stream of its own; an empty file gives its schema."""
    try:
        file = pq.ParquetFile(stream)
        row, any_rows = 1, False
        for group in range(file.num_row_groups):
            about = file.metadata.row_group(group)
            n_rows = max(1, min(MAX_ROWS, about.num_rows * CHUNK_BYTES // max(1, about.total_byte_size)))
            for batch in file.iter_batches(n_rows, [group]):
                yield Chunk(row, _to_bytes(batch))
                row, any_rows = row + batch.num_rows, True
        if not any_rows:
            yield Chunk(1, _to_bytes(pa.RecordBatch.from_pylist([], schema=file.schema_arrow)))
    except pa.ArrowException as exc:
        raise InputError(f"it is no whole Parquet file: {exc}", path) from exc


@dataclass(slots=True)
class BatchRecords(Records):
    """The good rows of a record batch."""

    path: str
    keys: Keys
    batch: pa.RecordBatch
    numbers: list[int]
    texts: list[str]
    bad: list[BadRecord]

    def ids(self) -> list[Any]:
        """Give the ids; where there is no such column or no value, ``path:row``."""
        column = _column(self.batch, self.keys.id)
        values = [None] * len(self.numbers) if column is None else column.to_pylist()
        return [
            f"{self.path}:{row}" if value is None else value for value, row in zip(values, self.numbers, strict=True)
        ]

    def native(self, texts: Sequence[str], field: Field | None = None) -> bytes:
        """Give the rows with other texts as an Arrow stream."""
        batch = self._with(texts)
        if field is not None:
            values = pa.array(field.values)
            names = batch.schema.names
            batch = batch.drop_columns([field.name]) if field.name in names else batch
            batch = batch.append_column(field.name, values)
        return _to_bytes(batch)

    def rows(self, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give the rows as dictionaries."""
        return iter(self._with(texts).to_pylist())

    def _with(self, texts: Sequence[str]) -> pa.RecordBatch:
        if not self.texts or list(texts) == self.texts:
            return self.batch
        path = _path(self.batch.schema, self.keys.text)
        at = self.batch.schema.get_field_index(path[0])
        column = _replaced(self.batch.column(at), path[1:], texts)
        return self.batch.set_column(at, self.batch.schema.field(at), column)


def parse(chunk: Chunk, path: str, keys: Keys) -> BatchRecords:
    """Read a chunk's rows; those whose text is null or no string are put aside."""
    with pa.ipc.open_stream(chunk.data) as reader:
        batch = reader.read_next_batch()
    column = _column(batch, keys.text)
    values = [MISSING] * batch.num_rows if column is None else column.to_pylist()
    good = [type(value) is str for value in values]
    numbers = [chunk.line + i for i, is_good in enumerate(good) if is_good]
    bad = [
        BadRecord(path, chunk.line + i, *_problem(values[i], keys.text), json_line(batch.slice(i, 1).to_pylist()[0]))
        for i, is_good in enumerate(good)
        if not is_good
    ]
    kept = batch if all(good) else batch.filter(pa.array(good, pa.bool_()))
    return BatchRecords(path, keys, kept, numbers, [value for value in values if type(value) is str], bad)


def _problem(value: object, key: str) -> tuple[Reason, str]:
    if value is MISSING:
        return Reason.NO_TEXT, f"there is no column {key!r} (see --text-key)"
    return Reason.TEXT_NOT_A_STRING, f"{key!r} is {kind(value)}"


def _path(schema: pa.Schema, key: str) -> tuple[str, ...]:
    return (key,) if key in schema.names else tuple(key.split("."))


def _column(batch: pa.RecordBatch, key: str) -> pa.Array | None:
    """Give a column, or a field inside a column of structs; None where there is none."""
    first, *rest = _path(batch.schema, key)
    if first not in batch.schema.names:
        return None
    column = batch.column(first)
    for name in rest:
        if not pa.types.is_struct(column.type) or column.type.get_field_index(name) < 0:
            return None
        column = pc.struct_field(column, name)
    return column


def _replaced(column: pa.Array, path: Sequence[str], texts: Sequence[str]) -> pa.Array:
    """Give a column, of structs where there is a path, with other texts in the same type."""
    if not path:
        return pa.array(texts, pa.string()).cast(column.type)
    at = column.type.get_field_index(path[0])
    inner = [pc.struct_field(column, [i]) for i in range(column.type.num_fields)]
    inner[at] = _replaced(inner[at], path[1:], texts)
    fields = [column.type.field(i) for i in range(column.type.num_fields)]
    return pa.StructArray.from_arrays(inner, fields=fields, mask=column.is_null())


def _to_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


class ParquetEncoder(Encoder):
    """Gathers batches to row groups; the first batch's schema is the file's."""

    def __init__(self, sink: ByteSink, compression: Compression) -> None:
        super().__init__(sink, compression)
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[pa.RecordBatch] = []

    def add(self, data: bytes, as_json: bool) -> None:
        """Append an Arrow stream, or lines of JSON."""
        if as_json:
            batch = pa.RecordBatch.from_pylist([orjson.loads(line) for line in data.splitlines()])
        else:
            with pa.ipc.open_stream(data) as reader:
                batch = reader.read_next_batch()
        if self._pending and batch.schema != self._pending[0].schema:
            batch = self._cast(batch, self._pending[0].schema)
        elif self._writer is not None and batch.schema != self._writer.schema:
            batch = self._cast(batch, self._writer.schema)
        self._pending.append(batch)
        if sum(each.nbytes for each in self._pending) >= ROW_GROUP_BYTES:
            self._flush()

    def finish(self) -> None:
        """Write the last row group and the footer; without any records, a file with no columns."""
        self._flush()
        if self._writer is None:
            self._writer = pq.ParquetWriter(_Sink(self.sink), pa.schema([]))
        self._writer.close()

    def _flush(self) -> None:
        if self._pending:
            schema = self._pending[0].schema
            if self._writer is None:
                self._writer = pq.ParquetWriter(_Sink(self.sink), schema, compression="zstd")
            self._writer.write_table(pa.Table.from_batches(self._pending, schema))
            self._pending = []

    def _cast(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        try:
            if set(batch.schema.names) - set(schema.names):
                raise pa.ArrowInvalid(f"fields {sorted(set(batch.schema.names) - set(schema.names))} are new")
            return pa.RecordBatch.from_pylist(batch.to_pylist(), schema=schema)
        except pa.ArrowException as exc:
            raise UnappealError(f"records do not fit the first ones' columns ({exc}): write .jsonl instead") from exc


class _Sink:
    """A byte sink as a file for pyarrow, which asks for a position and closes what it is given."""

    closed = False

    def __init__(self, sink: ByteSink) -> None:
        self._sink, self._at = sink, 0

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._sink.write(content)
        self._at += len(content)
        return len(content)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class Parquet(Format):
    """Columns of Apache Parquet."""

    written_as = "parquet"

    def chunks(self, shard: Shard, stream: BinaryIO) -> Iterator[Chunk]:
        """Read batches of rows."""
        return batch_chunks(shard.path, stream)

    def parse(self, shard: Shard, chunk: Chunk, keys: Keys) -> Records:
        """Read the rows of a batch."""
        return parse(chunk, shard.path, keys)

    def encoder(self, sink: ByteSink, compression: Compression) -> Encoder:
        """Make what writes row groups."""
        return ParquetEncoder(sink, compression)


PARQUET = Parquet()
