"""Finding the shards that a command line names: files, folders, globs, standard input."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from unappeal.corpus.base import Shard
from unappeal.corpus.formats import KNOWN, format_of, renamed
from unappeal.corpus.remote import is_remote, open_remote, remote_files
from unappeal.errors import InputError

STDIN = "-"


def find_shards(inputs: Sequence[str], format_name: str | None = None, outside: str | None = None) -> list[Shard]:
    """List the shards of all inputs, in the order given, those of a folder or glob sorted.

    ``format_name`` is the format of standard input (JSON lines without it) and of files whose suffix tells none;
    files below ``outside`` are left out, so that a run does not read what it wrote. Of folders, hidden files and those
    of no known format are left out. Raises InputError for what is not there.
    """
    shards = [shard for given in inputs for shard in _expanded(given, format_name)]
    if outside is None:
        return shards
    below = _resolved(outside).rstrip("/") + "/"
    return [shard for shard in shards if not _resolved(shard.path).startswith(below)]


def open_shard(shard: Shard) -> BinaryIO:
    """Open a shard for reading; OSError where it cannot be."""
    if shard.path == STDIN:
        return os.fdopen(os.dup(0), "rb")
    return open_remote(shard.path) if is_remote(shard.path) else Path(shard.path).open("rb")


def companion_path(path: str, shard: Shard) -> str:
    """Give the file of JSON lines that goes with a shard: ``path`` itself, or the one of its name in that folder."""
    return str(Path(path) / renamed(shard.name, shard.format, "jsonl")) if Path(path).is_dir() else path


def _expanded(given: str, format_name: str | None) -> Iterator[Shard]:
    path = Path(given)
    if given == STDIN:
        known = format_name or "jsonl"
        yield Shard(STDIN, f"stdin.{known}", known)
    elif is_remote(given):
        yield from _of_address(given, format_name)
    elif path.is_dir():
        yield from _of_folder(path, path)
    elif path.exists():
        yield _of_file(path, path.name, format_of(given) or format_name)
    elif glob.has_magic(given):
        yield from _of_glob(given, format_name)
    else:
        raise InputError("no such file or folder", given)


def _of_address(address: str, format_name: str | None) -> Iterator[Shard]:
    found = list(remote_files(address))
    if not found:
        raise InputError("no such file or folder", address)
    for path, name, size, state in found:
        known = format_of(name) or (format_name if len(found) == 1 else None)
        if known and not any(part.startswith(".") for part in name.split("/")):
            yield Shard(path, name, known, size, state)


def _resolved(path: str) -> str:
    return path if is_remote(path) else os.path.realpath(path)


def _of_folder(folder: Path, root: Path) -> Iterator[Shard]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if not name.startswith(".") and format_of(name):
                yield _of_file(path, path.relative_to(root).as_posix(), format_of(name))


def _of_glob(pattern: str, format_name: str | None) -> Iterator[Shard]:
    parts = Path(pattern).parts
    magic = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[: min(magic, len(parts) - 1)])
    found = sorted(root.glob(str(Path(*parts[magic:]))))
    if not found:
        raise InputError("the pattern matches no file", pattern)
    for path in found:
        if path.is_dir():
            yield from _of_folder(path, root)
        else:
            yield _of_file(path, path.relative_to(root).as_posix(), format_of(path.name) or format_name)


def _of_file(path: Path, name: str, format_name: str | None) -> Shard:
    if format_name is None:
        raise InputError(f"its suffix tells no format: known are {KNOWN}; or give --input-format", path)
    try:
        status = path.stat()
    except OSError:  # gone since the folder was listed: told when its turn comes
        return Shard(str(path), name, format_name)
    return Shard(str(path), name, format_name, status.st_size, status.st_mtime_ns)
