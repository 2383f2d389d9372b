"""Files that appear under their name only when they are whole."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from unappeal.corpus.compression import Compression, compressor
from unappeal.corpus.remote import RemoteFile, is_remote, open_remote, remote_size, remove_remote
from unappeal.errors import UnappealError

STDOUT = "-"


class OutputError(UnappealError):
    """Something cannot be written: the disk is full, a folder is read-only, a name is taken."""

    def __init__(self, path: str | os.PathLike[str], problem: object) -> None:
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
        super().__init__(f"{os.fspath(path)}: cannot be written: {reason}")


class AsideFile:
    """A file written as ``.name.tmp`` beside its place; `commit` syncs it and gives it its name.

    Left without `commit`, by an error or Ctrl-C, it is gone, and what stood under the name still stands. A link
    is followed, so that the file it points to is replaced; pipes and devices are written as they are. The file
    is made with the first write or with `commit`.
    """

    def __init__(self, path: Path, compression: Compression = "") -> None:
        self.path = path
        self._target = Path(os.path.realpath(path))
        self._aside = aside_path(self._target)
        self._compressor = compressor(compression)
        self._direct = is_special(self._target)
        self._stream: BinaryIO | None = None
        self._mine = False
        self._finished = False

    def write(self, data: bytes) -> None:
        """Append bytes; OutputError where they cannot be."""
        try:
            self._opened().write(self._compressor.compress(data))
        except OSError as exc:
            raise OutputError(self.path, exc) from exc

    def finish(self) -> str:
        """Write the file to its end and sync it; give the path under which it is whole, for now."""
        try:
            stream = self._opened()
            stream.write(self._compressor.flush())
            stream.flush()
            if not self._direct:
                os.fsync(stream.fileno())
            stream.close()
        except OSError as exc:
            raise OutputError(self.path, exc) from exc
        self._finished = True
        return str(self._target if self._direct else self._aside)

    def commit(self) -> None:
        """Give the file its name, and finish it before where that is not done."""
        if not self._finished:
            self.finish()
        self._stream = None
        try:
            if not self._direct:
                self._aside.replace(self._target)
            self._mine = False
        except OSError as exc:
            self._aside.unlink(missing_ok=True)
            raise OutputError(self.path, exc) from exc

    def _opened(self) -> BinaryIO:
        if self._stream is None:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._mine = not self._direct  # before the file is there, so that no signal in between can leave it behind
            try:
                self._stream = self._target.open("wb") if self._direct else _locked(self._aside)
            except OutputError:
                self._mine = False
                raise
        return self._stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            with suppress(OSError):  # a full disk fails again here, what matters was said before
                self._stream.close()
        if self._mine:
            self._aside.unlink(missing_ok=True)


def _locked(path: Path) -> BinaryIO:
    """Open a file for writing that no other run has open for writing; the lock ends with the process."""
    stream = path.open("ab")
    try:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        stream.close()
        raise OutputError(path, "another run is writing it") from exc
    except (ImportError, OSError):  # a system, or a network disk, without such locks
        pass
    stream.truncate(0)
    return stream


def aside_path(path: Path) -> Path:
    """Give the name that a file has until it is whole."""
    return path.with_name(f".{path.name}.tmp")


class StandardOutput:
    """Standard output with the interface of `AsideFile`."""

    def __init__(self, compression: Compression = "") -> None:
        self._compressor = compressor(compression)

    def write(self, data: bytes) -> None:
        """Write bytes, past the text layer; BrokenPipeError where the reader has gone."""
        self._put(self._compressor.compress(data))

    def finish(self) -> str:
        """Hand over what was written so far."""
        self._put(self._compressor.flush(), flush=True)
        return STDOUT

    def commit(self) -> None:
        """Hand over what was written so far."""
        self.finish()

    def _put(self, data: bytes, flush: bool = False) -> None:
        try:
            sys.stdout.buffer.write(data)
            if flush:
                sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as exc:
            raise OutputError("standard output", exc) from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def open_output(path: str, compression: Compression = "") -> AsideFile | StandardOutput | RemoteFile:
    """Make what writes a file, an address, or standard output."""
    if path == STDOUT:
        return StandardOutput()
    return RemoteFile(path, compression) if is_remote(path) else AsideFile(Path(path), compression)


def state_of(path: str) -> dict[str, int] | None:
    """Give a file's size and, where renaming keeps it, its time; None where there is no file."""
    if is_remote(path):
        size = remote_size(path)
        return None if size is None else {"size": size}
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


def content_of(path: str) -> bytes | None:
    """Read a small file; None where there is none."""
    try:
        if is_remote(path):
            with open_remote(path) as stream:
                return stream.read()
        return Path(path).read_bytes()
    except OSError:
        return None


def remove(path: str) -> None:
    """Remove a file where there is one."""
    if is_remote(path):
        remove_remote(path)
    else:
        Path(path).unlink(missing_ok=True)


def is_special(path: Path) -> bool:
    """Tell whether a path is a pipe, terminal or device, which cannot be replaced by a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def check_writable(paths: Iterable[str]) -> None:
    """Find out, before any work, what could not be written in the end; folders that are missing are made."""
    tried: set[Path] = set()
    for path in map(Path, (path for path in paths if not is_remote(path))):
        target = Path(os.path.realpath(path))
        if is_special(target):
            continue
        if target.is_dir():
            raise OutputError(path, "it is a folder")
        if target.parent not in tried:
            tried.add(target.parent)
            _try_folder(path, target.parent)


def _try_folder(path: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # has no name where the system can do so: nothing to leave behind
            pass
    except (FileExistsError, NotADirectoryError) as exc:
        raise OutputError(path, f"{folder} is not a folder") from exc
    except OSError as exc:
        raise OutputError(path, exc) from exc
