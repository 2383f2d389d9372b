"""HTML of the pages: everything is escaped, charts say what they draw."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unappeal.pages.charts import Bar, bar_chart, column_chart
from unappeal.pages.markup import Html, element, escape, page, script_json

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_json_in_a_script_reads_back_and_holds_no_markup(text: str) -> None:
    source = script_json({"text": text})
    assert json.loads(source) == {"text": text}
    assert not re.search("[<>&\u2028\u2029\ud800-\udfff]", source)


@given(ANY_TEXT)
def test_escaped_text_has_no_markup_and_can_be_encoded(text: str) -> None:
    assert not re.search("[<>\"']", escape(text).encode().decode())


def test_html_is_not_escaped_again() -> None:
    assert element("p", element("b", "1 < 2")) == "<p><b>1 &lt; 2</b></p>"
    assert escape(Html("<br/>")) == "<br/>"


def test_a_page_without_script_allows_none() -> None:
    assert "script-src 'none'" in page("T", Html("<p>x</p>"), style="")


def test_a_page_with_a_script_allows_this_one_only() -> None:
    made = page("</title>", "", style="", script="let a;", data=["</script>"])
    assert made.count("</script>") == 2
    assert re.search(r"script-src 'sha256-[\w+/]{43}='", made)
    assert "<title>&lt;/title&gt;</title>" in made


def widths(chart: str, series: str) -> list[float]:
    return [float(width) for width in re.findall(rf'width="([\d.]+)%"[^>]* class="{series}"', chart)]


def test_bars_are_as_long_as_their_values() -> None:
    chart = bar_chart("T", [Bar("a", [1, 1]), Bar("b", [3, 1])], ("appeal", "related"))
    assert widths(chart, "appeal") == [25, 75]
    assert widths(bar_chart("T", [Bar("a", [1])], ("appeal",), whole=4), "appeal") == [25]


def test_a_column_that_is_nearly_nothing_can_be_seen() -> None:
    chart = column_chart("T", [Bar("a", [100_000]), Bar("b", [1]), Bar("c", [0])], ("body",), ("0", "1"))
    heights = [float(height) for height in re.findall(r'height="([\d.]+)" class="body"', chart)]
    assert heights == [150, 1.5, 0]


@pytest.mark.parametrize("chart", [bar_chart, lambda title, bars, series: column_chart(title, bars, series, ("0",))])
def test_charts_of_nothing_and_of_zeros(chart: object) -> None:
    assert callable(chart)
    assert 'aria-label="T. "' in chart("T", [], ("body",))
    assert "NaN" not in chart("T", [Bar("<a>", [0])], ("body",))
