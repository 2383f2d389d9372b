"""Byte streams in and out of plain, gzip and Zstandard files, in blocks, whatever their size.

The decompressors are driven by hand because the file objects of both libraries hide what matters here: Python's
`gzip` loses the good bytes before a truncation, and zstandard's reader takes a truncated file for a whole one.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

from unappeal.errors import InputError

zlib: Any = import_module("zlib_ng.zlib_ng" if find_spec("zlib_ng") else "zlib")
"""zlib-ng writes twice as fast, to about the same size; where there is no wheel of it, zlib does."""

Compression: TypeAlias = Literal["", "gz", "zst"]

GZIP_LEVEL = 6
ZSTD_LEVEL = 3
READ_BYTES = 1 << 18
"""Bytes read from a file at once, small enough that what they decompress to stays small."""

MAX_BLOCK_BYTES = 1 << 20
_GZIP_WBITS = 31
_ZSTD_MAX_WINDOW_BYTES = 1 << 31  # what `zstd --long=31` needs, as the big dumps of forums have it
_MAGIC: tuple[tuple[bytes, Compression], ...] = ((b"\x1f\x8b", "gz"), (b"\x28\xb5\x2f\xfd", "zst"))


class DamagedError(InputError):
    """A compressed file ends too early or holds bytes that do not decompress; what came before is good."""


class Compressor(Protocol):
    """What gzip and Zstandard have in common when writing."""

    def compress(self, data: bytes, /) -> bytes:
        """Take bytes in and give those that are ready."""

    def flush(self) -> bytes:
        """Give the rest."""


class _AsItIs:
    """Takes bytes that are ready: plain ones, or gzip members made by `member`; a gzip file has one at least."""

    def __init__(self, if_empty: bytes) -> None:
        self._rest = if_empty

    def compress(self, data: bytes, /) -> bytes:
        if data:
            self._rest = b""
        return data

    def flush(self) -> bytes:
        return self._rest


def member(data: bytes, compression: Compression) -> bytes:
    """Compress some bytes of a gzip file by themselves: a file may be many members in a row.

    So workers compress, and the one process that writes does not. Zstandard is left to that process: it is fast, and
    many readers stop at the end of the first frame.
    """
    if compression != "gz" or not data:
        return data
    return _gzip(data)


def compressor(compression: Compression) -> Compressor:
    """Make what turns written bytes into the file's; the same bytes always give the same file (no time in it)."""
    if compression == "zst":
        import zstandard  # 30 ms

        return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compressobj()
    return _AsItIs(_gzip(b"") if compression == "gz" else b"")


def _gzip(data: bytes) -> bytes:
    engine = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WBITS)
    packed: bytes = engine.compress(data) + engine.flush()
    return packed


def read_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Read a stream to its end."""
    while block := stream.read(READ_BYTES):
        yield block


def decompressed(blocks: Iterable[bytes], path: str) -> Iterator[bytes]:
    """Give a file's content in blocks; its first bytes tell whether and how it is compressed, whatever its name.

    Files of several members or frames are read to their end. Raises DamagedError after the last good bytes.
    """
    blocks = iter(blocks)
    first = next(blocks, b"")
    compression = next((name for magic, name in _MAGIC if first.startswith(magic)), "")
    blocks = _chain(first, blocks)
    if compression == "gz":
        return _gunzipped(blocks, path)
    if compression == "zst":
        return _unzstd(blocks, path)
    return blocks


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _gunzipped(blocks: Iterator[bytes], path: str) -> Iterator[bytes]:
    engine = zlib.decompressobj(_GZIP_WBITS)
    inside = False
    for block in blocks:
        while block:
            if not inside:
                block = block.lstrip(b"\0")  # tapes and some servers pad with zeros between members
                inside = bool(block)
            try:
                out = engine.decompress(block, MAX_BLOCK_BYTES)
            except zlib.error as exc:
                raise DamagedError(f"damaged gzip data ({exc})", path) from exc
            if out:
                yield out
            block = engine.unconsumed_tail
            if engine.eof:
                block, inside, engine = engine.unused_data, False, zlib.decompressobj(_GZIP_WBITS)
    if inside:
        yield from _rest(engine.flush())
        raise DamagedError("truncated gzip data: the file ends too early", path)


def _unzstd(blocks: Iterator[bytes], path: str) -> Iterator[bytes]:
    import zstandard  # 30 ms

    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES)
    engine: Any = None
    for block in blocks:
        while block:
            engine = engine or decompressor.decompressobj()
            try:
                out = engine.decompress(block)
            except zstandard.ZstdError as exc:
                raise DamagedError(f"damaged Zstandard data ({exc})", path) from exc
            yield from _rest(out)
            block = engine.unused_data
            engine = None if engine.eof else engine
    if engine is not None:
        raise DamagedError("truncated Zstandard data: the file ends too early", path)


def _rest(out: bytes) -> Iterator[bytes]:
    if out:
        yield out
