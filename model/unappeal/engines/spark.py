"""`filter_dataframe`: a column of a Spark DataFrame filtered by the executors' Python workers.

Import this module before the session is made: Spark reads ``PYSPARK_PYTHON``, which is set here, when it starts.
"""

import os
import sys
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from unappeal.threads import use_one_thread

use_one_thread()  # before NumPy: Spark runs one worker a core
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)

from unappeal.blocks import BlockMode  # noqa: E402
from unappeal.engines.options import FilterOptions  # noqa: E402
from unappeal.filter import DEFAULT_DROP, DEFAULT_MAX_REMOVED, in_batches  # noqa: E402

try:
    import pyarrow as pa
    from pyspark.sql.types import StringType, VarcharType
except ImportError as exc:
    raise ImportError(
        f'unappeal.engines.spark needs pyspark and pyarrow: pip install "unappeal[spark]" ({exc})'
    ) from exc

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def filter_dataframe(
    df: "DataFrame",
    column: str = "text",
    *,
    model: str | os.PathLike[str] | None = None,
    max_body_loss: float | None = None,
    max_removed: float = DEFAULT_MAX_REMOVED,
    drop: Collection[str] = DEFAULT_DROP,
    blocks: BlockMode = "auto",
) -> "DataFrame":
    """Give a new DataFrame with one column's texts filtered; same schema, same rows, nulls stay null.

    Lazy, as everything in Spark; the removed text is what ``df`` has and the result has not. ``model`` is a name, or a
    path that is the same on every machine; each Python worker loads it when its first rows come. Other parameters as
    for `unappeal.filter_text`.

    Raises KeyError where there is no such column, TypeError where it holds no strings.
    """
    if column not in df.columns:
        raise KeyError(f"no column {column!r}, only {', '.join(map(repr, df.columns))}")
    if not isinstance(df.schema[column].dataType, StringType | VarcharType):
        raise TypeError(f"column {column!r} must hold strings, not {df.schema[column].dataType.simpleString()}")
    work = _Work(column, FilterOptions.checked(model, max_body_loss, max_removed, drop, blocks))
    # Not mapInPandas: before Spark 4.2 it takes other columns' whole numbers through floats where some are null
    # (SPARK-54962), and 9223372036854775707 comes back as 9223372036854775807.
    return df.mapInArrow(work, df.schema)


class _Work:
    """What workers do to a partition; a class of this module, so that pickling sends a name and not code."""

    def __init__(self, column: str, options: FilterOptions) -> None:
        self.column = column
        self.options = options

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            at = batch.schema.get_field_index(self.column)
            cleaned = pa.array(self._cleaned(batch.column(at).to_pylist()), type=batch.schema.field(at).type)
            columns = [cleaned if i == at else batch.column(i) for i in range(batch.num_columns)]
            yield pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    def _cleaned(self, texts: list[str | None]) -> list[str | None]:
        rows = [row for row, text in enumerate(texts) if text is not None]
        for part in in_batches(rows, lambda row: len(texts[row] or "")):
            result = self.options.filter([texts[row] or "" for row in part])
            for row, text in zip(part, result.texts, strict=True):
                texts[row] = text
        return texts
