"""What must hold for any text and any model: offsets, idempotence, independence from the batch, nothing invented."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unappeal import ParagraphClassifier, filter_text, load_model
from unappeal.blocks import BlockMode, rebuild, split, split_batch
from unappeal.filter import filter_batch

LINES = st.sampled_from(
    [
        "Support us!", "Donate now", "Read more", "Not now", "$5", "Prices rose by 3.5 % in May, the bank said.",
        "«Поддержите нас»", "支持我們", "市長は月曜日、橋の建設を発表した。", "\u200fادعمونا\u200f",
        "תמכו בנו", "สนับสนุนเรา",
        "- [Donate](https://example.org)", "* Home",
        "10\u00a0000\u202f€", "\u200b", "\ufeffBOM", "😀😀", "𠀀", "e\u0301",
        "x" * 400, "The council voted for the bridge after six hours. " * 8,
    ]
)  # fmt: skip
SEPARATORS = st.sampled_from(["\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\f", " \n \n", "\u2028", "\x85", "\n\u00a0\n"])
WRAPPED_LINES = st.integers(50, 74).map(lambda n: ("word " * 20)[:n].strip())

news_like = st.lists(st.tuples(LINES, SEPARATORS), max_size=14).map(lambda parts: "".join(a + b for a, b in parts))
wrapped = st.lists(
    st.tuples(st.lists(WRAPPED_LINES, min_size=2, max_size=6), st.sampled_from(["Donate now", "Short end.", ""])),
    min_size=1,
    max_size=4,
).map(lambda paragraphs: "\n\n".join("\n".join([*lines, end]) for lines, end in paragraphs))
anything = st.text(st.characters(exclude_categories=()), max_size=300)
texts = news_like | wrapped | anything | st.text("ab \n\r\f\u00a0\u200b.", max_size=60)
modes = st.sampled_from(("auto", "line", "blank"))
losses = st.sampled_from((None, 0.0005, 0.002, 0.01, 0.05))


@pytest.fixture(scope="module", params=["tiny", "shipped"])
def model(request: pytest.FixtureRequest, tiny_model: ParagraphClassifier) -> ParagraphClassifier:
    return tiny_model if request.param == "tiny" else load_model()


@given(text=texts, mode=modes)
def test_blocks_are_exact_ordered_apart_and_complete(text: str, mode: BlockMode) -> None:
    at = 0
    outside = []
    for block in split(text, mode):
        assert block.text
        assert text[block.start : block.end] == block.text
        assert block.start >= at
        outside.append(text[at : block.start])
        at = block.end
    outside.append(text[at:])
    assert split("".join(outside)) == []


@given(text=texts, mode=modes, drops=st.lists(st.booleans(), max_size=30))
def test_dropping_blocks_leaves_the_others_in_order_and_adds_nothing(
    text: str, mode: BlockMode, drops: list[bool]
) -> None:
    blocks = split(text, mode)
    keep = [not drop for drop in (drops + [False] * len(blocks))[: len(blocks)]]
    (left,) = rebuild(split_batch([text], mode), ~np.array(keep, dtype=bool))
    rest = iter(text)
    assert all(character in rest for character in left)
    at = 0
    for block, kept in zip(blocks, keep, strict=True):
        if kept:
            at = left.index(block.text, at) + len(block.text)
    if all(keep):
        assert left == text


@given(text=texts, loss=losses)
@example(text="Donate now\r\n\r\nSupport us!\r\n", loss=0.05)
def test_filtering_again_changes_nothing(model: ParagraphClassifier, text: str, loss: float | None) -> None:
    once = filter_text(text, model=model, max_body_loss=loss)
    assert filter_text(once.text, model=model, max_body_loss=loss).text == once.text


@given(text=texts, mode=modes, loss=losses)
def test_blocks_of_the_result_are_those_of_the_text(
    model: ParagraphClassifier, text: str, mode: BlockMode, loss: float | None
) -> None:
    result = filter_text(text, model=model, max_body_loss=loss, blocks=mode)
    assert result.original == text
    assert [(b.text, b.start, b.end) for b in result.blocks] == [(b.text, b.start, b.end) for b in split(text, mode)]
    assert all(block in result.blocks for block in result.removed)
    for block in result.blocks:
        assert block.scores is not None
        assert sum(block.scores.values()) == pytest.approx(1, abs=1e-5)
    if not result.removed:
        assert result.text == text
    if result.flagged:
        assert result.removed == []


@given(documents=st.lists(texts | st.lists(LINES, max_size=5), max_size=6), loss=losses)
def test_a_document_s_result_does_not_depend_on_its_batch(
    model: ParagraphClassifier, documents: Sequence[str | list[str]], loss: float | None
) -> None:
    together = filter_batch(documents, model=model, max_body_loss=loss)
    for i, document in enumerate(documents):
        alone = filter_text(document, model=model, max_body_loss=loss)
        found = together.document(i)
        assert (found.text, found.flagged, found.blocks, found.removed) == (
            alone.text,
            alone.flagged,
            alone.blocks,
            alone.removed,
        )


@given(text=texts)
def test_a_saved_model_gives_what_the_model_gave(tiny_model: ParagraphClassifier, tiny_folder: Path, text: str) -> None:
    assert filter_text(text, model=str(tiny_folder)).blocks == filter_text(text, model=tiny_model).blocks


@given(text=texts)
def test_more_loss_never_keeps_what_less_drops_at_first(model: ParagraphClassifier, text: str) -> None:
    removed = [
        {(b.start, b.end) for b in filter_text(text, model=model, max_body_loss=loss, max_removed=1).removed}
        for loss in (0.0, 0.002)
    ]
    assert removed[0] == set() <= removed[1]


@pytest.mark.slow
@pytest.mark.parametrize("line", ["Support us with money. " * 900_000, "支持我們" * 2_000_000, "\u00a0" * 20_000_000])
def test_a_line_of_20_mb_passes_the_whole_filter(line: str) -> None:
    text = f"The mayor spoke on Monday.\n{line}\nEnd."
    result = filter_text(text)
    assert len(result.blocks) == 2 + (not line.isspace())
    assert result.removed or result.text == text
