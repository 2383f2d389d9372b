"""Blocks: where a text is cut, that offsets are exact, and that the kept ones come back as they stood."""

import doctest
import time

import numpy as np
import pytest

from unappeal import blocks
from unappeal.blocks import LINE_BREAKS, BlockMode, is_hard_wrapped, rebuild, split, split_batch

WRAPPED = (
    "The harbour office said on Tuesday that the ferry would not sail before\n"
    "the storm had passed, and asked passengers to wait for a message on the\n"
    "board. A second boat stands ready on the other side of the sound, where\n"
    "the water is calmer.\n"
    "\n"
    "Fishermen doubted it. The wind has turned twice since the morning, they\n"
    "said, and the old pier has not been safe since the winter of the floods\n"
    "took its outer end away.\n"
)


def texts(text: str, mode: BlockMode = "auto") -> list[str]:
    found = split(text, mode)
    assert all(text[block.start : block.end] == block.text for block in found)
    return [block.text for block in found]


def test_the_module_s_examples_are_true() -> None:
    assert doctest.testmod(blocks).failed == 0


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\f", "\v", "\x85", "\u2028", "\u2029"])
def test_every_kind_of_line_break_ends_a_block(separator: str) -> None:
    assert texts(f"One.{separator}Two.{separator}") == ["One.", "Two."]


@pytest.mark.parametrize("text", ["", "\n", " \t ", "\u00a0\n\u200b\n\ufeff", "\r\n\f\r\n"])
def test_a_blank_text_has_no_blocks(text: str) -> None:
    assert texts(text) == texts(text, "blank") == texts(text, "line") == []


@pytest.mark.parametrize("edge", [" ", "\t", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u200f", "\u2060", " \u200b "])
def test_white_space_and_invisible_characters_are_trimmed_at_both_edges(edge: str) -> None:
    assert texts(f"{edge}Word of mouth.{edge}\n{edge}\nNext.") == ["Word of mouth.", "Next."]


def test_no_break_spaces_and_joiners_inside_a_block_stay() -> None:
    assert texts("10\u00a0000\u202f€\u200b and\u200dmore") == ["10\u00a0000\u202f€\u200b and\u200dmore"]


def test_right_to_left_and_spaceless_scripts_keep_their_offsets() -> None:
    text = "\u200fادعمونا\u200f\n支持我們\nช่วยเรา\n"
    assert texts(text) == ["ادعمونا", "支持我們", "ช่วยเรา"]


def test_characters_above_the_basic_plane_count_as_one() -> None:
    text = "😀 Give 𝒏𝒐𝒘\n𠀀𠀁\nEnd"
    assert [(b.start, b.end) for b in split(text)] == [(0, 10), (11, 13), (14, 17)]
    assert len(split_batch([text]).units) == len(text)


def test_lone_surrogates_and_nul_bytes_do_not_stop_it() -> None:
    assert texts("a\ud800b\n\x00\nc\x00d") == ["a\ud800b", "c\x00d"]


def test_markdown_bullets_are_blocks_with_their_marks() -> None:
    assert texts("- [Home](/)\n* Donate\n1. First\n> quoted") == ["- [Home](/)", "* Donate", "1. First", "> quoted"]


@pytest.mark.parametrize("character", LINE_BREAKS)
def test_long_lines_end_at_every_line_break(character: str) -> None:
    lines = ["a" * n + "\tb" * m for n, m in ((31, 0), (32, 0), (33, 40), (70, 1))]
    assert [block.text for block in split(character.join(lines))] == lines


def test_halves_of_a_pair_of_surrogates_are_code_points_of_their_own() -> None:
    text = "a\ud83d\ude00b 😀 𝒏 \ude00\ud83d"
    units = split_batch([text]).units
    assert units.tolist() == [ord(c) if c < "😀" and c < "𝒏" else {"😀": 0x2606, "𝒏": 0x0251}[c] for c in text]
    assert [block.text for block in split(f"{text}\nc")] == [text, "c"]


def test_a_hard_wrapped_text_is_cut_at_blank_lines() -> None:
    assert is_hard_wrapped(WRAPPED)
    assert [text.split()[0] for text in texts(WRAPPED)] == ["The", "Fishermen"]


@pytest.mark.parametrize("line_break", ["\r\n", "\r"])
def test_hard_wrapping_is_seen_under_any_line_break(line_break: str) -> None:
    assert len(texts(WRAPPED.replace("\n", line_break))) == 2


def test_a_short_text_is_hard_wrapped_too() -> None:
    lines = ["The mayor cut the ribbon of the new bridge on Monday,"]
    lines += ["after nine years of building it, of two lawsuits and of", "quarrels."]
    text = "\n\n".join(["Bridge opens", "\n".join(lines), "Donate now"])
    assert [text[b.start : b.end].split()[0] for b in split(text)] == ["Bridge", "The", "Donate"]


def test_lines_of_one_paragraph_each_are_not_hard_wrapped() -> None:
    text = "\n".join(["A headline of the day"] + ["A paragraph that is as long as such paragraphs are. " * 4] * 6)
    assert not is_hard_wrapped(text)
    assert len(texts(text)) == 7


def test_a_menu_is_not_hard_wrapped() -> None:
    text = "Home\nNews\nSport\nWeather\nAbout us\n\nContact\nDonate\n"
    assert not is_hard_wrapped(text)


def test_the_mode_can_be_set() -> None:
    text = "One\ntwo\n\nthree"
    assert texts(text, "line") == ["One", "two", "three"]
    assert texts(text, "blank") == ["One\ntwo", "three"]


def test_an_unknown_mode_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="blocks must be 'auto', 'line' or 'blank', not 'sentence'"):
        split("x", "sentence")  # type: ignore[arg-type]


@pytest.mark.parametrize(("document", "kind"), [(3, "int"), (None, "NoneType"), (b"bytes", "bytes"), ([1], "list")])
def test_what_is_no_text_is_refused_by_type(document: object, kind: str) -> None:
    with pytest.raises(TypeError, match=f"a document is a string or a list of strings, not {kind}"):
        split_batch([document])  # type: ignore[list-item]


def test_a_list_keeps_its_blocks_as_given_even_empty_and_blank_ones() -> None:
    given = ["One\nline", "", "  spaced ", "last"]
    batch = split_batch([given, "plain\ntext", []])
    assert batch.first.tolist() == [0, 4, 6, 6]
    doc = batch.document_of_block()
    start, end = batch.start - batch.doc_start[doc], batch.end - batch.doc_start[doc]
    cut = [batch.texts[d][s:e] for d, s, e in zip(doc, start, end, strict=True)]
    assert cut == [*given, "plain", "text"]


def test_a_document_is_cut_the_same_whatever_stands_beside_it() -> None:
    documents = [WRAPPED, "", "One\nTwo", "\r\nx\r\n", "😀\n支持", " \n"]
    batch = split_batch(documents)
    for i, text in enumerate(documents):
        part = slice(batch.first[i], batch.first[i + 1])
        alone = split(text)
        assert (batch.start[part] - batch.doc_start[i]).tolist() == [block.start for block in alone]
        assert (batch.end[part] - batch.doc_start[i]).tolist() == [block.end for block in alone]


def test_no_documents_give_an_empty_batch() -> None:
    batch = split_batch([])
    assert batch.n_blocks == 0
    assert batch.first.tolist() == [0]


def test_dropping_nothing_copies_the_text() -> None:
    text = "\ufeff\n\n A\r\n\r\nB \n\n"
    assert rebuild(split_batch([text]), np.zeros(2, dtype=bool)) == [text]


@pytest.mark.parametrize(
    ("text", "keep", "expected"),
    [
        ("A\nB\nC", "101", "A\nC"),
        ("A\n\nB\nC", "101", "A\n\nC"),
        ("A\nB\n\nC", "101", "A\n\nC"),
        ("A\nB\nC\n", "110", "A\nB\n"),
        ("\n\nA\nB", "01", "B"),
        ("A\r\n\r\nB\r\nC\r\nD", "1001", "A\r\n\r\nD"),
        ("A\nB", "00", ""),
        ("  A  \n  B  \n  C  \n", "010", "B  \n"),
    ],
)
def test_what_is_left_keeps_its_separators(text: str, keep: str, expected: str) -> None:
    removed = np.array([each == "0" for each in keep])
    assert rebuild(split_batch([text]), removed) == [expected]
    around = split_batch(["X\n\nY", text, "Z"])  # neighbours in the batch change nothing
    assert rebuild(around, np.concatenate(([False, True], removed, [True]))) == ["X", expected, ""]


@pytest.mark.slow
@pytest.mark.parametrize("line", ["word " * 4_000_000, "文" * 7_000_000, " " * 20_000_000, "x" * 20_000_000])
def test_a_line_of_20_mb_is_one_block_in_seconds(line: str) -> None:
    began = time.perf_counter()
    batch = split_batch([line])
    assert time.perf_counter() - began < 10
    assert batch.n_blocks == (0 if line.isspace() else 1)
    assert np.all(batch.end - batch.start == len(line.strip()))
