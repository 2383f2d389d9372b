"""The data that the project holds: whole, as its data sheet says, and without a word of a real page's story."""

import json
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from unappeal.errors import InputError
from unappeal_training.char_tables import build_char_tables
from unappeal_training.dataset import block_key, read_authored, read_pages, stand_off_keys
from unappeal_training.lexicon import CONCEPTS, WIDELY_WRITTEN, hash_lexicon, read_cues

DATA = Path(__file__).resolve().parents[1] / "data"
SOURCES: dict[str, dict[str, Any]] = tomllib.loads((DATA / "annotations" / "sources.toml").read_text(encoding="utf-8"))


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_authored_documents_are_whole_and_their_ids_unique() -> None:
    seen: Counter[str] = Counter()
    for path in sorted((DATA / "authored").glob("*.jsonl")):
        for number, record in enumerate(records(path), 1):
            where = f"{path.name}:{number}"
            assert set(record) == {"id", "lang", "kind", "hard_negative", "blocks"}, where
            assert re.fullmatch(r"[a-z]{2,3}", record["lang"]), where
            assert isinstance(record["hard_negative"], bool), where
            assert record["blocks"], where
            for block in record["blocks"]:
                assert block["label"] in ("body", "appeal", "related"), where
                assert block["text"].strip(), where
            seen[record["id"]] += 1
    assert [name for name, count in seen.items() if count > 1] == []


def test_authored_documents_repeat_no_block_of_a_page() -> None:
    keys = stand_off_keys()
    lines = {block for d in read_authored() for block in d.blocks if len(block) >= 40 and block_key(block) in keys}
    assert lines <= {"Click to share on Facebook (Opens in new window)"}  # of WordPress


@pytest.mark.shared
def test_authored_documents_share_no_ten_words_in_a_row_with_a_page(shared: Path) -> None:
    runs = {run: block for d in read_authored() for block in d.blocks for run in runs_of_words(block, 10)}
    blocks = {block for d in read_pages(shared / "real" / "pages.jsonl.gz") for block in d.blocks}
    assert {runs[run]: block for block in blocks for run in runs_of_words(block, 10) if run in runs} == {}


def runs_of_words(text: str, n: int) -> Iterator[tuple[str, ...]]:
    """Give every ``n`` words in a row, as `block_key` reads words."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    return zip(*(words[i:] for i in range(n)), strict=False)


def sheet_row(heading: str) -> list[int]:
    """Numbers in the row under a heading of the data sheet."""
    row = (DATA / "README.md").read_text(encoding="utf-8").split(heading)[1].split("\n")[2]
    return [int(cell.replace(",", "")) for cell in re.findall(r"[\d,]+", row)]


def test_authored_documents_are_enough_and_as_many_as_the_data_sheet_says() -> None:
    documents = [record for path in (DATA / "authored").glob("*.jsonl") for record in records(path)]
    labels = Counter(block["label"] for record in documents for block in record["blocks"])
    languages = {record["lang"] for record in documents}
    hard = sum(record["hard_negative"] for record in documents)
    assert labels["body"] >= 8000 and labels["appeal"] >= 1500 and labels["related"] >= 1500
    assert len(languages) >= 45
    assert hard >= len(documents) / 4
    held = [len(documents), hard, len(languages), labels["body"], labels["appeal"], labels["related"]]
    assert sheet_row("| documents | hard negatives | languages | body | appeal | related |") == held


def test_overrides_are_as_the_data_sheet_says() -> None:
    overrides = records(DATA / "annotations" / "overrides.jsonl")
    text = (DATA / "README.md").read_text(encoding="utf-8").split("### Overrides")[1].split("## Lexicon")[0]
    aligned = {(name, page["page"]) for name in SOURCES for page in records(DATA / "annotations" / f"{name}.jsonl")}
    pages = {(record["source"], record["page"]) for record in overrides}
    assert pages <= aligned
    assert f"{len(overrides):,} blocks of {len(pages):,} pages" in text
    assert len({(record["source"], record["page"], record["key"]) for record in overrides}) == len(overrides)
    rows = [list(map(int, re.findall(r"\d+", line.replace(",", "")))) for line in text.splitlines() if line[:1] == "|"]
    counts = Counter(record["label"] for record in overrides)
    sums = [sum(column) for column in zip(*(row for row in rows if row), strict=True)]
    assert sums == [counts[label] for label in ("body", "appeal", "related", None)]
    for record in overrides:
        assert set(record) == {"source", "page", "key", "label", "reason"}
        assert re.fullmatch(r"[0-9a-f]{10}", record["key"])
        assert record["reason"].strip()


def test_the_lexicon_has_as_many_languages_as_the_data_sheet_says() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"There are {len({language for language, _, _ in read_cues()})} languages" in text
    assert f"of the {len(WIDELY_WRITTEN)} that most pages are written in" in " ".join(text.split())


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_stand_off_labels_are_as_the_data_sheet_says(name: str) -> None:
    source = SOURCES[name]
    pages = records(DATA / "annotations" / source["labels"])
    assert len(pages) == source["pages"]
    assert len({page["page"] for page in pages}) == len(pages)
    assert re.fullmatch(r"[0-9a-f]{40}", source["commit"])
    for page in pages:
        assert set(page) - {"by"} == {"page", "site", "lang", "body", "appeal", "related"}
        assert page.get("by") in (None, {"resiliparse": "reading"})
        assert any(page["page"].startswith(folder + "/") for folder in source["paths"]), page["page"]
        keys = [re.findall(r"[0-9a-f]{10}", page[label]) for label in ("body", "appeal", "related")]
        assert [10 * len(found) for found in keys] == [len(page[label]) for label in ("body", "appeal", "related")]
        counts = Counter(key for found in keys for key in set(found))
        assert max(counts.values(), default=1) == 1, page["page"]


def test_every_source_with_labels_is_in_sources_toml() -> None:
    held = {path.name for path in (DATA / "annotations").glob("*.jsonl")} - {"overrides.jsonl"}
    assert held == {source["labels"] for source in SOURCES.values()}


def test_the_data_sheet_names_every_concept() -> None:
    table = (DATA / "README.md").read_text(encoding="utf-8").split("| concept |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(CONCEPTS)


def test_cues_are_written_as_the_data_sheet_says() -> None:
    for language, concept, cue in read_cues():
        assert cue == cue.strip() != "", (language, concept, cue)
        assert "*" not in cue.rstrip("*") and not cue.startswith("*"), (language, concept, cue)


char_tables = cache(build_char_tables)


def hashed(folder: Path, **languages: dict[str, list[str]]) -> tuple[int, int]:
    """How many single words and how many pairs and strings a lexicon comes to."""
    for language, cues in languages.items():
        (folder / f"{language}.json").write_text(json.dumps(cues), encoding="utf-8")
    lexicon = hash_lexicon(char_tables(), folder)
    return len(lexicon.words.keys), len(lexicon.slot_keys)


def test_a_word_means_in_each_language_what_its_file_says(tmp_path: Path) -> None:
    give, money = CONCEPTS.index("give") + 1, CONCEPTS.index("money") + 1
    hashed(
        tmp_path, fr={"give": ["don", "un don"]}, it={"money": ["don"]}, en={"plain": ["don"]}, da={"give": ["un don"]}
    )
    lexicon = hash_lexicon(char_tables(), tmp_path)
    assert lexicon.words.languages == ("en", "fr", "it", "da")
    assert lexicon.words.entries.tolist() == [[1, 0, 0], [2, give, 0], [3, money, 0]]
    assert lexicon.slot_cues.tolist() == [give], "a pair that languages share is no language's own"


def test_a_word_cannot_be_plain_and_a_cue_of_the_same_language(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'tåg\\*' of 'sv' is plain there and a cue too"):
        hashed(tmp_path, sv={"story": ["tag*"], "plain": ["tåg*"]})


@pytest.mark.parametrize(
    "cue",
    [
        "404",
        "१२",
        "…",
        "ユーザーid",
        "read ユーザーid",
        "支持 我們",
        "请支持独立媒体的工作",
        "支持*",
        "read mor*",
        "this is long",
    ],
)
def test_what_cannot_be_a_cue_is_an_error(tmp_path: Path, cue: str) -> None:
    with pytest.raises(InputError, match=re.escape(repr(cue))):
        hashed(tmp_path, en={"account": [cue]})


def test_example_documents_are_not_among_the_authored_ones() -> None:
    example = {record["text"] for record in records(DATA / "example" / "corpus.jsonl")}
    lines = {line for text in example for line in text.split("\n") if len(line) > 60}
    for path in (DATA / "authored").glob("*.jsonl"):
        for record in records(path):
            assert not lines & {block["text"] for block in record["blocks"]}, record["id"]
