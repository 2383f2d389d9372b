"""Authored documents as shards of records, for tests of engines and recipes."""

import json
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import unappeal
from unappeal_training.dataset import read_authored

INSTALL = {"datatrove": "unappeal[datatrove]", "pyspark": "unappeal[spark]"}


README = Path(__file__).resolve().parents[1] / "README.md"


def recipe(engine: str) -> str:
    """The code that the README's table of engines has for one."""
    table = README.read_text(encoding="utf-8").split("| engine |")[1].split("\n\n")[0]
    cells = dict(re.findall(r"^\| ([^|]+) \| [^|]+ \| (.+) \|$", table, re.MULTILINE))
    return "\n".join(re.findall(r"`([^`]+)`", cells[engine]))


def required(module: str) -> Any:
    """Import what CI installs; elsewhere skip where it is missing, with the line that installs it."""
    if "UNAPPEAL_CI" in os.environ:
        return import_module(module)
    return pytest.importorskip(module, reason=f'needs {module}: pip install "{INSTALL.get(module, module)}"')


def records(n: int = 60) -> list[dict[str, Any]]:
    """Authored documents, spread over all files; some hold no block of noise, some almost nothing else."""
    documents = read_authored()
    step = max(1, len(documents) // n)
    return [
        {
            "id": document.id,
            "text": "\n\n".join(document.blocks),
            "metadata": {"lang": document.lang, "n": 9007199254740993 + number if number % 3 else None},
        }
        for number, document in enumerate(documents[::step])
    ]


def write_shards(rows: list[dict[str, Any]], folder: Path, n_shards: int = 5) -> Path:
    """Write records as n JSONL files, in order."""
    folder.mkdir(parents=True)
    for number in range(n_shards):
        part = rows[number * len(rows) // n_shards : (number + 1) * len(rows) // n_shards]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part)
        (folder / f"shard-{number}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def filtered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a single process makes of them."""
    return list(unappeal.filter_documents(rows))
