"""The review page in a real browser: label, undo, reload, export, and what a person meets on the way."""

import json
from pathlib import Path
from typing import Any

import pytest

from unappeal import load_model
from unappeal.blocks import Block
from unappeal.cli import main
from unappeal.pages.documents import JudgedDocument
from unappeal.pages.review import review_page

PHONE = {"width": 390, "height": 844}
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "\"quoted\" & 'single' <b>",
    "a\u2028b\u2029c",
    "\u05e9\u05dc\u05d5\u05dd \u202eabc",
    "lone \ud800 half",
    "<!-- <script>",
    "\U0001d518 \U0001f469\u200d\U0001f467",
)
BODY = {"body": 0.9, "appeal": 0.06, "related": 0.04}
DOUBT = {"body": 0.4, "appeal": 0.25, "related": 0.35}
LABELLED = {"body", "appeal", "related"}
FAST = [f"--set={s}" for s in ("min_sites=2", "word_epochs=2", "reader_epochs=2", "judge_epochs=2", "members=1")]
APPEAL = {"body": 0.1, "appeal": 0.85, "related": 0.05}


def document(name: str, *blocks: tuple[str, str, dict[str, float]], site: str | None = "a.example") -> JudgedDocument:
    """Make a document of (text, label, scores)."""
    made, start = [], 0
    for text, label, scores in blocks:
        made.append(Block(text, start, start + len(text), label, scores))
        start += len(text) + 2
    removed = tuple(block.label != "body" for block in made)
    return JudgedDocument(name, site, "en" if site else None, None, tuple(made), removed, flagged=False)


@pytest.fixture(scope="module")
def small() -> str:
    """Two documents of three and four blocks; "Read on" stands in both."""
    return review_page(
        [
            document(
                "one", ("Prices rose.", "body", BODY), ("Give today", "appeal", APPEAL), ("Read on", "related", DOUBT)
            ),
            document(
                "two", ("A", "body", BODY), ("Rain fell on Monday.", "body", BODY), ("Read on", "body", DOUBT),
                ("Join us", "appeal", APPEAL), site=None,
            ),
        ],
        title="Small",
    )  # fmt: skip


def label_of(page: Any, index: int) -> str:
    return str(page.get_attribute(f"#b{index}", "data-label"))


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id"))


def export(page: Any) -> list[dict[str, Any]]:
    with page.expect_download() as download:
        page.click("#export")
    assert download.value.suggested_filename == "corrections.jsonl"
    return [json.loads(line) for line in Path(download.value.path()).read_text(encoding="utf-8").splitlines()]


def test_keys_label_a_block_and_go_on(open_page: Any, small: str) -> None:
    page = open_page(small)
    page.focus("#b0")
    page.keyboard.press("a")
    assert label_of(page, 0) == "appeal"
    assert focused(page) == "b1"
    assert page.text_content("#live").startswith("Block 1 labelled appeal.")
    page.keyboard.press("Enter")
    assert (label_of(page, 1), page.get_attribute("#b1", "data-state")) == ("appeal", "confirmed")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert focused(page) == "b2"
    assert page.text_content("#export") == "Export 2 labels"


def test_undo_redo_and_taking_a_label_away(open_page: Any, small: str) -> None:
    page = open_page(small)
    page.focus("#b0")
    for key in ("r", "r", "Control+z", "u"):
        page.keyboard.press(key)
    assert [label_of(page, i) for i in range(3)] == ["body", "appeal", "related"]
    assert focused(page) == "b0"
    page.keyboard.press("Shift+U")
    assert label_of(page, 0) == "related"
    page.focus("#b0")
    page.keyboard.press("Delete")
    assert (label_of(page, 0), page.is_disabled("#export")) == ("body", True)


def test_work_outlives_a_reload_and_can_still_be_undone(open_page: Any, small: str) -> None:
    page = open_page(small)
    page.focus("#b0")
    page.keyboard.press("r")
    page.keyboard.press("b")
    page.reload()
    assert [label_of(page, i) for i in range(2)] == ["related", "body"]
    page.focus("#b0")
    page.keyboard.press("u")
    assert [label_of(page, i) for i in range(2)] == ["related", "appeal"]


def test_two_tabs_show_the_same_work(open_page: Any, small: str) -> None:
    page = open_page(small)
    other = page.context.new_page()
    other.goto(page.url)
    page.focus("#b0")
    page.keyboard.press("r")
    other.wait_for_selector('#b0[data-label="related"]')


def test_a_browser_that_keeps_nothing_is_told_of(open_page: Any, small: str) -> None:
    page = open_page(small, before="Storage.prototype.setItem = () => { throw new Error('full'); }")
    assert page.is_hidden("#warning")
    page.focus("#b0")
    page.keyboard.press("r")
    assert page.is_visible("#warning")
    assert len(export(page)) == 3


def test_same_text_and_rest_of_document_are_one_step_each(open_page: Any, small: str) -> None:
    page = open_page(small)
    page.focus("#b2")
    page.keyboard.press("Shift+R")
    assert [label_of(page, i) for i in (2, 5)] == ["related", "related"]
    page.focus("#b3")
    page.keyboard.press("d")
    assert [page.get_attribute(f"#b{i}", "data-state") for i in range(3, 7)] == ["confirmed"] * 2 + [
        "changed",
        "confirmed",
    ]
    page.keyboard.press("u")
    assert page.text_content("#export") == "Export 2 labels"
    page.keyboard.press("u")
    assert [label_of(page, i) for i in (2, 5)] == ["related", "body"]


def test_filters_order_and_search(open_page: Any, small: str) -> None:
    page = open_page(small)

    def shown() -> list[str]:
        return [str(each) for each in page.eval_on_selector_all(".block", "all => all.map((each) => each.id)")]

    for choice, expected in (("removed", ["b1", "b2", "b6"]), ("body", ["b0", "b3", "b4", "b5"]), ("mine", [])):
        page.select_option("#show", choice)
        assert shown() == expected
    assert page.is_visible("#empty")
    page.select_option("#show", "doubtful")
    page.select_option("#order", "doubt")
    assert shown()[:2] == ["b2", "b5"]  # its label is less probable than another one
    assert page.text_content("#b5 .before") == "Rain fell on Monday."
    page.select_option("#show", "all")
    page.fill("#search", "MONDAY")
    page.wait_for_selector("mark")
    assert (shown(), page.text_content("mark"), page.text_content("#count")) == (["b4"], "Monday", "1 block")


def test_keys_do_nothing_while_a_search_is_typed(open_page: Any, small: str) -> None:
    page = open_page(small)
    page.focus("#b0")
    page.keyboard.press("/")
    page.keyboard.type("bar")
    assert page.is_disabled("#export")
    assert page.input_value("#search") == "bar"


def test_next_doubtful_skips_what_is_labelled(open_page: Any, small: str) -> None:
    page = open_page(small)
    page.focus("#b0")
    page.keyboard.press("n")
    first = focused(page)
    page.keyboard.press("b")
    page.keyboard.press("n")
    assert focused(page) not in (first, "b0")


def test_hostile_text_is_shown_and_exported_as_it_is(open_page: Any) -> None:
    blocks = [(text, "body", BODY) for text in HOSTILE]
    page = open_page(review_page([document(HOSTILE[0], *blocks)], title=HOSTILE[0], model=HOSTILE[1]))
    assert page.text_content("h1") == HOSTILE[0]
    assert page.locator("img").count() == 0
    assert page.get_attribute("#b3 .text", "dir") == "auto"
    page.focus("#b0")
    page.keyboard.press("d")
    rows = export(page)
    assert [row["text"] for row in rows] == list(HOSTILE)
    assert rows[0]["document"] == HOSTILE[0]


def test_export_is_what_train_takes(open_page: Any, small: str, tmp_path: Path) -> None:
    page = open_page(small)
    page.focus("#b4")
    page.keyboard.press("a")
    rows = export(page)
    assert [(row["document"], row["position"], row["label"]) for row in rows] == [
        ("two", 0, None), ("two", 1, "appeal"), ("two", 2, None), ("two", 3, None)
    ]  # fmt: skip
    assert rows[1] == {
        "document": "two",
        "position": 1,
        "text": "Rain fell on Monday.",
        "label": "appeal",
        "previous": "body",
        "scores": BODY,
    }
    from unappeal_training.labelled import read_labels

    path = tmp_path / "corrections.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    labels = read_labels([path])
    assert labels.n_blocks == 1
    assert labels.documents[0].blocks == ("A", "Rain fell on Monday.", "Read on", "Join us")
    assert labels.documents[0].labels.tolist() == [-1, 1, -1, -1]
    assert labels.notes.counts == {}


def test_train_takes_a_review_of_whole_documents(
    open_page: Any, judged: list[JudgedDocument], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = sorted((d for d in judged if {b.label for b in d.blocks} == LABELLED), key=lambda d: len(d.blocks))[:16]
    page = open_page(review_page(chosen, title="Sixteen"))
    page.evaluate("document.querySelectorAll('.accept').forEach((each) => each.click())")
    rows = export(page)
    assert [row["label"] for row in rows] == [block.label for document in chosen for block in document.blocks]
    path = tmp_path / "corrections.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert main(["train", str(path), "--base=none", "--force", "--jobs=1", "-o", str(tmp_path / "mine"), *FAST]) == 0
    assert f"read 1 file: 16 documents, 2 sites, {len(rows)} labelled blocks" in capsys.readouterr().err
    assert load_model(tmp_path / "mine").metadata_["training"]["documents"] == 16


def test_the_help_on_a_phone_opens_at_its_top(open_page: Any, small: str) -> None:
    page = open_page(small, viewport=PHONE, has_touch=True, is_mobile=True)
    page.tap('[data-do="help"]')
    assert (focused(page), page.evaluate("document.getElementById('help').scrollTop")) == ("help-title", 0)
    assert page.evaluate("document.getElementById('help').scrollHeight") > PHONE["height"] / 2


def test_a_phone_labels_by_touch(open_page: Any, small: str) -> None:
    page = open_page(small, viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.tap("#b1")
    page.tap('[data-do="related"]')
    assert label_of(page, 1) == "related"
    page.tap('[data-do="undo"]')
    assert label_of(page, 1) == "appeal"
    sizes = page.eval_on_selector_all(".bar button", "all => all.map((each) => each.getBoundingClientRect().height)")
    assert min(sizes) >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_in_both_schemes(open_page: Any, violations: Any, small: str, scheme: str) -> None:
    page = open_page(small, color_scheme=scheme)
    page.focus("#b0")
    page.keyboard.press("r")
    assert violations(page) == []
    page.select_option("#order", "doubt")
    page.focus('.block[tabindex="0"]')
    page.keyboard.press("?")
    assert violations(page) == []
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_what_is_out_of_sight_is_not_labelled(open_page: Any, judged: list[JudgedDocument]) -> None:
    page = open_page(review_page(judged[:20], title="Twenty"))
    page.focus("#b0")
    page.evaluate("scrollTo(0, 4000)")
    page.keyboard.press("r")
    assert (page.is_disabled("#export"), focused(page)) == (True, "b0")
    page.keyboard.press("r")
    assert label_of(page, 0) == "related"


FRAMES = """async (pixels) => {
  const times = [];
  let last = performance.now();
  await new Promise((done) => {
    const frame = (now) => {
      times.push(now - last);
      last = now;
      scrollBy(0, pixels);
      if (times.length < 120) requestAnimationFrame(frame);
      else done();
    };
    requestAnimationFrame(frame);
  });
  return times.slice(1).sort((a, b) => a - b);
}"""


KEY = """() => {
  const from = performance.now();
  ACTIONS.appeal();
  document.body.getBoundingClientRect();
  return performance.now() - from;
}"""


def test_ten_thousand_blocks_scroll_smoothly(
    open_page: Any, judged: list[JudgedDocument], record_property: Any
) -> None:
    many = (judged * 10_000)[: 10_000 // 15]
    n_blocks = sum(len(each.blocks) for each in many)
    assert n_blocks > 10_000
    page = open_page(review_page(many, title="Many"))
    load_ms = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    times = page.evaluate(FRAMES, 300)
    page.evaluate("goTo(9000)")
    assert focused(page) == "b9000"
    key_ms = page.evaluate(KEY)
    figures = {"load": load_ms, "median": times[len(times) // 2], "p95": times[int(0.95 * len(times))]}
    figures |= {"max": times[-1], "key": key_ms}
    print({name: f"{value:.0f} ms" for name, value in figures.items()})
    # Smooth is 17 ms; the bounds leave room for a machine that is busy and draws without a graphics card.
    assert figures["median"] < 50
    assert figures["p95"] < 250
    assert figures["key"] < 200
    assert figures["load"] < 6000
