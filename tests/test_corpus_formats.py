"""Formats in and out: other fields identical, order identical, documents that lose nothing byte-identical."""

import csv
import gzip
import io
import sys
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unappeal
from unappeal.cli import main
from unappeal.corpus.web import html_to_text

RAIN = 'Rain fell, "for days",\nand the river rose by two metres on Monday.'


@pytest.fixture
def rows(page: str) -> list[dict[str, Any]]:
    return [
        {"id": str(i), "n": str(i * 1.5), "text": page if i % 2 else f"{RAIN} {i}", "note": "a,b\tc\r\nd"}
        for i in range(5)
    ]


@pytest.fixture
def cleaned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "text": unappeal.filter_text(row["text"]).text} for row in rows]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    if ".parquet" in path.name:
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
        return path
    if ".jsonl" in path.name:
        data = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    else:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]), delimiter="\t" if ".tsv" in path.name else ",")
        writer.writeheader()
        writer.writerows(rows)
        data = out.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if ".parquet" in path.name:
        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if ".jsonl" in path.name:
        return [orjson.loads(line) for line in data.splitlines()]
    delimiter = "\t" if ".tsv" in path.name else ","
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))


def run(*arguments: object) -> int:
    return main(["filter", *map(str, arguments), "--quiet"])


@pytest.mark.parametrize("target", ["o.jsonl", "o.csv.gz", "o.tsv", "o.parquet"])
@pytest.mark.parametrize("source", ["i.jsonl.gz", "i.csv", "i.tsv.gz", "i.parquet"])
def test_every_format_becomes_every_format(
    source: str, target: str, rows: list[dict[str, Any]], cleaned: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert run(write(tmp_path / source, rows), "-o", tmp_path / target) == 0
    assert read(tmp_path / target) == cleaned


@pytest.mark.parametrize("name", ["i.csv", "i.tsv"])
def test_rows_that_do_not_change_keep_their_bytes(name: str, tmp_path: Path) -> None:
    mark = "\t" if name.endswith("tsv") else ","
    data = (
        f'\ufeff"id"{mark}text\r\n1{mark}"{RAIN.replace(chr(34), chr(34) * 2)}"\r\n"2"{mark}Café opened.\r\n'.encode()
    )
    (tmp_path / name).write_bytes(data)
    assert run(tmp_path / name, "-o", tmp_path / "out" / name) == 0
    assert (tmp_path / "out" / name).read_bytes() == data


def test_bad_rows_are_put_aside(page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "i.csv"
    source.write_bytes(b'id,text\n1,"two\nlines"\n2\n3,caf\xe9\n4,Rain.\n')
    assert run(source, "-o", tmp_path / "o.csv") == 1
    assert capfd.readouterr().err.splitlines() == [
        f"{source}:4: broken row: it has 1 cells, the header has 2",
        f"{source}:5: invalid UTF-8: byte 6 of the row",
    ]
    assert (tmp_path / "o.csv").read_bytes() == b'id,text\n1,"two\nlines"\n4,Rain.\n'


def test_a_table_without_the_text_column_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, message in (
        ("i.csv", "no text: the header has no 'body' (see --text-key)"),
        ("i.parquet", "no text: there is no column 'body' (see --text-key)"),
    ):
        source = write(tmp_path / name, [{"id": "1", "text": "Rain."}])
        assert run(source, "-o", tmp_path / "out" / name, "--text-key", "body") == 1
        line = 2 if name == "i.csv" else 1
        assert capfd.readouterr().err == f"{source}:{line}: {message}\n"


def test_a_header_alone_stays(tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_bytes(b"id,text\n")
    pq.write_table(pa.table({"text": pa.array([], pa.string()), "n": pa.array([], pa.int8())}), tmp_path / "i.parquet")
    for name in ("i.csv", "i.parquet"):
        assert run(tmp_path / name, "-o", tmp_path / "out" / name) == 0
    assert (tmp_path / "out" / "i.csv").read_bytes() == b"id,text\n"
    assert pq.read_schema(tmp_path / "out" / "i.parquet") == pq.read_schema(tmp_path / "i.parquet")


def test_parquet_keeps_schema_types_and_nested_columns(page: str, tmp_path: Path) -> None:
    schema = pa.schema(
        [
            pa.field("meta", pa.struct([pa.field("body", pa.large_string()), pa.field("n", pa.int8())])),
            pa.field("tags", pa.list_(pa.string())),
            pa.field("when", pa.timestamp("us", "UTC"), metadata={"k": "v"}),
        ],
        metadata={"origin": "test"},
    )
    rows = [
        {"meta": {"body": page, "n": 1}, "tags": ["a"], "when": 5},
        {"meta": {"body": None, "n": 2}, "tags": None, "when": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "i.parquet")
    bad = tmp_path / "bad.jsonl"
    assert (
        run(tmp_path / "i.parquet", "-o", tmp_path / "o.parquet", "--text-key", "meta.body", "--bad-records", bad) == 1
    )
    table = pq.read_table(tmp_path / "o.parquet")
    assert table.schema.equals(pq.read_schema(tmp_path / "i.parquet"), check_metadata=True)
    (row,) = table.to_pylist()
    assert row["meta"] == {"body": unappeal.filter_text(page).text, "n": 1}
    assert orjson.loads(bad.read_bytes())["detail"] == "'meta.body' is null"


def test_a_broken_parquet_file_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    write(folder / "a.parquet", [{"text": "Rain."}])
    (folder / "b.parquet").write_bytes((folder / "a.parquet").read_bytes()[:-9])
    assert run(folder, "-o", tmp_path / "out") == 1
    assert capfd.readouterr().err.startswith(f"{folder / 'b.parquet'}: cannot be read: it is no whole Parquet file: ")
    assert [path.name for path in (tmp_path / "out").glob("*.parquet")] == ["a.parquet"]


def test_records_that_do_not_fit_the_first_ones_columns_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_bytes(orjson.dumps({"text": "Rain.", name: 1}))
    for target in ("o.csv", "o.parquet"):
        assert run(tmp_path / "a.jsonl", tmp_path / "b.jsonl", "-o", tmp_path / target) == 1
        assert capfd.readouterr().err.endswith(": write .jsonl instead\n")
        assert not (tmp_path / target).exists()


def test_mixed_formats_go_into_one_file(
    page: str, rows: list[dict[str, Any]], cleaned: list[dict[str, Any]], tmp_path: Path
) -> None:
    write(tmp_path / "in" / "1.csv", rows)
    write(tmp_path / "in" / "2.parquet", rows)
    write(tmp_path / "in" / "3.csv", rows)
    (tmp_path / "in" / "4.txt").write_text(page)
    assert run(tmp_path / "in", "-o", tmp_path / "o.jsonl") == 0
    last = {"id": "4.txt", "text": unappeal.filter_text(page).text}
    assert read(tmp_path / "o.jsonl") == [*cleaned, *cleaned, *cleaned, last]
    assert run(tmp_path / "in" / "*.csv", "-o", tmp_path / "o.csv") == 0
    assert read(tmp_path / "o.csv") == [*cleaned, *cleaned]


def test_a_folder_can_change_its_format(
    rows: list[dict[str, Any]], cleaned: list[dict[str, Any]], tmp_path: Path
) -> None:
    write(tmp_path / "in" / "1.csv.gz", rows)
    write(tmp_path / "in" / "x" / "2.jsonl", rows)
    assert run(tmp_path / "in", "-o", tmp_path / "out", "--output-format", "parquet", "--workers", 2) == 0
    assert read(tmp_path / "out" / "1.parquet") == read(tmp_path / "out" / "x" / "2.parquet") == cleaned


def warc_record(kind: str, number: int, content: bytes) -> bytes:
    content_type = "text/plain" if kind == "conversion" else "application/http; msgtype=response"
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://news.example/{number}\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012}>\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n\r\n"


def html(page: str) -> bytes:
    paragraphs = "".join(f"<p>{block}</p>" for block in page.split("\n\n"))
    return f"<html><head><title>Café</title></head><body><article>{paragraphs}</article></body></html>".encode()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_wet_file_is_read(suffix: str, page: str, tmp_path: Path) -> None:
    pytest.importorskip("fastwarc")
    records = [warc_record("warcinfo", 0, b"x: y\r\n"), *(warc_record("conversion", i, page.encode()) for i in (1, 2))]
    data = b"".join(map(gzip.compress, records)) if suffix else b"".join(records)
    (tmp_path / f"i.wet{suffix}").write_bytes(data)
    assert run(tmp_path / f"i.wet{suffix}", "-o", tmp_path / "o.jsonl") == 0
    text = unappeal.filter_text(page).text
    assert read(tmp_path / "o.jsonl") == [
        {
            "id": f"<urn:uuid:00000000-0000-0000-0000-{i:012}>",
            "text": text,
            "metadata": {"url": f"http://news.example/{i}", "date": "2026-01-02T03:04:05Z"},
        }
        for i in (1, 2)
    ]


@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
def test_pages_of_a_warc_file_and_html_files_are_extracted(extractor: str, page: str, tmp_path: Path) -> None:
    pytest.importorskip("fastwarc")
    pytest.importorskip(extractor)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n"
    picture = warc_record("response", 1, head % b"image/png" + b"\x89PNG")
    packed = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(html(page))
    plain = warc_record("response", 2, head % b"text/html; charset=utf-8" + html(page))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "i.warc").write_bytes(picture + plain + warc_record("response", 3, packed))
    (tmp_path / "in" / "p.html").write_bytes(html(page))
    assert run(tmp_path / "in", "-o", tmp_path / "out", "--extractor", extractor) == 0
    (single,) = read(tmp_path / "out" / "p.jsonl")
    first, second = read(tmp_path / "out" / "i.jsonl")
    assert single["id"] == "p.html"
    assert first["text"] == second["text"] == single["text"]
    assert "The city council approved" in single["text"]
    assert "Donate today" not in single["text"]


def test_an_archive_that_is_cut_off_gives_its_whole_records(
    page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fastwarc")
    data = warc_record("conversion", 1, page.encode()) + warc_record("conversion", 2, page.encode())[:-60]
    (tmp_path / "i.wet").write_bytes(data)
    assert run(tmp_path / "i.wet", "-o", tmp_path / "o.jsonl") == 1
    assert len(read(tmp_path / "o.jsonl")) == 1
    told = capfd.readouterr().err
    assert told.startswith(
        f"{tmp_path / 'i.wet'}:2: damaged: the record <urn:uuid:00000000-0000-0000-0000-000000000002> is cut off: "
    )


def test_a_wet_file_of_real_pages_gives_what_the_pages_give(shared: Path, tmp_path: Path) -> None:
    warc = pytest.importorskip("fastwarc.warc")
    pages = sorted((shared / "real" / "html").rglob("*.html.gz"))[::100]
    (tmp_path / "in").mkdir()
    with gzip.open(tmp_path / "in" / "i.wet.gz", "wb") as stream:
        for page in pages:
            html = gzip.decompress(page.read_bytes())
            record = warc.WarcRecord()
            record.init_headers(warc.WarcRecordType.conversion)
            record.headers["WARC-Target-URI"] = f"http://{page.name}"
            record.set_bytes_content(html_to_text(html, "resiliparse").encode())
            record.write(stream)
            (tmp_path / "in" / page.name).write_bytes(page.read_bytes())
    assert run(tmp_path / "in", "-o", tmp_path / "out") == 0
    rows = read(tmp_path / "out" / "i.jsonl.gz")
    assert [row["metadata"]["url"] for row in rows] == [f"http://{page.name}" for page in pages]
    for row, page in zip(rows, pages, strict=True):
        (single,) = read(tmp_path / "out" / page.name.replace(".html", ".jsonl"))
        assert row["text"] == single["text"]


def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "fastwarc.warc", None)
    (tmp_path / "i.wet").write_bytes(b"")
    assert run(tmp_path / "i.wet", "-o", tmp_path / "o.jsonl") == 1
    message = "reading WARC files needs a package that is not installed: pip install 'unappeal[html]'"
    assert capfd.readouterr().err == f"unappeal: error: {tmp_path / 'i.wet'}: {message}\n"
