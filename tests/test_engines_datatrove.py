"""A datatrove pipeline gives what a single process gives, loses nothing, and goes on after a task was killed."""

import gzip
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.engine_data import filtered, recipe, records, required, write_shards

import unappeal
from unappeal.artefact import ARTEFACTS_DIR, DEFAULT_MODEL, load_model

required("datatrove")

from datatrove.data import Document  # noqa: E402
from datatrove.pipeline.writers import JsonlWriter  # noqa: E402

from unappeal.engines.datatrove import UnappealFilter  # noqa: E402

PIPELINE = '''
"""python pipeline.py IN OUT: two tasks; where a file OUT/kill stands, the second is killed in its first shard."""
import os, signal, sys, time
from pathlib import Path
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from unappeal.engines.datatrove import UnappealFilter

def one_by_one(data, rank, world_size):
    """Make batches small, so that a task is killed between two of them."""
    import unappeal.filter
    unappeal.filter.BATCH_CHARS = 20_000
    yield from data

def die(data, rank, world_size, kill=None):
    for number, document in enumerate(data):
        if rank == 1 and number == 20 and kill.exists():
            kill.rename(kill.with_name("killed"))
            os.kill(os.getpid(), signal.SIGKILL)
        yield document

if __name__ == "__main__":
    from functools import partial
    source, out = map(Path, sys.argv[1:])
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(source)),
            one_by_one,
            UnappealFilter(JsonlWriter(str(out / "removed"))),
            partial(die, kill=out / "kill"),
            JsonlWriter(str(out / "kept")),
        ],
        tasks=2, workers=2, logging_dir=str(out / "logs"),
    ).run()
'''


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return records()


@pytest.fixture(scope="module")
def results(rows: list[dict[str, Any]]) -> list[unappeal.FilterResult]:
    """What a single process makes of the rows."""
    batch = unappeal.filter_batch([row["text"] for row in rows])
    return [batch.document(i) for i in range(len(batch))]


@pytest.fixture(scope="module")
def pipeline(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the pipeline on several shards, but for its output folder."""
    folder = tmp_path_factory.mktemp("datatrove")
    script = folder / "pipeline.py"
    script.write_text(PIPELINE, encoding="utf-8")
    return [sys.executable, str(script), str(write_shards(rows, folder / "in"))]


@pytest.fixture(scope="module")
def undisturbed(pipeline: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    done = subprocess.run([*pipeline, str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def read(folder: Path) -> list[dict[str, Any]]:
    lines: list[bytes] = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        lines += gzip.decompress(path.read_bytes()).splitlines()
    return [json.loads(line) for line in lines]


def test_the_readme_s_recipe_works_as_pasted(
    rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(recipe("datatrove"), names)
    given = iter([Document(row["text"], row["id"]) for row in rows])
    assert [document.text for document in names["step"].run(given)] == [row["text"] for row in filtered(rows)]
    assert read(tmp_path / "removed")


def contents(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Records by output file; the bytes of .gz files hold the time they were made."""
    paths = sorted([*(out / "kept").iterdir(), *(out / "removed").iterdir()])
    return {
        str(path.relative_to(out)): [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        for path in paths
    }


def documents(rows: list[dict[str, Any]]) -> list[Document]:
    return [Document(row["text"], row["id"], metadata=dict(row["metadata"])) for row in rows]


def test_two_tasks_give_what_one_process_gives(undisturbed: Path, rows: list[dict[str, Any]]) -> None:
    assert len(list((undisturbed / "kept").iterdir())) == 2
    found = {row["id"]: row for row in read(undisturbed / "kept")}
    assert len(found) == len(rows)
    for expected in filtered(rows):
        row = found[expected["id"]]
        assert row.get("text", "") == expected["text"]
        assert {key: row["metadata"][key] for key in expected["metadata"]} == expected["metadata"]


def test_every_removed_block_is_in_the_exclusion_files(
    undisturbed: Path, rows: list[dict[str, Any]], results: list[unappeal.FilterResult]
) -> None:
    removed = read(undisturbed / "removed")
    expected = [(row["id"], block) for row, result in zip(rows, results, strict=True) for block in result.removed]
    assert len(removed) == len(expected) > 50
    found = {(row["id"], *row["metadata"]["span"]): row for row in removed}
    for id, block in expected:
        row = found[id, block.start, block.end]
        assert (row["text"], row["metadata"]["label"]) == (block.text, block.label)
        assert block.scores is not None
        assert row["metadata"]["score"] == pytest.approx(block.scores[row["metadata"]["label"]], abs=1e-3)


def test_statistics_count_by_label(undisturbed: Path, results: list[unappeal.FilterResult]) -> None:
    steps = json.loads((undisturbed / "logs" / "stats.json").read_text(encoding="utf-8"))
    stats = next(step["stats"] for step in steps if "Unappeal" in step["name"])
    totals = {name: value["total"] if isinstance(value, dict) else value for name, value in stats.items()}
    assert totals["total"] == totals["forwarded"] == len(results)
    assert totals["changed"] == sum(result.text != result.original for result in results)
    assert totals.get("flagged", 0) == sum(result.flagged for result in results)
    blocks, chars = Counter[str](), Counter[str]()
    for result in results:
        blocks.update(f"blocks_{block.label}" for block in result.blocks)
        blocks.update(f"removed_blocks_{block.label}" for block in result.removed)
        for block in result.blocks:
            chars[f"chars_{block.label}"] += len(block.text)
        for block in result.removed:
            chars[f"removed_chars_{block.label}"] += len(block.text)
    counted = {name: n for name, n in totals.items() if "blocks_" in name or "chars_" in name}
    assert {name: n for name, n in counted.items() if n} == dict(blocks + chars)


def test_a_killed_task_started_again_loses_nothing(pipeline: list[str], undisturbed: Path, tmp_path: Path) -> None:
    (tmp_path / "kill").touch()
    command = [*pipeline, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        # The pool waits for ever for a worker that was killed, so that the rest has to be ended from outside.
        try:
            wait_for(tmp_path / "killed", process)
            wait_for(tmp_path / "logs" / "completions" / "00000", process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert not (tmp_path / "logs" / "completions" / "00001").exists()
    first = (tmp_path / "kept" / "00000.jsonl.gz").stat().st_mtime_ns
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path) == contents(undisturbed)
    assert (tmp_path / "kept" / "00000.jsonl.gz").stat().st_mtime_ns == first


def wait_for(path: Path, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, "the pipeline ended by itself"
        assert time.monotonic() < end, f"{path.name} did not appear"
        time.sleep(0.05)


def test_the_model_is_loaded_in_the_worker_and_not_sent_to_it() -> None:
    step = UnappealFilter()
    assert len(pickle.dumps(step)) < 2000
    code = (
        "import pickle, sys; step = pickle.load(sys.stdin.buffer); from unappeal.artefact import _loaded; "
        "before = _loaded.cache_info().currsize; from datatrove.data import Document; "
        "list(step.run(iter([Document('Donate now', 'a')]))); print(before, _loaded.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(step), capture_output=True, check=True)
    assert done.stdout.split() == [b"0", b"1"]


def test_documents_keep_their_order_over_batches(rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unappeal.filter.BATCH_CHARS", 5_000)
    passed = list(UnappealFilter(max_body_loss=0.005, drop="appeal").run(iter(documents(rows[:30]))))
    expected = list(unappeal.filter_documents(rows[:30], max_body_loss=0.005, drop="appeal"))
    assert [(d.id, d.text, d.metadata) for d in passed] == [(r["id"], r["text"], r["metadata"]) for r in expected]


def test_the_exclusion_writer_files_blocks_by_their_documents_metadata(tmp_path: Path, page: str) -> None:
    writer = JsonlWriter(str(tmp_path), output_filename="${lang}/${rank}.jsonl", compression=None)
    passed = list(UnappealFilter(writer).run(iter([Document(page, "a", metadata={"lang": "en", "rank": 3})]), rank=7))
    result = unappeal.filter_text(page)
    assert [document.text for document in passed] == [result.text]
    lines = (tmp_path / "en" / "00007.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == [block.text for block in result.removed]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_removed": 2}, ValueError, "between 0 and 1"),
        ({"max_body_loss": 0.5}, ValueError, "max_body_loss"),
        ({"drop": ["body"]}, ValueError, "not 'body'"),
        ({"blocks": "page"}, ValueError, "'auto', 'line' or 'blank'"),
        ({"model": "no-such"}, unappeal.ModelError, "no model at no-such"),
    ],
)
def test_options_are_refused_before_any_job_starts(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        UnappealFilter(**options)


def test_a_loaded_model_is_refused_with_what_to_give() -> None:
    with pytest.raises(TypeError, match="name or path of a model"):
        UnappealFilter(model=load_model())  # type: ignore[arg-type]


def test_a_model_given_by_a_relative_path_is_found_from_anywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(ARTEFACTS_DIR / DEFAULT_MODEL, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    step = UnappealFilter(model="mine")
    monkeypatch.chdir("/")
    assert [document.id for document in step.run(iter([Document("Donate now", "a")]))] == ["a"]


def test_a_text_that_is_no_string_is_refused_with_its_id() -> None:
    with pytest.raises(TypeError, match="document b: text must be a string, not NoneType"):
        list(UnappealFilter().run(iter([Document("One.", "a"), Document(None, "b")])))


def test_without_datatrove_the_error_names_the_install_line() -> None:
    code = "import sys; sys.modules['datatrove'] = None; import unappeal.engines.datatrove"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "unappeal[datatrove]"' in done.stderr.splitlines()[-1]
