"""The formats there are, found by a file's name; each is imported when it is first used."""

from functools import cache
from importlib import import_module

from unappeal.corpus.base import Format
from unappeal.corpus.compression import Compression
from unappeal.errors import UnappealError

_HOMES = {
    "jsonl": ("jsonl", "JSONL"),
    "txt": ("plain_text", "TEXT"),
    "csv": ("delimited", "CSV"),
    "tsv": ("delimited", "TSV"),
    "parquet": ("parquet", "PARQUET"),
    "warc": ("web", "ARCHIVE"),
    "html": ("web", "HTML"),
}
"""Module and object of each format."""

NAMES = tuple(_HOMES)
"""Formats that are read."""

WRITTEN = ("jsonl", "txt", "csv", "tsv", "parquet")
"""Formats that are written."""

_SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".txt": "txt", ".text": "txt", ".csv": "csv",
    ".tsv": "tsv", ".parquet": "parquet", ".warc": "warc", ".wet": "warc", ".html": "html", ".htm": "html",
}  # fmt: skip
_COMPRESSIONS: dict[str, Compression] = {".gz": "gz", ".zst": "zst"}

KNOWN = ".jsonl, .txt, .csv, .tsv, .warc, .wet, .html (each also with .gz or .zst) and .parquet"
"""For messages."""


@cache
def format_named(name: str) -> Format:
    """Give a format; MissingPackageError where what it needs is not installed."""
    module, attribute = _HOMES[name]
    try:
        made: Format = getattr(import_module(f"unappeal.corpus.{module}"), attribute)
    except ModuleNotFoundError as exc:
        raise MissingPackageError(f"reading or writing .{name}", name) from exc
    return made


def format_of(path: str) -> str | None:
    """Give the name of the format that a file's name tells, or None."""
    return _SUFFIXES.get(_suffix(uncompressed_name(path)))


def compression_of(path: str) -> Compression:
    """Give the compression that a file's name tells."""
    return _COMPRESSIONS.get(_suffix(path), "")


def uncompressed_name(path: str) -> str:
    """Give a file's name without the suffix of a compression."""
    return path[: -len(_suffix(path))] if compression_of(path) else path


def renamed(name: str, source: str, target: str) -> str:
    """Give a shard's name in another format; a compression is kept where the format takes one.

    >>> renamed("a/b.txt.gz", "txt", "jsonl")
    'a/b.jsonl.gz'
    """
    if source == target:
        return name
    plain = uncompressed_name(name)
    suffix = next(suffix for suffix, format_name in _SUFFIXES.items() if format_name == target)
    return plain[: len(plain) - len(_suffix(plain))] + suffix + ("" if target == "parquet" else name[len(plain) :])


def _suffix(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


class MissingPackageError(UnappealError):
    """A format needs a package that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a package that is not installed: pip install 'unappeal[{extra}]'")
