"""The filter's contract: what is dropped, what stays, what comes with it, and who is to blame for bad arguments."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import unappeal
from unappeal import Block, ParagraphClassifier, filter_documents, filter_frame, filter_text
from unappeal.classifier import Reading
from unappeal.context import F32
from unappeal.filter import BATCH_CHARS, DEFAULT_MAX_REMOVED, filter_batch, in_batches
from unappeal.operating_point import OperatingPoint

STORY = "The council met on Monday and voted for the bridge, which will cost less than the ferry did."
TEXT = f"A!\n\n{STORY}\n\nB!\n\n{STORY} Again, said the mayor.\r\n \nC!\n"


class ByLength(ParagraphClassifier):
    """Takes every block of up to `limit` characters for an appeal, and nothing else; for tests of the filter alone."""

    limit = 2

    def judged_as_read(
        self, read: Reading, first: npt.NDArray[np.int64], rows: npt.NDArray[np.bool_] | None = None
    ) -> F32:
        chars = read.evidence.chars if rows is None else read.evidence.chars[rows]
        appeal = np.where(chars <= self.limit, 1 - 1e-6, 1e-6).astype(np.float32)
        return np.stack((1 - appeal, appeal, np.zeros_like(appeal)), axis=1)


@pytest.fixture(scope="module")
def by_length(tiny_model: ParagraphClassifier) -> ByLength:
    point = OperatingPoint((0.002, 0.005), (0.0, -1.0), 0.002, 2.0, 1.0)
    return ByLength.from_arrays(tiny_model.evidence_, tiny_model.reader_, tiny_model.judge_, point, {})


def test_noise_goes_and_the_story_stays_with_its_separators(by_length: ByLength) -> None:
    result = filter_text(TEXT, model=by_length)
    assert result.text == f"{STORY}\n\n{STORY} Again, said the mayor.\n"
    assert not result.flagged


def test_every_block_is_reported_with_its_place_and_scores(by_length: ByLength) -> None:
    result = filter_text(TEXT, model=by_length)
    assert [block.label for block in result.blocks] == ["appeal", "body", "appeal", "body", "appeal"]
    for block in result.blocks:
        assert result.original[block.start : block.end] == block.text
        assert block.scores is not None
        assert list(block.scores) == ["body", "appeal", "related"]
        assert sum(block.scores.values()) == pytest.approx(1)


def test_what_was_removed_can_be_put_back(by_length: ByLength) -> None:
    result = filter_text(TEXT, model=by_length)
    assert result.original == TEXT
    assert [block.text for block in result.removed] == ["A!", "B!", "C!"]
    assert "removed=3" in repr(result)


def test_a_document_that_loses_nothing_is_byte_identical(by_length: ByLength) -> None:
    text = f"\ufeff\r\n {STORY}\u00a0\r\n\f{STORY}  \u200b"
    result = filter_text(text, model=by_length)
    assert result.text == text
    assert result.removed == []


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b"])
def test_a_blank_document_comes_back_as_it_is(by_length: ByLength, text: str) -> None:
    result = filter_text(text, model=by_length)
    assert (result.text, result.blocks, result.flagged) == (text, [], False)


def test_a_document_that_would_lose_too_much_is_left_whole_and_flagged(by_length: ByLength) -> None:
    text = "A!\nB!\nC!\nD!\nlast"
    kept = filter_text(text, model=by_length, max_removed=0.6)
    assert (kept.text, kept.flagged, kept.removed) == (text, True, [])
    assert [block.label for block in kept.blocks] == ["appeal"] * 4 + ["body"]
    assert filter_text(text, model=by_length, max_removed=0.7).text == "last"


def test_the_guard_can_be_turned_off_and_all_the_way_up(by_length: ByLength) -> None:
    assert filter_text("A!\nB!", model=by_length).flagged
    assert filter_text("A!\nB!", model=by_length, max_removed=1).text == ""
    assert filter_text("A!\nB!", model=by_length, max_removed=0).text == "A!\nB!"


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(by_length: ByLength, share: float) -> None:
    with pytest.raises(ValueError, match=f"max_removed must lie between 0 and 1, not {share}"):
        filter_text("x", model=by_length, max_removed=share)


def test_only_the_chosen_labels_are_dropped(by_length: ByLength) -> None:
    related = filter_text(TEXT, model=by_length, drop=["related"])
    assert related.text == TEXT
    assert [block.label for block in related.blocks].count("appeal") == 3
    assert filter_text(TEXT, model=by_length, drop="appeal").text != TEXT
    assert filter_text(TEXT, model=by_length, drop=()).text == TEXT


def test_no_loss_allowed_means_nothing_dropped() -> None:
    text = "Donate now\n\nSupport us\n\n" + STORY
    assert filter_text(text, max_body_loss=0).text == text


def test_a_loss_off_the_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="max_body_loss must lie between 0 and"):
        filter_text("x", max_body_loss=0.9)


def test_a_bad_model_argument_is_a_model_error() -> None:
    with pytest.raises(unappeal.ModelError, match="no model at nothing-here"):
        filter_text("x", model="nothing-here")


@pytest.mark.parametrize("document", [None, 3, b"bytes", {"text": "x"}, [None]])
def test_what_is_no_text_is_a_type_error(document: object) -> None:
    with pytest.raises(TypeError, match="a document is a string or a list of strings, not "):
        filter_text(cast("str", document))


def test_a_document_may_come_as_a_list_of_blocks(by_length: ByLength) -> None:
    result = filter_text(["A!", STORY, "", "B!", STORY], model=by_length)
    assert [block.text for block in result.blocks] == ["A!", STORY, "", "B!", STORY]
    assert [block.text for block in result.removed] == ["A!", "", "B!"]
    assert result.text == f"{STORY}\n\n{STORY}"


def test_a_subclass_of_str_is_a_text(by_length: ByLength) -> None:
    class Tagged(str):
        __slots__ = ()

    assert filter_text(Tagged(TEXT), model=by_length).text == filter_text(TEXT, model=by_length).text


def test_a_batch_gives_what_each_document_gives_alone(by_length: ByLength) -> None:
    documents: list[str | Sequence[str]] = [TEXT, "", ["A!", STORY], "A!\nB!", STORY]
    together = filter_batch(documents, model=by_length)
    assert len(together) == len(documents)
    for i, document in enumerate(documents):
        alone = filter_text(document, model=by_length)
        assert together.document(i).text == alone.text
        assert together.document(i).flagged == alone.flagged
        assert together.document(i).blocks == alone.blocks


def test_an_empty_batch_is_empty(by_length: ByLength) -> None:
    assert len(filter_batch([], model=by_length)) == 0


def test_records_keep_their_other_fields_and_their_order(by_length: ByLength) -> None:
    records = [{"id": i, "body": TEXT if i % 2 else STORY, "metadata": {"n": [i]}} for i in range(5)]
    before = [dict(record) for record in records]
    cleaned = list(filter_documents(iter(records), "body", model=by_length))
    assert [list(record) for record in cleaned] == [["id", "body", "metadata"]] * 5
    assert [record["metadata"] for record in cleaned] == [record["metadata"] for record in records]
    assert [record["body"] != STORY for record in cleaned] == [False, True, False, True, False]
    assert records == before


def test_records_come_as_they_are_needed(by_length: ByLength) -> None:
    taken = []

    def endless() -> Any:
        for i in range(10**9):
            taken.append(i)
            yield {"text": STORY * 2000}

    assert next(filter_documents(endless(), model=by_length))["text"]
    assert len(taken) <= BATCH_CHARS // len(STORY * 2000) + 2


def test_a_record_without_the_field_is_a_key_error(by_length: ByLength) -> None:
    with pytest.raises(KeyError, match="text"):
        list(filter_documents([{"body": "x"}], model=by_length))


def test_a_record_whose_text_is_none_is_a_type_error(by_length: ByLength) -> None:
    with pytest.raises(TypeError, match="a document is a string or a list of strings, not NoneType"):
        list(filter_documents([{"text": None}], model=by_length))


def test_classify_many_gives_a_list_a_document(by_length: ByLength) -> None:
    found = list(unappeal.classify_many([TEXT, "", STORY], model=by_length))
    assert found == [unappeal.classify(text, model=by_length) for text in (TEXT, "", STORY)]
    assert isinstance(found[0][0], Block)


def test_a_frame_comes_back_new_with_one_column_changed(by_length: ByLength) -> None:
    frame = pd.DataFrame({"text": [TEXT, STORY, None], "n": [1, 2, 3]}, index=["x", "y", "y"])
    before = frame.copy(deep=True)
    cleaned = filter_frame(frame, model=by_length)
    pd.testing.assert_frame_equal(frame, before)
    assert cleaned.index.tolist() == ["x", "y", "y"]
    assert cleaned["n"].tolist() == [1, 2, 3]
    assert cleaned["text"].tolist()[:2] == [filter_text(TEXT, model=by_length).text, STORY]
    assert cleaned["text"].isna().tolist() == [False, False, True]
    assert cleaned["text"].dtype == frame["text"].dtype


def test_a_frame_without_rows_or_without_texts_passes(by_length: ByLength) -> None:
    assert filter_frame(pd.DataFrame({"text": pd.Series([], dtype=str)}), model=by_length).empty
    assert filter_frame(pd.DataFrame({"text": [None, None]}), model=by_length)["text"].isna().all()


def test_a_frame_without_the_column_is_a_key_error(by_length: ByLength) -> None:
    with pytest.raises(KeyError, match="body"):
        filter_frame(pd.DataFrame({"text": ["x"]}), "body", model=by_length)


def test_what_is_left_of_a_hard_wrapped_text_is_filtered_the_same_again(by_length: ByLength) -> None:
    line = "word " * 14
    text = "\n".join([line.strip()] * 5) + "\n\nA!\n\n" + "\n".join([line.strip()] * 5) + "\n"
    once = filter_text(text, model=by_length)
    assert filter_text(once.text, model=by_length).text == once.text


def test_batches_close_when_they_are_large_enough() -> None:
    sizes = [len(batch) for batch in in_batches([BATCH_CHARS // 2] * 5, lambda n: n)]
    assert sizes == [2, 2, 1]
    assert list(in_batches([], lambda n: n)) == []


def test_the_guard_s_default_leaves_room_for_pages_with_long_tails() -> None:
    assert 0.5 < DEFAULT_MAX_REMOVED < 1


@pytest.mark.shared
def test_the_moscow_times_page_loses_its_appeal_and_nothing_else(shared: Any) -> None:
    text = (shared / "examples" / "moscow-times-2012.txt").read_bytes().decode("utf-8")
    result = filter_text(text)
    blocks = result.blocks
    gone = [0, 1, 2, len(blocks) - 4, len(blocks) - 3, len(blocks) - 2, len(blocks) - 1]
    assert result.removed == [blocks[i] for i in gone]
    first, last = blocks[3], blocks[-5]
    assert last.text == "(Reuters, MT)"
    assert result.text.rstrip() == text[first.start : last.end]
