"""JSON lines: one record a line, plain or compressed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from unappeal.corpus.compression import DamagedError
from unappeal.corpus.records import MISSING, BadRecord, Chunk, Keys, Reason, Records, locate
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

    def with_texts(self, texts: Sequence[str]) -> bytes:
        """Give the lines with other texts, all other bytes as they were."""
        lines = [
            line if new == old else splice(line, locate(record, self.keys.text)[0], old, new)
            for line, record, old, new in zip(self.lines, self.objects, self.texts, texts, strict=True)
        ]
        return _joined(lines)

    def with_field(self, name: str, values: Sequence[Any]) -> bytes:
        """Give the lines with one field more at their end; a field of that name is replaced."""
        return _joined(
            orjson.dumps({**record, name: value})
            if name in record
            else b"".join((line.rstrip()[:-1].rstrip(), b",", orjson.dumps(name), b":", orjson.dumps(value), b"}"))
            for line, record, value in zip(self.lines, self.objects, values, strict=True)
        )


def parse(chunk: Chunk, path: str, keys: Keys) -> JsonRecords:
    """Read a chunk's lines; blank ones are left out, those without a text are put aside."""
    records = JsonRecords(path, keys, [], [], [], [], [])
    if chunk.damage is not None:
        records.bad.append(BadRecord(path, chunk.line, Reason.TRUNCATED, chunk.damage, chunk.data))
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
        return BadRecord(path, number, Reason.NOT_AN_OBJECT, f"the line holds {_kind(record)}", line)
    if text is MISSING:
        return BadRecord(path, number, Reason.NO_TEXT, f"the record has no {key!r} (see --text-key)", line)
    return BadRecord(path, number, Reason.TEXT_NOT_A_STRING, f"{key!r} is {_kind(text)}", line)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def _joined(lines: Iterable[bytes]) -> bytes:
    joined = b"\n".join(lines)
    return joined + b"\n" if joined else b""
