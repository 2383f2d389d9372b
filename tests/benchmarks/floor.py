"""The least that any program must do to a file of documents: read, parse, write; nothing else.

``python floor.py IN OUT``. Reads and writes in the blocks that `unappeal filter` uses, at its compression levels.
"""

import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

READ_BYTES = 1 << 18
CHUNK_LINES = 128


def floor(source: Path, sink: Path) -> None:
    """Copy the records of a file."""
    with source.open("rb") as stream, sink.open("wb") as out:
        engine = _compressor(sink.suffix)
        pending: list[bytes] = []
        for line in _lines(source, stream):
            pending.append(orjson.dumps(orjson.loads(line), option=orjson.OPT_APPEND_NEWLINE))
            if len(pending) == CHUNK_LINES:
                out.write(engine.compress(b"".join(pending)))
                pending = []
        out.write(engine.compress(b"".join(pending)) + engine.flush())


class _Plain:
    def compress(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _compressor(suffix: str) -> "_Plain | zlib._Compress":
    if suffix == ".gz":
        return zlib.compressobj(6, zlib.DEFLATED, 31)
    if suffix == ".zst":
        import zstandard

        engine: _Plain = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()  # type: ignore[assignment]
        return engine
    return _Plain()


def _lines(source: Path, stream: BinaryIO) -> Iterator[bytes]:
    if source.suffix == ".gz":
        yield from gzip.GzipFile(fileobj=stream)
    elif source.suffix == ".zst":
        import zstandard

        rest = b""
        for block in zstandard.ZstdDecompressor().read_to_iter(stream, read_size=READ_BYTES, write_size=1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
        if rest:
            yield rest
    else:
        yield from stream


if __name__ == "__main__":
    floor(Path(sys.argv[1]), Path(sys.argv[2]))
