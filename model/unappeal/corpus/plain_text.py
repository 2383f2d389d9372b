"""Plain text: one document a file, kept byte for byte where nothing is removed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from unappeal.corpus.compression import DamagedError
from unappeal.corpus.records import BadRecord, Chunk, Reason, Records


def whole_chunk(blocks: Iterable[bytes]) -> Iterator[Chunk]:
    """Give a file's content as one chunk; a damaged one holds what came of it."""
    pieces: list[bytes] = []
    damage = None
    try:
        pieces.extend(blocks)
    except DamagedError as exc:
        damage = exc.message
    yield Chunk(1, b"".join(pieces), damage)


@dataclass(slots=True)
class TextRecords(Records):
    """One document or, where it cannot be read, none; ``as_json`` writes it as a line of JSON."""

    name: str
    as_json: bool
    texts: list[str]
    bad: list[BadRecord]

    def ids(self) -> list[Any]:
        """Give the file's name as the document's id."""
        return [self.name] * len(self.texts)

    def with_texts(self, texts: Sequence[str]) -> bytes:
        """Give the text, or a record with `id` and `text`."""
        if not self.as_json:
            return "".join(texts).encode()
        return b"".join(_line({"id": self.name, "text": text}) for text in texts)

    def with_field(self, name: str, values: Sequence[Any]) -> bytes:
        """Give a record with `id`, `text` and the field."""
        return b"".join(
            _line({"id": self.name, "text": text, name: value}) for text, value in zip(self.texts, values, strict=True)
        )


def parse(chunk: Chunk, path: str, name: str, as_json: bool) -> TextRecords:
    """Read a document; one that is cut off or no UTF-8 is put aside whole."""
    records = TextRecords(name, as_json, [], [])
    if chunk.damage is not None:
        records.bad.append(BadRecord(path, None, Reason.TRUNCATED, chunk.damage, chunk.data))
        return records
    try:
        records.texts.append(chunk.data.decode())
    except UnicodeDecodeError as exc:
        line = chunk.data.count(b"\n", 0, exc.start) + 1
        records.bad.append(BadRecord(path, line, Reason.INVALID_UTF8, f"byte {exc.start + 1} of the file", chunk.data))
    return records


def _line(record: dict[str, Any]) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
