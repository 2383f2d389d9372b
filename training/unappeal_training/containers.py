"""Files that hold records: CSV, TSV, JSON lines, JSON arrays and Parquet, plain, .gz or .zst, and .zip of these."""

import csv
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from unappeal.corpus.compression import decompressed
from unappeal.errors import InputError
from unappeal_training.rows import Record

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".zip")
_COMPRESSIONS = {".gz": "gz", ".zst": "zst"}
_BYTE_ORDER_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_records(path: Path) -> Iterator[Record]:
    """Give the records of a file in order; InputError names the line that cannot be read, or the unknown suffix."""
    name = str(path)
    if not path.is_file():
        raise InputError("no such file" if not path.exists() else "not a file: give the files in it", name)
    inner = path.with_suffix("") if path.suffix in _COMPRESSIONS else path
    if inner.suffix == ".parquet":
        return _parquet(path)
    if inner.suffix == ".zip":
        return _zip(path)
    content = b"".join(decompressed(iter([path.read_bytes()]), name))
    return _parsed(content, inner.suffix.lower(), name)


def _parsed(content: bytes, suffix: str, name: str) -> Iterator[Record]:
    if suffix == ".csv":
        return _csv(_decoded(content, name), name, None)
    if suffix == ".tsv":
        return _csv(_decoded(content, name), name, "\t")
    if suffix in (".jsonl", ".ndjson", ".json"):
        return _json_array(content, name) if content.lstrip()[:1] == b"[" else _json_lines(content, name)
    raise InputError(f"cannot tell what it holds from {suffix or 'no suffix'!r}: known are {', '.join(SUFFIXES)}", name)


def _decoded(content: bytes, name: str) -> str:
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise InputError(f"not UTF-8 at byte {exc.start + 1}: save the file as UTF-8", name, line) from exc


def _csv(text: str, name: str, delimiter: str | None) -> Iterator[Record]:
    csv.field_size_limit(sys.maxsize)
    head = text.split("\n", 1)[0]
    delimiter = delimiter or max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            begins, line = line + 1, reader.line_num
            if None in row:
                raise InputError(
                    f"the row has more cells than the header ({len(reader.fieldnames or ())})", name, begins
                )
            yield Record(row, name, begins)
    except csv.Error as exc:
        raise InputError(f"not a CSV row: {exc}", name, line + 1) from exc


def _json_lines(content: bytes, name: str) -> Iterator[Record]:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield _record(_loaded(line, name, number), name, number)


def _json_array(content: bytes, name: str) -> Iterator[Record]:
    for number, item in enumerate(_loaded(content, name, None), 1):
        yield _record(item, name, number)


def _loaded(content: bytes, name: str, line: int | None) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise InputError(f"not JSON: {exc}", name, line if line is not None else exc.lineno) from exc


def _record(value: Any, name: str, number: int) -> Record:
    if not isinstance(value, dict):
        raise InputError(f"a record is a JSON object, not {type(value).__name__}", name, number)
    return Record(value, name, number)


def _parquet(path: Path) -> Iterator[Record]:
    try:
        from pyarrow import ArrowException
        from pyarrow import parquet as pq
    except ImportError as exc:
        raise InputError("reading Parquet needs pyarrow: pip install 'unappeal[parquet]'", path) from exc
    number = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches():
            for values in batch.to_pylist():
                number += 1
                yield Record(values, str(path), number)
    except (ArrowException, OSError) as exc:
        raise InputError(f"not a Parquet file: {exc}", path) from exc


def _zip(path: Path) -> Iterator[Record]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if not member.endswith("/"):
                    yield from _parsed(archive.read(member), Path(member).suffix.lower(), f"{path}/{member}")
    except zipfile.BadZipFile as exc:
        raise InputError(f"not a .zip archive: {exc}", path) from exc
