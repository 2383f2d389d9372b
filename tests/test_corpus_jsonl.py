"""JSON lines: texts are put in without touching another byte; chunks are whole lines whatever the blocks."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unappeal.corpus.jsonl import line_chunks, parse
from unappeal.corpus.records import Chunk, Field, Keys
from unappeal.corpus.splice import splice

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(TEXT, VALUES, max_size=4)


@given(
    before=FIELDS, after=FIELDS, old=TEXT, new=TEXT, ascii_only=st.booleans(), spaces=st.sampled_from(["", " ", "\t "])
)
def test_splice_changes_one_value_and_no_other_byte(
    before: dict[str, Any], after: dict[str, Any], old: str, new: str, ascii_only: bool, spaces: str
) -> None:
    record = {**before, "text": old, **{key: value for key, value in after.items() if key != "text"}}
    separators = (f"{spaces},{spaces}", f"{spaces}:{spaces}")
    line = json.dumps(record, ensure_ascii=ascii_only, separators=separators).encode()
    spliced = splice(line, ("text",), old, new)
    assert json.loads(spliced) == {**record, "text": new}
    old_token = json.dumps(old, ensure_ascii=ascii_only).encode()
    assert any(
        spliced == line[:at] + token + line[at + len(old_token) :]
        for at in _places(line, old_token)
        for token in _tokens(new)
    )


def _places(line: bytes, token: bytes) -> list[int]:
    return [at for at in range(len(line)) if line.startswith(token, at)]


def _tokens(text: str) -> list[bytes]:
    return [orjson.dumps(text), json.dumps(text).encode(), json.dumps(text, ensure_ascii=False).encode()]


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        (b'{"text":"A","text":"B"}', ("text",), b'{"text":"A","text":"new"}'),
        (b'{"a":{"text":"B"},"text":"B"}', ("text",), b'{"a":{"text":"B"},"text":"new"}'),
        (b'{"a":{"text":"B"},"text":"B"}', ("a", "text"), b'{"a":{"text":"new"},"text":"B"}'),
        (b'{"n":1e400,"text":"B","m":0.10}', ("text",), b'{"n":1e400,"text":"new","m":0.10}'),
        (b'{"t\\u0065xt" : "B" }', ("text",), b'{"t\\u0065xt" : "new" }'),
    ],
)
def test_splice_finds_the_value_that_a_parser_would(line: bytes, path: tuple[str, ...], expected: bytes) -> None:
    assert splice(line, path, "B", "new") == expected


@given(lines=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=30), cut=st.integers(1, 50))
def test_chunks_are_the_file(lines: list[bytes], cut: int) -> None:
    data = b"\n".join(lines)
    blocks = [data[i : i + cut] for i in range(0, len(data), cut)]
    chunks = list(line_chunks(blocks))
    assert b"".join(chunk.data for chunk in chunks) == data
    at = 1
    for chunk in chunks:
        assert chunk.line == at
        at += chunk.data.count(b"\n")


def test_a_long_line_is_one_chunk_among_others() -> None:
    long = b"x" * (3 << 20)
    blocks = [b"a\n" + long[: 1 << 20], long[1 << 20 : 2 << 20], long[2 << 20 :], b"\nb"]
    assert [(chunk.line, len(chunk.data)) for chunk in line_chunks(blocks)] == [(1, 2), (2, len(long) + 1), (3, 1)]


def test_a_field_is_added_or_replaced() -> None:
    records = parse(Chunk(1, b'{"text": "A" } \n{"text":"B","x":1}'), "in", Keys())
    assert records.native(["A", "C"], Field("x", [[1], None])) == b'{"text": "A","x":[1]}\n{"text":"C","x":null}\n'


def test_a_byte_order_mark_and_blank_lines_are_passed_over() -> None:
    records = parse(Chunk(1, b'\xef\xbb\xbf{"text":"A"}\r\n\n  \n{"text":"B"}\n'), "in", Keys())
    assert (records.texts, records.numbers, records.bad) == (["A", "B"], [1, 4], [])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (rb'{"a": {"text": "B"}, "te\u0078t": "A"}', rb'{"a": {"text": "B"}, "te\u0078t": "N"}'),
        (rb'{"a": {"text": "A"}, "te\u0078t": "A"}', rb'{"a": {"text": "A"}, "te\u0078t": "N"}'),
        (rb'{"text": "A", "b": "say \"text\": \"A\""}', rb'{"text": "N", "b": "say \"text\": \"A\""}'),
        (rb'{"b": "text", "text" : "A"}', rb'{"b": "text", "text" : "N"}'),
        (b'{"text":\t"A"}', b'{"text":\t"N"}'),
    ],
)
def test_a_text_is_replaced_where_it_stands_and_nowhere_else(line: bytes, expected: bytes) -> None:
    assert splice(line, ("text",), "A", "N") == expected


@pytest.mark.parametrize("old", ["ends in a backslash \\", '\\"', 'a "quoted" word\\\\', "é\n"])
def test_texts_with_quotes_and_backslashes_are_found_to_their_end(old: str) -> None:
    line = orjson.dumps({"id": "1", "text": old, "z": 1})
    assert splice(line, ("text",), old, "N") == b'{"id":"1","text":"N","z":1}'
