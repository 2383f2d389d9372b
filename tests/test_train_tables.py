"""Tables of labels: containers, columns, label names, the order of documents, contradictions."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from unappeal.errors import InputError
from unappeal_training.containers import read_records
from unappeal_training.imports.common import ImportOptions
from unappeal_training.labelled import GAPS, NO_ORDER, read_labels, read_texts

HEADER = "text,label,document,position,site,language\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_csv_with_quoted_line_breaks_names_the_line_where_each_row_begins(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\n"One\ntwo, three",body\nDonate,appeal\n')
    records = list(read_records(path))
    assert [(r.line, r.values["text"]) for r in records] == [(2, "One\ntwo, three"), (4, "Donate")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "text\tlabel\nDonate\tappeal\n"),
        ("a.csv", "text;label\nDonate;appeal\n"),
        ("a.csv", "\ufefftext,label\r\nDonate,appeal\r\n"),
        ("a.jsonl", '{"text": "Donate", "label": "appeal"}\n\n'),
        ("a.json", '[{"text": "Donate", "label": "appeal"}]'),
    ],
)
def test_every_plain_container_gives_the_same_row(tmp_path: Path, name: str, content: str) -> None:
    labels = read_labels([write(tmp_path / name, content)])
    assert labels.documents[0].blocks == ("Donate",)
    assert labels.documents[0].labels.tolist() == [1]


def test_compressed_utf16_and_parquet_tables_are_read(tmp_path: Path) -> None:
    line = b'{"text": "Donate", "label": "appeal"}\n'
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line))
    (tmp_path / "b.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(line))
    (tmp_path / "c.csv").write_bytes("text,label\nDonate,appeal\n".encode("utf-16"))
    for name in ("a.jsonl.gz", "b.jsonl.zst", "c.csv"):
        assert read_labels([tmp_path / name]).n_blocks == 1
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"text": ["Donate", "Prices rose."], "label": ["appeal", None], "position": [0.0, 1.0]})
    pq.write_table(table, tmp_path / "d.parquet")
    labels = read_labels([tmp_path / "d.parquet"])
    assert labels.n_blocks == 1
    assert len(labels.documents) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,label\nDonate,appeal,x\n", r"a\.csv:2: the row has more cells than the header \(2\)"),
        ("a.csv", "words,label\nDonate,appeal\n", r"a\.csv:2: no 'text': the fields are label, words; .*--column"),
        ("a.csv", "text,class\nDonate,appeal\n", r"a\.csv:2: no column 'label': the columns are text, class"),
        ("a.jsonl", '{"text": "a", "label": "body"}\n{"text": \n', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", '{"text": 3, "label": "body"}\n', r"a\.jsonl:1: no string as \(int\) 'text'"),
        ("a.jsonl", "[1]\n", r"a\.jsonl:1: a record is a JSON object, not int"),
        ("a.jsonl", "", r"a\.jsonl: the file holds no records"),
        ("a.xlsx", "", r"a\.xlsx: cannot tell what it holds from '\.xlsx': known are \.csv, \.tsv"),
        ("a.csv", HEADER + "Donate,appeal,d,first,,\n", r"a\.csv:2: position 'first' is not a number"),
        ("a.parquet", "no", r"a\.parquet: not a Parquet file"),
        ("a.zip", "no", r"a\.zip: not a \.zip archive"),
    ],
)
def test_unreadable_files_name_path_line_and_remedy(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labels([write(tmp_path / name, content)])


def test_invalid_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\nok,body\n\xff,body\n")
    with pytest.raises(InputError, match=r"a\.csv:3: not UTF-8 at byte 20: save the file as UTF-8"):
        read_labels([path])


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_labels([tmp_path / "none.csv"])
    with pytest.raises(InputError, match="not a file: give the files in it"):
        read_labels([tmp_path])


def test_columns_and_labels_can_have_other_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "paragraph,class,url\nGive,Donation,x\nMenu,NAV,x\nNews.,Body,x\n?,skip,x\n")
    options = ImportOptions({"text": "paragraph", "label": "class", "document": "url"})
    labels = read_labels([path], options, {"donation": "appeal", "nav": "related"})
    assert labels.documents[0].labels.tolist() == [1, 2, 0, -1]


def test_unknown_labels_are_listed_with_rows_and_the_allowed_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\na,body\nb,donation\nc,menu\nd,donation\n")
    message = r"a\.csv:3: unknown label: 'donation' \(2 rows, first .*a\.csv:3\), 'menu' \(1 rows, first .*a\.csv:4\)"
    with pytest.raises(InputError, match=message + r"; allowed are body, appeal, related: .*--map 'donation=appeal'"):
        read_labels([path])
    with pytest.raises(InputError, match="--map donation=money: 'money' is not one of body, appeal, related"):
        read_labels([path], mapping={"donation": "money"})


def test_positions_order_a_document_and_rows_without_one_have_no_context(tmp_path: Path) -> None:
    rows = HEADER + "second,body,d,2,x.org,en\nfirst,appeal,d,1,x.org,en\nalone,related,,,,\n"
    labels = read_labels([write(tmp_path / "a.csv", rows)])
    assert {d.blocks for d in labels.documents} == {("first", "second"), ("alone",)}
    assert labels.notes.counts == {NO_ORDER: 1}
    document = next(d for d in labels.documents if len(d.blocks) == 2)
    assert (document.site, document.lang) == ("x.org", "en")


def test_gaps_are_noted_and_filled_from_the_documents(tmp_path: Path) -> None:
    rows = HEADER + "Donate now,appeal,d,3,,\nHeadline,body,d,0,,\nNot there,body,d,1,,\n"
    path = write(tmp_path / "a.csv", rows)
    assert GAPS in read_labels([path]).notes.counts
    texts = write(
        tmp_path / "d.jsonl", json.dumps({"id": "d", "text": "Headline\nOne.\nTwo.\nDonate now\nEnd."}) + "\n"
    )
    labels = read_labels([path], ImportOptions(documents=read_texts([texts])))
    whole = next(d for d in labels.documents if len(d.blocks) == 5)
    assert whole.labels.tolist() == [0, -1, -1, 1, -1]
    assert labels.notes.counts == {"block that its document does not hold: context is off for it": 1}


def test_the_same_place_with_two_labels_or_two_texts_is_a_conflict_with_rows(tmp_path: Path) -> None:
    rows = (
        HEADER
        + "Give,appeal,d,0,,\nGive,related,d,0,,\nNews,body,d,1,,\nOther,body,d,1,,\nNews,body,d,2,,\nNews,body,d,2,,\n"
    )
    labels = read_labels([write(tmp_path / "a.csv", rows)])
    assert labels.documents[0].labels.tolist() == [-1, 0]
    assert "a.csv:2 appeal" in labels.conflicts[0]
    assert "a.csv:3 related" in labels.conflicts[0]
    assert "two texts at one place of document 'd'" in labels.conflicts[1]
    assert labels.notes.counts["block that stands twice with the same label: counted once"] == 1


def test_annotators_vote_and_ties_lose_their_label(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    votes = {"Give": ["appeal", "appeal", "related"], "Menu": ["related", "body"]}
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["text", "label", "annotator"])
        table.writerows([text, label, f"p{i}"] for text, given in votes.items() for i, label in enumerate(given))
    labels = read_labels([path])
    by_text: dict[Any, Any] = {d.blocks[0]: d.labels.tolist() for d in labels.documents}
    assert by_text == {"Give": [1], "Menu": [-1]}
    assert len(labels.ties) == 1
    assert "'Menu'" in labels.ties[0]


def test_corrections_of_the_review_page_are_a_table(tmp_path: Path) -> None:
    scores = {"body": 0.9, "appeal": 0.05, "related": 0.05}
    lines = [
        {
            "document": "d",
            "position": i,
            "text": text,
            "label": label,
            "previous": "body",
            "scores": scores,
            "site": "x",
        }
        for i, (text, label) in enumerate([("Headline", "body"), ("Give", "appeal")])
    ]
    path = write(tmp_path / "c.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    labels = read_labels([path])
    assert labels.documents[0].labels.tolist() == [0, 1]
    assert labels.documents[0].site == "x"


def test_authored_documents_and_hydrated_pages_are_read(tmp_path: Path, root: Path) -> None:
    first = next(iter(sorted((root / "data" / "authored").glob("*.jsonl"))))
    labels = read_labels([first])
    assert len(labels.documents) == first.read_text(encoding="utf-8").count("\n")
    view = {"blocks": ["Headline", "Give"], "labels": "ba", "by": "reading"}
    page = {"page": "p", "source": "s", "site": "x", "lang": "en", "views": {"whole": view, "resiliparse": view}}
    pages = write(tmp_path / "pages.jsonl", json.dumps(page) + "\n")
    assert [d.labels.tolist() for d in read_labels([pages]).documents] == [[0, 1], [0, 1]]
    page["views"]["whole"]["labels"] = "bx"  # type: ignore[index]
    with pytest.raises(InputError, match=r"pages\.jsonl:1: view 'resiliparse' needs one label of b, a, r, \? a block"):
        read_labels([write(tmp_path / "pages.jsonl", json.dumps(page) + "\n")])
