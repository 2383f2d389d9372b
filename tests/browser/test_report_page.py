"""The report in a real browser: every chart drawn, readable at each width, in both schemes and in print."""

from typing import Any

import pytest

from unappeal.blocks import Block
from unappeal.pages.documents import JudgedDocument
from unappeal.pages.report import report_page
from unappeal.pages.run_data import RunData

PHONE = {"width": 390, "height": 844}

DRAWN = """all => all.map((svg) => {
  const frame = svg.getBoundingClientRect();
  const marks = [...svg.querySelectorAll("rect:not(.track)")].map((rect) => rect.getBoundingClientRect());
  const texts = [...svg.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
  return {
    width: frame.width,
    marks: marks.filter((mark) => mark.width > 0 && mark.height > 0).length,
    inside: [...marks, ...texts].every((box) => box.left >= frame.left - 1 && box.right <= frame.right + 1),
  };
})"""


@pytest.fixture(scope="module")
def report(judged: list[JudgedDocument]) -> str:
    """A report on authored documents, one of them flagged."""
    first = judged[0]
    flagged = JudgedDocument(
        "flagged </style><script>alert(1)</script>", None, None, None, first.blocks, (False,) * len(first.blocks), True
    )
    return report_page(RunData.of([*judged, flagged], "Authored", {"model": "news"}))


@pytest.mark.parametrize("width", [1280, 390])
def test_every_chart_is_drawn_within_the_page(open_page: Any, report: str, width: int) -> None:
    page = open_page(report, viewport={"width": width, "height": 900})
    charts = page.locator(".chart")
    assert charts.count() == 7
    for i in range(charts.count()):
        drawings = charts.nth(i).locator("svg").evaluate_all(DRAWN)
        assert all(drawing["marks"] >= 1 for drawing in drawings[:2]), page.get_attribute(".chart", "aria-label")
        assert all(drawing["inside"] for drawing in drawings)
        assert charts.nth(i).get_attribute("aria-label")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("script").count() == 0
    assert page.locator(".sample").count() == 20


def test_scores_show_on_hover_and_focus(open_page: Any, report: str) -> None:
    page = open_page(report)
    block = page.locator(".sample .block.removed").first
    scores = block.locator(".scores")
    assert scores.is_hidden()
    block.hover()
    assert scores.is_visible()
    page.mouse.move(0, 0)
    block.focus()
    assert scores.is_visible()
    assert "body 0." in scores.text_content()


def test_print_tells_what_hover_tells(open_page: Any, report: str) -> None:
    page = open_page(report, viewport=PHONE)
    page.emulate_media(media="print")
    assert page.locator(".sample .block.removed .scores").first.is_visible()
    assert page.locator(".frequent ul").first.is_visible()
    assert len(page.pdf(format="A4")) > 10_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_in_both_schemes(open_page: Any, violations: Any, report: str, scheme: str) -> None:
    assert violations(open_page(report, color_scheme=scheme)) == []


def test_a_run_that_removed_nothing_has_a_report(open_page: Any) -> None:
    block = Block("Prices rose.", 0, 12, "body", {"body": 1.0, "appeal": 0.0, "related": 0.0})
    kept = JudgedDocument("a", None, None, None, (block,), (False,), flagged=False)
    page = open_page(report_page(RunData.of([kept], "Quiet")))
    assert "No document lost anything." in page.text_content("main")
