"""The page about a filter run: what was removed, where, how surely, and how it looks in documents. It has no script."""

from collections import Counter
from collections.abc import Mapping, Sequence

from unappeal.corpus.tally import SCORE_BINS
from unappeal.labels import LABELS, Label
from unappeal.pages.charts import Bar, bar_chart, column_chart, legend
from unappeal.pages.markup import Html, asset, element, join, page
from unappeal.pages.run_data import TENTHS, RepeatedBlock, RunData, Share
from unappeal.pages.samples import excerpt, flagged_rows, sample

NOISE = (str(Label.APPEAL), str(Label.RELATED))
MAX_BARS = 15
MAX_FREQUENT = 30


def report_page(data: RunData) -> str:
    """Give the page."""
    parts = (
        _head(data),
        _section("by-label", "By label", _labels_chart(data.total)),
        _section("by-site", "By site", _shares("Removed by site", data.sites, "sites")),
        _section("by-language", "By language", _shares("Removed by language", data.languages, "languages")),
        _section("by-position", "By position in the document", _positions_chart(data.positions)),
        _section("scores", "How sure the model was", _scores_charts(data)),
        _section("flagged", "Flagged documents", _flagged(data)),
        _section("frequent", "Most frequent removed blocks", _frequent(data.frequent(MAX_FREQUENT))),
        _section("samples", "Sampled documents", _samples(data)),
    )
    body = element("main", *parts)
    return page(f"Report: {data.name}", body, style=asset("base.css") + asset("report.css"))


def _head(data: RunData) -> Html:
    total = data.total
    figures = (
        (f"{total.documents:,}", "documents", f"{data.changed:,} lost something"),
        (f"{total.removed_blocks.total():,}", "blocks removed", f"of {total.blocks:,}"),
        (percent(total.removed_share), "of the characters", f"{total.removed_chars.total():,} of {total.chars:,}"),
        (f"{data.flagged:,}", "documents flagged", "left whole by the guard"),
    )
    cards = [
        element("div", element("dt", name), element("dd", number), element("dd", detail, class_="soft"))
        for number, name, detail in figures
    ]
    settings = " · ".join(f"{key} {value}" for key, value in data.settings.items())
    return element(
        "header",
        element("p", "unappeal run report", class_="kicker"),
        element("h1", data.name, dir="auto"),
        element("p", settings, class_="soft") if settings else "",
        element("dl", *cards, class_="figures"),
    )


def _section(name: str, title: str, *content: str) -> Html:
    return element("section", element("h2", title, id=name), *content, aria_labelledby=name)


def _note(text: str) -> Html:
    return element("p", text, class_="soft note")


def _labels_chart(total: Share) -> Html:
    kept = total.chars - total.removed_chars.total()
    bars = []
    for label, chars, blocks in (
        (str(Label.BODY), kept, total.blocks - total.removed_blocks.total()),
        *((label, total.removed_chars[label], total.removed_blocks[label]) for label in NOISE),
    ):
        name = "kept" if label == Label.BODY else label
        note = f"{percent(chars / max(1, total.chars))} · {blocks:,} blocks"
        bars.append(Bar(name, [chars if label == series else 0 for series in LABELS], note))
    note = _note("Share of all characters.")
    return join(note, bar_chart("Characters kept and removed by label", bars, LABELS, whole=max(1, total.chars)))


def _shares(title: str, shares: Mapping[str, Share], noun: str) -> Html:
    """Draw the share that went from each group; the groups that lost most characters come first."""
    ranked = sorted(shares.items(), key=lambda item: (-item[1].removed_chars.total(), item[0]))
    bars = [
        Bar(name, _removed_shares(share), f"{percent(share.removed_share)} · {plural(share.documents, 'document')}")
        for name, share in ranked[:MAX_BARS]
    ]
    more = len(ranked) - len(bars)
    note = f"Share of the characters removed; the {len(bars)} {noun} that lost most, of {len(ranked)}." if more else (
        "Share of the characters removed."
    )  # fmt: skip
    return join(_note(note), legend(NOISE), bar_chart(title, bars, NOISE))


def _positions_chart(positions: Sequence[Share]) -> Html:
    bars = [
        Bar(f"{i * 100 // TENTHS} to {(i + 1) * 100 // TENTHS} %", [100 * v for v in _removed_shares(share)],
            f"{percent(share.removed_share)} removed")
        for i, share in enumerate(positions)
    ]  # fmt: skip
    chart = column_chart("Share removed by position in the document", bars, NOISE, ("start", "middle", "end"), " %")
    return join(_note("Share of the characters removed in each tenth of the documents."), legend(NOISE), chart)


def _scores_charts(data: RunData) -> Html:
    figures = []
    for label, counts in data.scores.items():
        bars = [
            Bar(f"{i / SCORE_BINS:.2f} to {(i + 1) / SCORE_BINS:.2f}", [count], plural(count, "block"))
            for i, count in enumerate(counts)
        ]
        chart = column_chart(f"Scores of {label} blocks", bars, (label,), ("0", "0.5", "1"))
        caption = join(element("span", label, class_=f"tag {label}"), f" {plural(sum(counts), 'block')}")
        figures.append(element("figure", element("figcaption", caption), chart))
    note = "Blocks by the probability of the label they were given; body is what was kept."
    return join(_note(note), element("div", *figures, class_="multiples"))


def _flagged(data: RunData) -> Html:
    if not data.flagged_documents:
        return _note("None: no document would have lost more than the guard allows.")
    more = data.flagged - len(data.flagged_documents)
    intro = "Left whole, because more of them would have gone than the guard allows."
    return join(_note(intro), flagged_rows(data.flagged_documents), _note(f"and {more:,} more.") if more else "")


def _frequent(blocks: Sequence[RepeatedBlock]) -> Html:
    if not blocks:
        return _note("None: no removed text stood more than once.")
    items = []
    for block in blocks:
        count = element("span", f"{block.n_documents:,}", class_="count")
        text = element("p", excerpt(block.text), class_="text", dir="auto")
        items.append(element("li", count, text, _tags(block.labels), _where(block)))
    note = _note("Removed texts by the number of documents they stood in.")
    return join(note, element("ol", *items, class_="frequent"))


def _where(block: RepeatedBlock) -> Html:
    named = [element("li", document, dir="auto") for document in block.documents]
    more = block.n_documents - len(named)
    if more:
        named.append(element("li", f"and {more:,} more"))
    return element("details", element("summary", f"{block.labels.total():,} times in all"), element("ul", *named))


def _tags(labels: Counter[str]) -> Html:
    several = len(labels) > 1
    tags = [
        element("span", f"{label} {count:,}" if several else label, class_=f"tag {label}")
        for label, count in labels.most_common()
    ]
    return element("span", *tags, class_="tags")


def _samples(data: RunData) -> Html:
    if not data.samples:
        return _note("No document lost anything.")
    n = len(data.samples)
    intro = (
        f"{plural(n, 'document')} at random of the {data.changed + data.flagged:,} that lost something or were flagged."
    )
    hint = " Point at a block, or tap it, for its scores."
    return join(_note(intro + hint), *(sample(document) for document in data.samples))


def _removed_shares(share: Share) -> list[float]:
    return [share.removed_chars[label] / max(1, share.chars) for label in NOISE]


def percent(share: float) -> str:
    """Give a share for people.

    >>> percent(0.1234), percent(0.00042)
    ('12.3 %', '0.04 %')
    """
    return f"{100 * share:.2f} %" if 0 < share < 0.01 else f"{100 * share:.1f} %"


def plural(n: int, noun: str) -> str:
    """Give a number with its noun."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
