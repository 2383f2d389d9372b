"""Stand-off labels get their texts back: by hash, wherever the page went, and never by guessing."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from unappeal.cli import main
from unappeal.errors import InputError
from unappeal_training.dataset import annotation_files, block_key, keys_of, read_pages
from unappeal_training.hydrate import hydrate

pytest.importorskip("resiliparse")
pytest.importorskip("trafilatura")

STORY = [
    "The town council voted on Monday evening to close the old swimming pool and to sell its land to a builder.",
    "Residents who had gathered outside the hall said they would go to court, as they had done twice before.",
    "The mayor told reporters that the pool had lost money every year since the new motorway was opened.",
]
HTML = (
    "<html><head><title>Pool</title></head><body><nav><a href='/a'>Sports pages</a></nav>"
    "<article><h1>Pool to close</h1>"
    + "".join(f"<p>{p}</p>" for p in STORY)
    + "<p>Support our newsroom with five euros a month</p></article></body></html>"
)
PAGE = "pages/2024/pool.html"


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    folder = tmp_path / "annotations"
    folder.mkdir()
    record = {
        "page": PAGE,
        "site": "example.org",
        "lang": "en",
        "body": "".join(block_key(text) for text in ["Pool to close", *STORY]),
        "appeal": block_key("Support our newsroom with five euros a month"),
        "related": block_key("Sports pages"),
    }
    (folder / "town.jsonl").write_text(json.dumps(record) + "\n")
    return folder


def checkout(tmp_path: Path, page: str, html: str | bytes) -> Path:
    path = tmp_path / "clone" / page
    path.parent.mkdir(parents=True)
    path.write_bytes(html if isinstance(html, bytes) else html.encode())
    return tmp_path / "clone"


def labels_by_text(path: Path) -> dict[str, int]:
    return {
        t: n for d in read_pages(path, path.with_name("none")) for t, n in zip(d.blocks, d.labels.tolist(), strict=True)
    }


@pytest.mark.parametrize("name", [PAGE, f"{PAGE}.gz"])
def test_a_page_where_it_was_is_found_plain_or_compressed(tmp_path: Path, annotations: Path, name: str) -> None:
    content = gzip.compress(HTML.encode()) if name.endswith(".gz") else HTML
    output = tmp_path / "pages.jsonl.gz"
    report = hydrate({"town": checkout(tmp_path, name, content)}, output, annotations)["town"]
    assert report.pages == {"found": [PAGE], "moved": [], "changed": [], "missing": []}
    found = labels_by_text(output)
    assert found[STORY[0]] == 0
    assert found["Support our newsroom with five euros a month"] == 1
    assert found["Sports pages"] == 2
    assert {d.view for d in read_pages(output, tmp_path / "none")} == {"whole", "resiliparse", "trafilatura"}


def test_a_moved_page_is_recognised_by_its_story_and_a_changed_one_is_not_taken(
    tmp_path: Path, annotations: Path
) -> None:
    clone = checkout(tmp_path, "archive/pool.html", HTML)
    other = clone / "aaa" / "pool.html"
    other.parent.mkdir()
    other.write_text(HTML.replace("e", "o"))
    output = tmp_path / "pages.jsonl.gz"
    assert hydrate({"town": clone}, output, annotations)["town"].pages["moved"] == [PAGE]
    assert labels_by_text(output)[STORY[1]] == 0
    (clone / "archive" / "pool.html").unlink()
    report = hydrate({"town": clone}, output, annotations)["town"]
    assert report.pages["missing"] == [PAGE]
    assert labels_by_text(output) == {}


def test_another_text_at_the_same_path_has_changed(tmp_path: Path, annotations: Path) -> None:
    clone = checkout(tmp_path, PAGE, "<html><body><nav>Sports pages</nav><p>Something else entirely.</p></body></html>")
    assert hydrate({"town": clone}, tmp_path / "p.jsonl.gz", annotations)["town"].pages["changed"] == [PAGE]


def test_a_damaged_file_is_a_problem_of_its_own(tmp_path: Path, annotations: Path) -> None:
    clone = checkout(tmp_path, f"{PAGE}.gz", gzip.compress(HTML.encode())[:60])
    report = hydrate({"town": clone}, tmp_path / "p.jsonl.gz", annotations)["town"]
    assert report.pages["changed"] == [PAGE]
    assert "pool.html.gz: cannot be read" in report.problems[0]


def test_blocks_without_a_key_have_no_label(tmp_path: Path, annotations: Path) -> None:
    output = tmp_path / "pages.jsonl.gz"
    hydrate({"town": checkout(tmp_path, PAGE, HTML.replace("Sports pages", "Other pages"))}, output, annotations)
    assert labels_by_text(output)["Other pages"] == -1


def test_the_same_checkout_gives_the_same_bytes_and_leaves_nothing_else(tmp_path: Path, annotations: Path) -> None:
    clone = checkout(tmp_path, PAGE, HTML)
    outputs = [tmp_path / f"out{i}" / "pages.jsonl.gz" for i in range(2)]
    for output in outputs:
        output.parent.mkdir()
        hydrate({"town": clone}, output, annotations)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert list(outputs[0].parent.iterdir()) == [outputs[0]]


def test_how_a_view_was_labelled_is_taken_from_the_annotation(tmp_path: Path, annotations: Path) -> None:
    record = {**json.loads((annotations / "town.jsonl").read_text()), "by": {"resiliparse": "reading"}}
    (annotations / "town.jsonl").write_text(json.dumps(record) + "\n")
    output = tmp_path / "pages.jsonl.gz"
    hydrate({"town": checkout(tmp_path, PAGE, HTML)}, output, annotations)
    trusted = {d.view: d.trusted for d in read_pages(output, tmp_path / "none")}
    assert trusted == {"resiliparse": True, "trafilatura": False, "whole": False}


def test_unknown_sources_and_folders_are_named(tmp_path: Path, annotations: Path) -> None:
    with pytest.raises(InputError, match="no annotations of a source 'city': there are town"):
        hydrate({"city": tmp_path}, tmp_path / "p.jsonl.gz", annotations)
    with pytest.raises(InputError, match="the checkout of town is no folder: clone its repository"):
        hydrate({"town": tmp_path / "none"}, tmp_path / "p.jsonl.gz", annotations)


def test_the_command_reports_and_exits_with_1_when_pages_are_missing(
    tmp_path: Path, annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = checkout(tmp_path, PAGE, HTML)
    command = [
        "hydrate",
        "--annotations",
        str(annotations),
        "-o",
        str(tmp_path / "p.jsonl.gz"),
        "--checkout",
        f"town={clone}",
    ]
    assert main(command) == 0
    assert "6 of 6 (100.0 %)" in capsys.readouterr().out
    (clone / PAGE).unlink()
    assert main(command) == 1
    assert f"missing: {PAGE}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "p.jsonl.gz"], "--checkout NAME=DIR is missing"),
        (["-o", "p.jsonl", "--checkout", "town=x"], "name a .jsonl.gz"),
        (["-o", "p.jsonl.gz", "--checkout", "town"], "--checkout takes NAME=VALUE, not 'town'"),
        (["-o", "p.jsonl.gz", "--checkout", "town=x", "--jobs", "0"], "--jobs must be 1 or more, not 0"),
    ],
)
def test_wrong_options_end_in_2(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hydrate", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.shared
def test_pages_of_the_shared_folder_get_their_labels_back(tmp_path: Path, shared: Path) -> None:
    wanted: dict[str, Any] = {}
    folder = tmp_path / "few"
    folder.mkdir()
    for name, path in annotation_files().items():
        lines = path.read_text().splitlines()[:: 150 if name == "fundus" else 400]
        (folder / path.name).write_text("\n".join(lines) + "\n")
        wanted[name] = shared / "real" / "html" / name
    reports = hydrate(wanted, tmp_path / "pages.jsonl.gz", folder)
    assert all(not report.pages["missing"] for report in reports.values())
    assert sum(r.n_found for r in reports.values()) > 0.8 * sum(r.n_keys for r in reports.values())
    assert len(read_pages(tmp_path / "pages.jsonl.gz", tmp_path / "none")) > 0


def test_keys_are_cut_from_the_joined_strings() -> None:
    assert keys_of({"body": "a" * 10 + "b" * 10, "appeal": "", "related": "c" * 10}) == {
        "a" * 10: "b",
        "b" * 10: "b",
        "c" * 10: "r",
    }
