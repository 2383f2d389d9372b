"""Addresses through fsspec: its memory file system, which keeps no file by accident."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

import unappeal
from unappeal.cli import main

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def run(*arguments: object) -> int:
    return main(["filter", *map(str, arguments), "--quiet"])


def test_an_address_is_read_and_written(memory: Any, page: str) -> None:
    memory.pipe("/in/a.jsonl", orjson.dumps({"text": page}))
    assert run("memory://in/a.jsonl", "-o", "memory://out/a.jsonl") == 0
    assert orjson.loads(memory.cat("/out/a.jsonl"))["text"] == unappeal.filter_text(page).text
    assert sorted(memory.find("/")) == ["/in/a.jsonl", "/out/a.jsonl"]


def test_a_folder_of_shards_is_resumed(memory: Any, page: str) -> None:
    for name in ("a.jsonl", "x/b.jsonl"):
        memory.pipe(f"/in/{name}", orjson.dumps({"text": page}) + b"\n{\n")
    for done in (2, 0):
        assert run("memory://in", "-o", "memory://out/", "--rejects", "memory://rejects/") == 1
        assert orjson.loads(memory.cat("/out/.unappeal/run.json"))["done"] == done
    assert {name for name in memory.find("/out") if ".unappeal" not in name} == {"/out/a.jsonl", "/out/x/b.jsonl"}
    assert not [name for name in memory.find("/") if name.endswith(".tmp")]
    memory.pipe("/in/a.jsonl", orjson.dumps({"text": page}) * 1 + b"\n")
    assert run("memory://in", "-o", "memory://out/", "--rejects", "memory://rejects/") == 1
    assert orjson.loads(memory.cat("/out/.unappeal/run.json"))["done"] == 1


def test_a_glob_of_addresses_is_read(memory: Any, page: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for name in ("a.jsonl", "b.jsonl", "c.txt"):
        memory.pipe(f"/in/{name}", orjson.dumps({"id": name, "text": page}))
    assert run("memory://in/*.jsonl") == 0
    assert [orjson.loads(line)["id"] for line in capfdbinary.readouterr().out.splitlines()] == ["a.jsonl", "b.jsonl"]


def test_what_is_not_there_is_told(memory: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("memory://in/none.jsonl") == 2
    assert capfd.readouterr().err == "unappeal: error: memory://in/none.jsonl: no such file or folder\n"
    assert run("nosuch://in/none.jsonl") == 1
    assert capfd.readouterr().err.startswith("unappeal: error: nosuch://in/none.jsonl: Protocol not known: nosuch")


def test_a_missing_fsspec_is_named(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    assert run("memory://in/a.jsonl") == 1
    message = "reading or writing an address needs a package that is not installed: pip install 'unappeal[remote]'"
    assert capfd.readouterr().err == f"unappeal: error: memory://in/a.jsonl: {message}\n"
