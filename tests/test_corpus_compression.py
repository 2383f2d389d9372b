"""Compressed bytes in and out: members and frames, damage after the last good byte, the same bytes every time."""

import gzip
import io

import pytest
import zstandard

from unappeal.corpus.compression import Compression, DamagedError, compressor, decompressed, member, read_blocks

DATA = b"".join(b"line %d\n" % i for i in range(50_000))


def unpacked(data: bytes) -> bytes:
    return b"".join(decompressed(read_blocks(io.BytesIO(data)), "in"))


@pytest.mark.parametrize("compression", ["", "gz", "zst"])
def test_what_is_written_is_read(compression: Compression) -> None:
    engine = compressor(compression)
    pieces = [DATA[i : i + 100_000] for i in range(0, len(DATA), 100_000)]
    packed = b"".join(engine.compress(member(piece, compression)) for piece in pieces) + engine.flush()
    assert unpacked(packed) == DATA
    if compression == "gz":
        assert gzip.decompress(packed) == DATA
    if compression == "zst":  # one frame: many readers stop after the first
        assert zstandard.ZstdDecompressor().stream_reader(packed).read() == DATA


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_an_empty_file_is_a_valid_one(compression: Compression) -> None:
    packed = compressor(compression).flush()
    assert packed
    assert unpacked(packed) == b""


def test_members_frames_and_padding_are_read_to_the_end() -> None:
    assert unpacked(gzip.compress(b"a\n") + b"\0" * 512 + gzip.compress(b"b\n")) == b"a\nb\n"
    frame = zstandard.ZstdCompressor().compress
    assert unpacked(frame(b"a\n") + frame(b"b\n")) == b"a\nb\n"


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (gzip.compress(DATA)[:-5], "in: truncated gzip data: the file ends too early"),
        (zstandard.ZstdCompressor().compress(DATA)[:-5], "in: truncated Zstandard data: the file ends too early"),
        (gzip.compress(DATA) + b"rubbish", "in: damaged gzip data"),
        (zstandard.ZstdCompressor().compress(DATA) + b"rubbish", "in: damaged Zstandard data"),
    ],
)
def test_damage_is_told_after_the_good_bytes(packed: bytes, message: str) -> None:
    good: list[bytes] = []
    with pytest.raises(DamagedError, match=f"^{message}"):
        good.extend(decompressed(read_blocks(io.BytesIO(packed)), "in"))
