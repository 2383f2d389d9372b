"""The README's recipes, as they are pasted: each gives what a single process gives."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.engine_data import filtered, records, required

import unappeal

PANDAS = 'df = unappeal.filter_frame(df, "text")'
DATASETS = 'ds = ds.map(lambda batch: {"text": unappeal.filter_batch(batch["text"]).texts}, batched=True)'
POLARS = (
    'df = df.with_columns(pl.Series("text", [d["text"] for d in '
    'unappeal.filter_documents(df.select("text").iter_rows(named=True))]))'
)
RAY = 'ds = ds.map_batches(unappeal.filter_frame, batch_format="pandas")'


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [{"id": row["id"], "text": row["text"], "lang": row["metadata"]["lang"]} for row in records(40)]


def run(recipe: str, **names: Any) -> dict[str, Any]:
    names["unappeal"] = unappeal
    exec(recipe, names)
    return names


def test_pandas(rows: list[dict[str, Any]]) -> None:
    assert run(PANDAS, df=pd.DataFrame(rows))["df"].to_dict("records") == filtered(rows)


@pytest.mark.parametrize("processes", [None, 2])
def test_hugging_face_datasets(
    rows: list[dict[str, Any]], processes: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = required("datasets")
    recipe = DATASETS if processes is None else DATASETS.replace("batched=True", f"batched=True, num_proc={processes}")
    datasets.disable_progress_bars()
    done = run(recipe, ds=datasets.Dataset.from_list(rows))["ds"]
    assert done.to_list() == filtered(rows)


def test_polars(rows: list[dict[str, Any]]) -> None:
    polars = required("polars")
    assert run(POLARS, df=polars.DataFrame(rows), pl=polars)["df"].to_dicts() == filtered(rows)


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
    done = run(RAY, ds=ray.data.from_items(rows, override_num_blocks=4))["ds"]
    found = {row["id"]: row for row in done.take_all()}
    assert found == {row["id"]: row for row in filtered(rows)}
