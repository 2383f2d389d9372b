"""The README's recipes, as they are pasted: each gives what a single process gives.

Those of datatrove and Spark are run in the tests of these engines.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.engine_data import filtered, recipe, records, required


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [{"id": row["id"], "text": row["text"], "lang": row["metadata"]["lang"]} for row in records(40)]


def run(code: str, **names: Any) -> dict[str, Any]:
    exec(code, names)
    return names


def test_pandas(rows: list[dict[str, Any]]) -> None:
    assert run(recipe("pandas"), df=pd.DataFrame(rows))["df"].to_dict("records") == filtered(rows)


@pytest.mark.parametrize("processes", [None, 2])
def test_hugging_face_datasets(
    rows: list[dict[str, Any]], processes: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = required("datasets")
    code = recipe("Hugging Face datasets")
    datasets.disable_progress_bars()
    given = datasets.Dataset.from_list(rows)
    if processes is None:
        assert run(code, ds=given)["ds"].to_list() == filtered(rows)
        return
    # In a fresh process: what other tests imported into `unappeal` cannot all be sent to a worker of an editable
    # install.
    given.save_to_disk(tmp_path / "given")
    program = f"""import datasets, os, unappeal
ds = datasets.load_from_disk({str(tmp_path / "given")!r})
{code.replace("batched=True", f"batched=True, num_proc={processes}")}
ds.save_to_disk({str(tmp_path / "done")!r})
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
    assert datasets.load_from_disk(tmp_path / "done").to_list() == filtered(rows)


def test_polars(rows: list[dict[str, Any]]) -> None:
    polars = required("polars")
    assert run(recipe("Polars"), df=polars.DataFrame(rows))["df"].to_dicts() == filtered(rows)


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Ray Data on two local processes."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = required("ray.data") and required("ray")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        configure_logging=False,
        object_store_memory=100_000_000,
        log_to_driver=False,
    )
    yield ray
    ray.shutdown()


@pytest.mark.filterwarnings("ignore")  # Ray's, and those of what it imports
def test_ray_data(rows: list[dict[str, Any]], ray: Any) -> None:
    ray.data.DataContext.get_current().enable_progress_bars = False
    done = run(recipe("Ray Data"), ds=ray.data.from_items(rows, override_num_blocks=4))["ds"]
    found = {row["id"]: row for row in done.take_all()}
    assert found == {row["id"]: row for row in filtered(rows)}
