"""Plain text: one document a file, kept byte for byte where nothing is removed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from unappeal.corpus.base import Format, Shard
from unappeal.corpus.compression import DamagedError, decompressed, read_blocks
from unappeal.corpus.records import BadRecord, Chunk, Field, Keys, Reason, Records


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
    """One document or, where it cannot be read, none."""

    name: str
    texts: list[str]
    bad: list[BadRecord]

    def ids(self) -> list[Any]:
        """Give the file's name as the document's id."""
        return [self.name] * len(self.texts)

    def native(self, texts: Sequence[str], field: Field | None = None) -> bytes:
        """Give the text; a plain text has no room for a field."""
        if field is not None:
            raise ValueError("plain text has no fields")
        return "".join(texts).encode()

    def rows(self, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give records with `id` and `text`."""
        return ({"id": self.name, "text": text} for text in texts)


def parse(chunk: Chunk, path: str, name: str) -> TextRecords:
    """Read a document; one that is cut off or no UTF-8 is put aside whole."""
    records = TextRecords(name, [], [])
    if chunk.damage is not None:
        records.bad.append(BadRecord(path, None, Reason.DAMAGED, chunk.damage, chunk.data))
        return records
    try:
        records.texts.append(chunk.data.decode())
    except UnicodeDecodeError as exc:
        line = chunk.data.count(b"\n", 0, exc.start) + 1
        records.bad.append(BadRecord(path, line, Reason.INVALID_UTF8, f"byte {exc.start + 1} of the file", chunk.data))
    return records


class PlainText(Format):
    """One document a file."""

    written_as = "txt"

    def chunks(self, shard: Shard, stream: BinaryIO) -> Iterator[Chunk]:
        """Read the whole file."""
        return whole_chunk(decompressed(read_blocks(stream), shard.path))

    def parse(self, shard: Shard, chunk: Chunk, keys: Keys) -> Records:
        """Decode the file."""
        return parse(chunk, shard.path, shard.name)


TEXT = PlainText()
