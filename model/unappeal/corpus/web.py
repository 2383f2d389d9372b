"""Web archives and pages: WET, WARC and HTML; they are read, and written as JSON lines.

A WET file's conversion records are texts. Responses of a WARC file, and HTML files, go through an extractor.
"""

import codecs
import io
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from unappeal.corpus.base import Format, Shard
from unappeal.corpus.compression import DamagedError, decompressed, read_blocks
from unappeal.corpus.formats import MissingPackageError
from unappeal.corpus.plain_text import whole_chunk
from unappeal.corpus.records import BadRecord, Chunk, Field, Keys, Reason, Records

CHUNK_BYTES = 1 << 21
HTML_TYPES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class _Page:
    """A record of an archive: ``text`` where it is one, else ``html`` in an ``encoding`` that the server named."""

    id: str
    metadata: dict[str, str]
    content: bytes
    is_html: bool
    encoding: str | None


@dataclass(slots=True)
class PageRecords(Records):
    """Documents with what the archive says of them."""

    names: list[str]
    metadata: list[dict[str, str]]
    texts: list[str]
    bad: list[BadRecord]

    def ids(self) -> list[Any]:
        """Give the archive's record ids, or the file's name."""
        return list(self.names)

    def native(self, texts: Sequence[str], field: Field | None = None) -> bytes:
        """Give JSON lines: these formats are not written."""
        return self.json_lines(texts, field)

    def rows(self, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give records with `id`, `text` and `metadata`."""
        for name, text, metadata in zip(self.names, texts, self.metadata, strict=True):
            yield {"id": name, "text": text, "metadata": metadata}


def html_to_text(html: bytes, extractor: str, encoding: str | None = None) -> str:
    """Give the main text of a page, one block a line."""
    try:
        return _EXTRACTORS[extractor](html, encoding)
    except ImportError as exc:
        raise MissingPackageError(f"reading HTML with {extractor}", "html") from exc


def _by_resiliparse(html: bytes, encoding: str | None) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree

    try:
        known = codecs.lookup(encoding or "").name
    except LookupError:  # none named, or one that does not exist
        known = detect_encoding(html) or "utf-8"
    tree = HTMLTree.parse_from_bytes(html, known)
    text: str = extract_plain_text(tree, main_content=True, alt_texts=False)
    return text


def _by_trafilatura(html: bytes, encoding: str | None) -> str:
    from trafilatura import extract

    return extract(html, include_comments=False) or ""


_EXTRACTORS: dict[str, Callable[[bytes, str | None], str]] = {
    "resiliparse": _by_resiliparse,
    "trafilatura": _by_trafilatura,
}
EXTRACTORS = tuple(_EXTRACTORS)


class _Forward:
    """Decompressed blocks as the file that FastWARC asks for: it tells its position and skips, never goes back.

    Where the data prove damaged, the file ends and ``damage`` says why.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest, self._at = blocks, b"", 0
        self.damage: str | None = None

    def read(self, size: int = -1) -> bytes:
        pieces = [self._rest]
        have = len(self._rest)
        while size < 0 or have < size:
            block = self._next()
            if not block:
                break
            pieces.append(block)
            have += len(block)
        data = b"".join(pieces)
        cut = len(data) if size < 0 else min(size, len(data))
        self._rest, self._at = data[cut:], self._at + cut
        return data[:cut]

    def _next(self) -> bytes:
        try:
            return next(self._blocks, b"")
        except DamagedError as exc:
            self.damage = exc.message
            return b""

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        distance = offset if whence == io.SEEK_CUR else offset - self._at
        if whence == io.SEEK_END or distance < 0:
            raise io.UnsupportedOperation("seek")
        self.read(distance)
        return self._at

    def close(self) -> None: ...


def page_chunks(path: str, stream: BinaryIO) -> Iterator[Chunk]:
    """Read an archive's texts and HTML pages; all other records are passed over."""
    source = _Forward(decompressed(read_blocks(stream), path))
    pages: list[_Page] = []
    size, first, number = 0, 1, 0
    for number, (record, is_text) in enumerate(_archive_records(path, source), 1):
        page = _page_of(record, is_text)
        if isinstance(page, str):
            source.damage = source.damage or page
            break
        if page is not None:
            pages.append(page)
            size += len(page.content)
        if size >= CHUNK_BYTES:
            yield Chunk(first, pickle.dumps(pages))
            pages, size, first = [], 0, number + 1
    if pages:
        yield Chunk(first, pickle.dumps(pages))
    if source.damage is not None:
        yield Chunk(number, b"", source.damage)


def _archive_records(path: str, source: _Forward) -> Iterator[tuple[Any, bool]]:
    """Give responses and conversions, and whether they are the latter."""
    try:
        from fastwarc.warc import ArchiveIterator, WarcRecordType
    except ImportError as exc:
        raise MissingPackageError(f"{path}: reading WARC files", "html") from exc
    wanted = WarcRecordType.response | WarcRecordType.conversion
    for record in ArchiveIterator(source, record_types=wanted, auto_decode="all"):
        yield record, record.record_type == WarcRecordType.conversion


def _page_of(record: Any, is_text: bool) -> _Page | str | None:
    """Give a record's page, None for what is none, and a message where the record is cut off."""
    is_html = not is_text and (record.http_content_type or "").lower() in HTML_TYPES
    if not is_text and not is_html:
        return None
    length = record.content_length
    content = record.reader.read()
    encoded = is_html and any(record.http_headers.get(name) for name in ("Content-Encoding", "Transfer-Encoding"))
    if not encoded and len(content) < length:
        return f"the record {record.record_id} is cut off: {len(content)} of {length} bytes"
    names = {"url": "WARC-Target-URI", "date": "WARC-Date"}
    found = {name: record.headers.get(header) for name, header in names.items()}
    metadata = {name: value for name, value in found.items() if value}
    return _Page(record.record_id or "", metadata, content, is_html, record.http_charset if is_html else None)


class Archive(Format):
    """WARC and WET files."""

    written_as = "jsonl"

    def chunks(self, shard: Shard, stream: BinaryIO) -> Iterator[Chunk]:
        """Read pages; a compressed archive is decompressed by the reader."""
        return page_chunks(shard.path, stream)

    def parse(self, shard: Shard, chunk: Chunk, keys: Keys) -> Records:
        """Decode texts, extract pages."""
        records = PageRecords([], [], [], [])
        if chunk.damage is not None:
            records.bad.append(BadRecord(shard.path, chunk.line, Reason.DAMAGED, chunk.damage, chunk.data))
            return records
        for page in pickle.loads(chunk.data):
            try:
                text = (
                    html_to_text(page.content, keys.extractor, page.encoding) if page.is_html else page.content.decode()
                )
            except UnicodeDecodeError as exc:
                detail = f"byte {exc.start + 1} of the record {page.id}"
                records.bad.append(BadRecord(shard.path, None, Reason.INVALID_UTF8, detail, page.content))
                continue
            records.names.append(page.id)
            records.metadata.append(page.metadata)
            records.texts.append(text)
        return records


class Html(Format):
    """One page a file."""

    written_as = "jsonl"

    def chunks(self, shard: Shard, stream: BinaryIO) -> Iterator[Chunk]:
        """Read the whole file."""
        return whole_chunk(decompressed(read_blocks(stream), shard.path))

    def parse(self, shard: Shard, chunk: Chunk, keys: Keys) -> Records:
        """Extract the page's text."""
        if chunk.damage is not None:
            bad = BadRecord(shard.path, None, Reason.DAMAGED, chunk.damage, chunk.data)
            return PageRecords([], [], [], [bad])
        return PageRecords([shard.name], [{}], [html_to_text(chunk.data, keys.extractor)], [])


ARCHIVE, HTML = Archive(), Html()
