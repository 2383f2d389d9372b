"""Charts as inline SVG without a fixed width: lengths are in per cent, so that text keeps its size on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from unappeal.pages.markup import Html, element, join

ROW_PX, BAR_TOP_PX, BAR_PX = 44, 22, 12
PLOT_TOP_PX, PLOT_PX, AXIS_PX = 18, 150, 22
COLUMN_GAP = 0.16
"""Share of a column's room that stays empty."""

MIN_COLUMN_PX = 1.5
"""Height of a column that is not zero: what is rare is still there."""

MAX_NAME_CHARS = 26


@dataclass(frozen=True, slots=True)
class Bar:
    """A row or column: ``values`` has one number for each series, ``note`` is printed with it."""

    name: str
    values: Sequence[float]
    note: str = ""


def bar_chart(title: str, bars: Sequence[Bar], series: Sequence[str], whole: float | None = None) -> Html:
    """Draw lying bars, one below the other, each made of its series.

    ``whole`` is what the full width stands for, and is drawn behind the bars; without it, it is the longest bar.
    """
    width = whole or max((sum(bar.values) for bar in bars), default=0) or 1
    rows = [_svg(ROW_PX, _row(bar, series, width, whole is not None)) for bar in bars]
    return element("div", *rows, class_="chart", role="img", aria_label=_told(title, bars))


def column_chart(title: str, bars: Sequence[Bar], series: Sequence[str], ticks: Sequence[str], unit: str = "") -> Html:
    """Draw standing columns side by side; ``ticks`` are spread evenly below them, from edge to edge."""
    top = _round_up(max((sum(bar.values) for bar in bars), default=0))
    lines = [_grid_line(share, top, unit) for share in (0.0, 0.5, 1.0)]
    columns = [_column(i, bar, series, top, len(bars)) for i, bar in enumerate(bars)]
    labels = [_tick(i, tick, len(ticks)) for i, tick in enumerate(ticks)]
    drawing = _svg(PLOT_TOP_PX + PLOT_PX + AXIS_PX, *lines, *columns, *labels)
    return element("div", drawing, class_="chart", role="img", aria_label=_told(title, bars))


def legend(series: Sequence[str]) -> Html:
    """Name the colours of a chart."""
    keys = [element("li", element("i", class_=f"key {name}"), name) for name in series]
    return element("ul", *keys, class_="legend")


def _svg(height: int, *parts: str) -> Html:
    return element("svg", *parts, width="100%", height=height)


def _told(title: str, bars: Sequence[Bar]) -> str:
    return f"{title}. " + "; ".join(f"{bar.name}: {bar.note}" for bar in bars)


def _row(bar: Bar, series: Sequence[str], whole: float, track: bool) -> Html:
    name = bar.name if len(bar.name) <= MAX_NAME_CHARS else bar.name[: MAX_NAME_CHARS - 1] + "…"
    parts = [
        element("text", name, x=0, y=15, class_="name"),
        element("text", bar.note, x="100%", y=15, text_anchor="end", class_="value"),
    ]
    if track:
        parts.append(element("rect", x=0, y=BAR_TOP_PX, width="100%", height=BAR_PX, class_="track"))
    x = 0.0
    for value, class_ in zip(bar.values, series, strict=True):
        width = 100 * value / whole
        parts.append(element("rect", x=_percent(x), y=BAR_TOP_PX, width=_percent(width), height=BAR_PX, class_=class_))
        x += width
    return element("g", element("title", f"{bar.name}: {bar.note}"), *parts)


def _column(i: int, bar: Bar, series: Sequence[str], top: float, n: int) -> Html:
    room = 100 / n
    x, width = _percent(room * (i + COLUMN_GAP / 2)), _percent(room * (1 - COLUMN_GAP))
    parts, y = [], float(PLOT_TOP_PX + PLOT_PX)
    for value, class_ in zip(bar.values, series, strict=True):
        height = max(PLOT_PX * value / top, MIN_COLUMN_PX) if value else 0.0
        y -= height
        parts.append(element("rect", x=x, y=round(y, 1), width=width, height=round(height, 1), class_=class_))
    return element("g", element("title", f"{bar.name}: {bar.note}"), *parts)


def _grid_line(share: float, top: float, unit: str) -> Html:
    y = PLOT_TOP_PX + PLOT_PX * (1 - share)
    number = f"{top * share:,.6g}{unit}" if share else ""
    return join(
        element("line", x1=0, x2="100%", y1=y, y2=y, class_="grid" if share else "axis"),
        element("text", number, x=0, y=y - 4, class_="tick"),
    )


def _tick(i: int, tick: str, n: int) -> Html:
    anchor = "start" if i == 0 else "end" if i == n - 1 else "middle"
    y = PLOT_TOP_PX + PLOT_PX + 16
    return element("text", tick, x=_percent(100 * i / max(1, n - 1)), y=y, text_anchor=anchor, class_="tick")


def _round_up(value: float) -> float:
    """Give the next number with one simple digit that is not below, so that its half is simple too.

    >>> [_round_up(v) for v in (0, 0.3, 58, 600, 601)]
    [1, 0.4, 60.0, 600.0, 800.0]
    """
    if value <= 0:
        return 1
    unit = 10.0 ** floor(log10(value))
    return next(step * unit for step in (1, 2, 4, 6, 8, 10) if step * unit >= value)


def _percent(value: float) -> str:
    return f"{value:.3f}%"
