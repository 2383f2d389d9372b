"""Asking again about what is left: what is left out of the question cannot change the answer."""

import json
from pathlib import Path

import numpy as np
import pytest

from unappeal import ParagraphClassifier, load_model
from unappeal.blocks import split_batch
from unappeal.context import Network
from unappeal.settle import Judge, settle

AUTHORED = Path(__file__).resolve().parents[1] / "data" / "authored"
ALL_NOISE = np.array([False, True, True])


def documents() -> list[list[str]]:
    lines = [line for path in sorted(AUTHORED.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    return [[block["text"] for block in record["blocks"]] for record in map(json.loads, lines[::5])]


@pytest.mark.parametrize("seed", range(5))
def test_log_odds_rise_no_more_than_the_bound_says(seed: int) -> None:
    chance = np.random.default_rng(seed)
    n_own, n_context, n_hidden, n = 5, 7, 11, 600
    sizes = {"mean": n_own + n_context, "hidden_bias": n_hidden, "out_bias": 3}
    parts = {name: chance.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    hidden, out = (chance.normal(size=size).astype(np.float32) for size in ((12, n_hidden), (n_hidden, 3)))
    scale = chance.uniform(0.5, 2, n_own + n_context).astype(np.float32)
    network = Network(parts["mean"], scale, hidden, parts["hidden_bias"], out, parts["out_bias"])
    begun = network.begun(chance.normal(size=(n_own, n)).astype(np.float32))
    before, after = (chance.normal(size=(n_context, n)).astype(np.float32) for _ in range(2))
    after[:, ::2] = before[:, ::2] + after[:, ::2] / 100
    old, new = (network.ended(columns, begun) for columns in (before, after))
    rises = (new - new[:, :1]) - (old - old[:, :1])
    bound = network.most_rise(before, after)
    assert (rises[:, 1:].max(axis=1) <= bound + 1e-4).all()
    assert np.median(bound) < 100


@pytest.mark.parametrize("max_body_loss", [0.0005, 0.002, 0.05])
@pytest.mark.parametrize("which", ["tiny", "shipped"])
def test_labels_are_those_of_asking_about_every_block(
    which: str, max_body_loss: float, tiny_model: ParagraphClassifier
) -> None:
    model, batch = tiny_model if which == "tiny" else load_model(), split_batch(documents())
    quick = settle(Judge(model, batch), max_body_loss, ALL_NOISE)
    whole = settle(Judge(model, batch), max_body_loss, ALL_NOISE, only=False)
    np.testing.assert_array_equal(quick, whole)
    assert whole.any()
