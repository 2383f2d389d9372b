"""Files behind an address, ``s3://bucket/key`` and the like, through fsspec."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, BinaryIO, Self

from unappeal.corpus.compression import Compression, compressor
from unappeal.corpus.formats import MissingPackageError
from unappeal.errors import UnappealError


def is_remote(path: str) -> bool:
    """Tell whether a path is an address."""
    return "://" in path


def remote_files(address: str) -> Iterator[tuple[str, str, int, int]]:
    """List what an address stands for: a file, a folder, a glob.

    Gives address, name below it, size in bytes, and a number that changes with the file.
    """
    system, path = _filesystem(address)
    if system.isfile(path):
        found, root = [path], path.rpartition("/")[0]
    elif system.isdir(path):
        found, root = system.find(path), path
    else:
        found = [each for each in system.glob(path) if system.isfile(each)]
        root = path[: min(path.find(mark) for mark in "*?[" if mark in path)].rpartition("/")[0] if found else path
    for each in sorted(found):
        name = each[len(root) :].lstrip("/")
        state = int(str(system.ukey(each))[:12], 16)
        yield system.unstrip_protocol(each), name, int(system.size(each) or 0), state


def open_remote(address: str) -> BinaryIO:
    """Open an address for reading."""
    system, path = _filesystem(address)
    stream: BinaryIO = system.open(path, "rb")
    return stream


def remote_size(address: str) -> int | None:
    """Give a file's size, None where there is none."""
    system, path = _filesystem(address)
    return int(system.size(path)) if system.isfile(path) else None


def remove_remote(address: str) -> None:
    """Remove a file where there is one."""
    system, path = _filesystem(address)
    if system.isfile(path):
        system.rm(path)


class RemoteFile:
    """A file behind an address with the interface of `AsideFile`: written beside its place, then moved over it.

    Where a file system does not move over what is there, that is removed first, once the new file is whole.
    """

    def __init__(self, address: str, compression: Compression = "") -> None:
        self.address = address
        self._system, self._path = _filesystem(address)
        folder, _, name = self._path.rpartition("/")
        self._aside = f"{folder}/.{name}.tmp"
        self._compressor = compressor(compression)
        self._stream: Any = None
        self._whole = False

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._put(self._compressor.compress(data))

    def finish(self) -> str:
        """Write the file to its end; give the address under which it is whole, for now."""
        self._put(self._compressor.flush())
        with self._told():
            self._stream.close()
        self._whole = True
        aside: str = self._system.unstrip_protocol(self._aside)
        return aside

    def commit(self) -> None:
        """Give the file its name, and finish it before where that is not done."""
        if not self._whole:
            self.finish()
        with self._told():
            try:
                self._system.mv(self._aside, self._path)
            except OSError:
                if not (self._system.isfile(self._aside) and self._system.isfile(self._path)):
                    raise
                self._system.rm(self._path)
                self._system.mv(self._aside, self._path)
        self._stream = None

    def _put(self, data: bytes) -> None:
        with self._told():
            if self._stream is None:
                self._system.makedirs(self._path.rpartition("/")[0], exist_ok=True)
                self._stream = self._system.open(self._aside, "wb")
            self._stream.write(data)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise UnappealError(f"{self.address}: cannot be written: {exc.strerror or exc}") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            with suppress(OSError):  # what failed before fails again here, and was said
                self._stream.close()
            with suppress(OSError):
                self._system.rm(self._aside)


def _filesystem(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as exc:
        raise MissingPackageError(f"{address}: reading or writing an address", "remote") from exc
    try:
        system, path = url_to_fs(address)
    except (ValueError, ImportError) as exc:  # an unknown protocol, or one whose own package (s3fs, gcsfs) is missing
        raise UnappealError(f"{address}: {exc}") from exc
    return system, path
