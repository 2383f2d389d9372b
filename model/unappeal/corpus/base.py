"""What a file format is: how a shard is cut into chunks, a chunk into records, and how a file of it is written."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from unappeal.corpus.compression import Compression
from unappeal.corpus.records import Chunk, Keys, Records


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of records to be read.

    ``path`` is the file as the user named it, ``name`` its place below the folder that was given, with ``/``;
    ``size`` in bytes, -1 where it is not known (standard input); ``mtime_ns`` changes with the file.
    """

    path: str
    name: str
    format: str
    size: int = -1
    mtime_ns: int = 0


class ByteSink(Protocol):
    """Where bytes of a file go."""

    def write(self, data: bytes, /) -> object:
        """Append bytes."""


class Encoder:
    """Turns what workers give into the bytes of one file; here they are that already.

    ``add`` is given bytes of the format's own kind (`Records.native`) or lines of JSON, told apart by ``as_json``.
    """

    def __init__(self, sink: ByteSink, compression: Compression) -> None:
        self.sink, self.compression = sink, compression

    def add(self, data: bytes, as_json: bool) -> None:
        """Append the records of a chunk."""
        self.sink.write(data)

    def finish(self) -> None:
        """Write what belongs at the end of the file."""


class Format(ABC):
    """A kind of file."""

    written_as: str
    """The format that its records are written in unless another is asked for."""

    @abstractmethod
    def chunks(self, shard: Shard, stream: BinaryIO) -> Iterator[Chunk]:
        """Read a shard's chunks, in order; damage is told by the last chunk."""

    @abstractmethod
    def parse(self, shard: Shard, chunk: Chunk, keys: Keys) -> Records:
        """Read a chunk's records."""

    def encoder(self, sink: ByteSink, compression: Compression) -> Encoder:
        """Make what writes a file of this format; bytes that it makes itself it compresses, see `member`."""
        return Encoder(sink, compression)
