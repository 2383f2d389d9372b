"""JSON lines: one record a line, plain or compressed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from unappeal.corpus.base import Format, Shard
from unappeal.corpus.compression import DamagedError, decompressed, read_blocks
from unappeal.corpus.records import MISSING, BadRecord, Chunk, Field, Keys, Reason, Records, kind, locate, replaced
from unappeal.corpus.splice import splice

CHUNK_BYTES = 1 << 20
"""Lines are handed on together until they have this many bytes."""

_BOM = b"\xef\xbb\xbf"


def line_chunks(blocks: Iterable[bytes]) -> Iterator[Chunk]:
    """Group blocks of a file into chunks of whole lines; the time is linear however long a line is.

    Where the file proves damaged, the last chunk holds what came of the line that was cut off.
    """
    line, size = 1, 0
    pending: list[bytes] = []
    damage = None
    try:
        for block in blocks:
            pending.append(block)
            size += len(block)
            cut = block.rfind(b"\n") + 1
            if cut and size >= CHUNK_BYTES:
                pending[-1] = block[:cut]
                data = b"".join(pending)
                yield Chunk(line, data)
                line += data.count(b"\n")
                pending = [block[cut:]]
                size = len(pending[0])
    except DamagedError as exc:
        damage = exc.message
    yield from _last_chunks(line, b"".join(pending), damage)


def _last_chunks(line: int, data: bytes, damage: str | None) -> Iterator[Chunk]:
    cut = len(data) if damage is None else data.rfind(b"\n") + 1
    if cut:
        yield Chunk(line, data[:cut])
    if damage is not None:
        yield Chunk(line + data.count(b"\n", 0, cut), data[cut:], damage)


@dataclass(slots=True)
class JsonRecords(Records):
    """Records with the lines they came from."""

    path: str
    keys: Keys
    lines: list[bytes]
    numbers: list[int]
    objects: list[dict[str, Any]]
    texts: list[str]
    bad: list[BadRecord]

    def ids(self) -> list[Any]:
        """Give each record's id; where it has none, ``path:line``."""
        found = [locate(record, self.keys.id)[1] for record in self.objects]
        return [
            f"{self.path}:{number}" if value is MISSING else value
            for value, number in zip(found, self.numbers, strict=True)
        ]

    def native(self, texts: Sequence[str], field: Field | None = None) -> bytes:
        """Give the lines with other texts or a field more at their end, all other bytes as they were."""
        lines = [
            line if new == old else splice(line, locate(record, self.keys.text)[0], old, new)
            for line, record, old, new in zip(self.lines, self.objects, self.texts, texts, strict=True)
        ]
        if field is not None:
            lines = [_with_field(line, field.name, value) for line, value in zip(lines, field.values, strict=True)]
        joined = b"\n".join(lines)
        return joined + b"\n" if joined else b""

    def rows(self, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give the records with other texts as dictionaries."""
        for record, old, new in zip(self.objects, self.texts, texts, strict=True):
            yield record if new == old else replaced(record, locate(record, self.keys.text)[0], new)

    def json_lines(self, texts: Sequence[str], field: Field | None = None) -> bytes:
        """Give what `native` gives: it is JSON lines already."""
        return self.native(texts, field)


def parse(chunk: Chunk, path: str, keys: Keys) -> JsonRecords:
    """Read a chunk's lines; blank ones are left out, those without a text are put aside."""
    records = JsonRecords(path, keys, [], [], [], [], [])
    if chunk.damage is not None:
        records.bad.append(BadRecord(path, chunk.line, Reason.DAMAGED, chunk.damage, chunk.data))
        return records
    data = chunk.data.removeprefix(_BOM) if chunk.line == 1 else chunk.data
    for number, line in enumerate(data.split(b"\n"), chunk.line):
        try:
            record = orjson.loads(line)
            text = locate(record, keys.text)[1] if type(record) is dict else None
        except orjson.JSONDecodeError as exc:
            if line.strip():
                records.bad.append(_undecodable(path, number, line, exc))
            continue
        if type(text) is str:
            records.lines.append(line)
            records.numbers.append(number)
            records.objects.append(record)
            records.texts.append(text)
        else:
            records.bad.append(_unusable(path, number, line, record, keys.text, text))
    return records


def _undecodable(path: str, number: int, line: bytes, error: orjson.JSONDecodeError) -> BadRecord:
    try:
        line.decode()
    except UnicodeDecodeError as exc:
        return BadRecord(path, number, Reason.INVALID_UTF8, f"byte {exc.start + 1} of the line", line)
    return BadRecord(path, number, Reason.BROKEN_JSON, f"{error.msg} at column {error.colno}", line)


def _unusable(path: str, number: int, line: bytes, record: object, key: str, text: object) -> BadRecord:
    if not isinstance(record, dict):
        return BadRecord(path, number, Reason.NOT_AN_OBJECT, f"the line holds {kind(record)}", line)
    if text is MISSING:
        return BadRecord(path, number, Reason.NO_TEXT, f"the record has no {key!r} (see --text-key)", line)
    return BadRecord(path, number, Reason.TEXT_NOT_A_STRING, f"{key!r} is {kind(text)}", line)


def _with_field(line: bytes, name: str, value: Any) -> bytes:
    record = orjson.loads(line)
    if name in record:
        return orjson.dumps({**record, name: value})
    comma = b"," if record else b""
    return b"".join((line.rstrip()[:-1].rstrip(), comma, orjson.dumps(name), b":", orjson.dumps(value), b"}"))


class JsonLines(Format):
    """One JSON object a line."""

    written_as = "jsonl"

    def chunks(self, shard: Shard, stream: BinaryIO) -> Iterator[Chunk]:
        """Read whole lines."""
        return line_chunks(decompressed(read_blocks(stream), shard.path))

    def parse(self, shard: Shard, chunk: Chunk, keys: Keys) -> Records:
        """Parse each line."""
        return parse(chunk, shard.path, keys)


JSONL = JsonLines()
