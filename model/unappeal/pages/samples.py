"""Documents on the report: their blocks coloured by label, with scores that show on hover, focus and tap."""

from collections.abc import Sequence

from unappeal.blocks import Block
from unappeal.pages.documents import JudgedDocument
from unappeal.pages.markup import Html, element, join

MAX_EXCERPT_CHARS = 320
MAX_SAMPLE_BLOCKS = 400
"""Blocks shown of one document; a page of a whole forum would drown the report."""


def sample(document: JudgedDocument) -> Html:
    """Show a document whole."""
    known = [document.site, document.language, f"{sum(document.removed):,} of {len(document.blocks):,} blocks removed"]
    if document.flagged:
        known.append("flagged, left whole")
    head = element(
        "summary",
        element("span", document.id, class_="id", dir="auto"),
        element("span", " · ".join(filter(None, known)), class_="soft"),
    )
    shown = list(zip(document.blocks, document.removed, strict=True))[:MAX_SAMPLE_BLOCKS]
    more = len(document.blocks) - len(shown)
    rest = element("p", f"and {more:,} more blocks", class_="soft") if more else ""
    return element(
        "details", head, *(_block(block, removed) for block, removed in shown), rest, class_="sample", open=True
    )


def flagged_rows(documents: Sequence[JudgedDocument]) -> Html:
    """List flagged documents with the share of their characters that would have gone."""
    rows = []
    for document in documents:
        chars = [block.end - block.start for block in document.blocks]
        noise = sum(n for n, block in zip(chars, document.blocks, strict=True) if block.label != "body")
        first = document.blocks[0].text if document.blocks else ""
        rows.append(
            element(
                "tr",
                element("th", element("span", document.id, dir="auto"), scope="row"),
                element("td", excerpt(first, 90), dir="auto"),
                element("td", f"{len(document.blocks):,}", class_="number"),
                element("td", f"{100 * noise / max(1, sum(chars)):.0f} %", class_="number"),
            )
        )
    names = ("Document", "First block", "Blocks", "Would go")
    head = element(
        "tr", *(element("th", name, scope="col", class_="number" if i > 1 else None) for i, name in enumerate(names))
    )
    table = element("table", element("thead", head), element("tbody", *rows))
    return element("div", table, class_="wide", role="region", aria_label="Table of flagged documents", tabindex=0)


def excerpt(text: str, n_chars: int = MAX_EXCERPT_CHARS) -> str:
    """Give the beginning of a text.

    >>> excerpt("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= n_chars else text[: n_chars - 1].rstrip() + "…"


def _block(block: Block, removed: bool) -> Html:
    told = ", ".join(f"{label} {score:.2f}" for label, score in (block.scores or {}).items()) or "score not kept"
    fate = "removed" if removed else "kept"
    return element(
        "div",
        element("p", block.text, class_="text", dir="auto"),
        element(
            "p",
            join(element("span", block.label or "", class_=f"tag {block.label}"), f" {fate} · {told}"),
            class_="scores",
        ),
        class_=f"block {fate}",
        data_label=block.label,
        tabindex=0,
    )
