"""Addresses through fsspec: its memory file system, which keeps no file by accident, and the local one."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

import unappeal
from unappeal.cli import main

fsspec = pytest.importorskip("fsspec")
memory_module = pytest.importorskip("fsspec.implementations.memory")


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


@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_outputs_appear_whole_or_not_at_all(protocol: str, memory: Any, page: str, tmp_path: Path) -> None:
    root, system = f"{protocol}://{tmp_path}", fsspec.filesystem(protocol)
    system.makedirs(f"{tmp_path}/in")
    system.pipe_file(f"{tmp_path}/in/a.jsonl", orjson.dumps({"text": page}) + b"\n{\n{\n")
    arguments = (f"{root}/in/a.jsonl", "-o", f"{root}/out/a.jsonl", "--rejects", f"{root}/out/removed.jsonl")
    assert run(*arguments, "--max-bad", 1) == 1
    assert system.find(f"{tmp_path}/out") == []
    assert run(*arguments) == 1
    whole = {path: system.cat_file(path) for path in system.find(f"{tmp_path}/out")}
    assert [path.rpartition("/")[2] for path in sorted(whole)] == ["a.jsonl", "removed.jsonl"]
    for options in (["--max-bad", 1, "--drop", "appeal"], []):
        assert run(*arguments, *options) == 1
        assert {path: system.cat_file(path) for path in system.find(f"{tmp_path}/out")} == whole


def test_a_full_disk_behind_an_address_leaves_what_was_there(
    memory: Any, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "a.jsonl"
    source.write_bytes(orjson.dumps({"text": page}))
    memory.pipe_file("/out/a.jsonl", b"as before")

    def refuse(_: object, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(memory_module.MemoryFile, "write", refuse)
    assert run(source, "-o", "memory://out/a.jsonl") == 1
    message = "memory://out/a.jsonl: cannot be written: No space left on device"
    assert capfd.readouterr().err == f"unappeal: error: {message}\n"
    assert {path: memory.cat_file(path) for path in memory.find("/")} == {"/out/a.jsonl": b"as before"}


def test_a_file_is_replaced_where_moving_does_not_replace_it(
    memory: Any, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.jsonl"
    source.write_bytes(orjson.dumps({"text": page}))
    memory.pipe_file("/out/a.jsonl", b"as before")
    move = memory_module.MemoryFileSystem.mv
    was_there = []

    def careful(self: Any, path1: str, path2: str) -> None:
        was_there.append(self.exists(path2))
        if was_there[-1]:
            raise FileExistsError(path2)
        move(self, path1, path2)

    monkeypatch.setattr(memory_module.MemoryFileSystem, "mv", careful)
    assert run(source, "-o", "memory://out/a.jsonl") == 0
    assert orjson.loads(memory.cat_file("/out/a.jsonl"))["text"] == unappeal.filter_text(page).text
    assert memory.find("/") == ["/out/a.jsonl"]
    assert was_there == [True, False]


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
