"""A Spark session gives what a single process gives, keeps the schema, and redoes what a killed worker had."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engine_data import filtered, recipe, records, required, write_shards

import unappeal
from unappeal.artefact import load_model

required("pyspark")

from unappeal.engines.spark import filter_dataframe  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")


@pytest.fixture(scope="module")
def session(java: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two workers on this machine; a task that fails is tried again, as on a cluster."""
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    builder = SparkSession.builder.master("local[2,4]").appName("unappeal")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.files.maxPartitionBytes": "60000",  # several partitions from small shards
        "spark.sql.execution.arrow.maxRecordsPerBatch": "10",
        "spark.log.level": "ERROR",
    }.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")  # looking the name up takes a minute without a network
        warnings.simplefilter("ignore")
        spark = builder.getOrCreate()
    yield spark
    spark.stop()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return records()


@pytest.fixture(scope="module")
def shards(session: Any, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A DataFrame over several shards."""
    folder = write_shards(rows, tmp_path_factory.mktemp("in") / "shards")
    return session.read.schema("id string, text string, metadata struct<lang: string, n: long>").json(str(folder))


def by_id(df: Any) -> dict[str, dict[str, Any]]:
    return {row["id"]: row.asDict(recursive=True) for row in df.collect()}


def test_the_readme_s_recipe_works_as_pasted(shards: Any, rows: list[dict[str, Any]]) -> None:
    names: dict[str, Any] = {"df": shards}
    exec(recipe("Spark"), names)
    assert by_id(names["df"]) == {row["id"]: row for row in filtered(rows)}


def test_several_shards_give_what_one_process_gives(shards: Any, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    assert shards.rdd.getNumPartitions() > 2
    cleaned = filter_dataframe(shards)
    assert cleaned.schema == shards.schema
    cleaned.write.json(str(tmp_path / "out"))
    lines = [line for path in (tmp_path / "out").glob("part-*") for line in path.read_text("utf-8").splitlines()]
    assert len(lines) == len(rows)
    found = {row["id"]: row for row in map(json.loads, lines)}
    for expected in filtered(rows):
        row = found[expected["id"]]
        assert row["text"] == expected["text"]
        assert row["metadata"].get("n") == expected["metadata"]["n"]
        assert row["metadata"]["lang"] == expected["metadata"]["lang"]


def test_a_killed_worker_loses_nothing(shards: Any, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    once = str(tmp_path / "killed")

    def kill_the_others(batches: Iterator[Any]) -> Iterator[Any]:  # sent as code: workers do not know this module
        import os
        import signal
        from pathlib import Path

        for number, batch in enumerate(batches):
            yield batch
            if number == 1:
                try:
                    os.close(os.open(once, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    continue
                for folder in Path("/proc").glob("[0-9]*"):
                    parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    if parent == os.getppid() and int(folder.name) != os.getpid():
                        os.kill(int(folder.name), signal.SIGKILL)

    damaged = shards.mapInArrow(kill_the_others, shards.schema)
    assert by_id(filter_dataframe(damaged)) == {row["id"]: row for row in filtered(rows)}
    assert Path(once).exists()


def test_other_columns_come_back_as_they_were(session: Any) -> None:
    values = ", ".join(
        [
            "(9223372036854775707L, 'Donate now', date'0001-01-01', timestamp'2024-03-31 02:30:00', X'00ff', "
            "1234567890123456.7891, map('x', array(1, null)))",
            "(null, null, null, null, null, null, null)",
            "(1L, '', date'9999-12-31', timestamp'1883-11-18 12:00:00', X'', 0.0001, map())",
        ]
    )
    df = session.sql(f"SELECT * FROM VALUES {values} AS v(`a b`, body, d, t, raw, money, tags)").coalesce(1)
    cleaned = filter_dataframe(df, "body")
    assert cleaned.schema == df.schema
    assert [row["body"] for row in cleaned.collect()][1:] == [None, ""]
    shown = ["`a b`", "d", "cast(t AS string)", "raw", "money", "to_json(tags)"]
    assert cleaned.selectExpr(*shown).collect() == df.selectExpr(*shown).collect()


def test_an_empty_frame_gives_an_empty_frame(session: Any) -> None:
    df = session.createDataFrame([], "id long, text string")
    assert filter_dataframe(df).collect() == []


def test_options_reach_the_workers(shards: Any, rows: list[dict[str, Any]]) -> None:
    cleaned = filter_dataframe(shards.limit(20), max_body_loss=0.01, drop=["appeal"], max_removed=0.5)
    found = by_id(cleaned)
    options: dict[str, Any] = {"max_body_loss": 0.01, "drop": ["appeal"], "max_removed": 0.5}
    expected = {row["id"]: row for row in unappeal.filter_documents(rows, **options)}
    assert found == {id: expected[id] for id in found}
    assert len(found) == 20


def test_workers_keep_to_one_thread(shards: Any) -> None:
    def threads(batches: Iterator[Any]) -> Iterator[Any]:
        import os

        import pyarrow as pa

        for _ in batches:
            yield pa.RecordBatch.from_arrays([pa.array([os.environ.get("OMP_NUM_THREADS")])], names=["threads"])

    found = shards.limit(3).mapInArrow(threads, "threads string").collect()
    assert {row["threads"] for row in found} == {"1"}


@pytest.mark.parametrize(
    ("column", "options", "error", "message"),
    [
        ("txt", {}, KeyError, "no column 'txt', only 'id', 'text', 'metadata'"),
        ("metadata", {}, TypeError, "'metadata' must hold strings, not struct"),
        ("text", {"max_removed": -1}, ValueError, "between 0 and 1"),
        ("text", {"model": "no-such"}, unappeal.ModelError, "no model at no-such"),
    ],
)
def test_mistakes_are_refused_before_any_job_starts(
    shards: Any, column: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        filter_dataframe(shards, column, **options)


def test_a_loaded_model_is_refused_with_what_to_give(shards: Any) -> None:
    with pytest.raises(TypeError, match="name or path of a model"):
        filter_dataframe(shards, model=load_model())  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "expected"), [(None, sys.executable), ("python3.99", "python3.99")])
def test_importing_sets_the_workers_python_unless_it_is_set(given: str | None, expected: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYSPARK_PYTHON"}
    if given is not None:
        environment["PYSPARK_PYTHON"] = given
    code = "import os, unappeal.engines.spark; print(os.environ['PYSPARK_PYTHON'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_without_pyspark_the_error_names_the_install_line() -> None:
    code = "import sys; sys.modules['pyspark'] = None; import unappeal.engines.spark"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "unappeal[spark]"' in done.stderr.splitlines()[-1]
