"""The classifier: shapes, order, scikit-learn's conventions, and a fit that gives the same arrays each time."""

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from unappeal import ParagraphClassifier, load_model
from unappeal.artefact import save_model
from unappeal.context import softmax
from unappeal.labels import APPEAL, BODY, LABELS, RELATED
from unappeal_training import fit
from unappeal_training.fit import fit_network

DOCUMENTS = ["Support us!\n\nThe council met on Monday.", "", "支持我們\n市長表示", "One line."]


def test_probabilities_have_a_row_a_block_in_the_order_of_the_documents(tiny_model: ParagraphClassifier) -> None:
    scores = tiny_model.predict_proba(DOCUMENTS)
    assert scores.shape == (5, 3)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)
    alone = np.concatenate([tiny_model.predict_proba([document]) for document in DOCUMENTS])
    assert np.array_equal(scores, alone)


def test_nothing_gives_nothing(tiny_model: ParagraphClassifier) -> None:
    assert tiny_model.predict_proba([]).shape == (0, 3)
    assert tiny_model.predict_proba(["", "\n"]).shape == (0, 3)
    assert tiny_model.predict([""]).tolist() == []


def test_predict_gives_the_most_probable_label_by_name(tiny_model: ParagraphClassifier) -> None:
    labels = tiny_model.predict(DOCUMENTS)
    assert set(labels.tolist()) <= {str(label) for label in LABELS}
    assert np.array_equal(tiny_model.classes_[tiny_model.predict_proba(DOCUMENTS).argmax(axis=1)], labels)


def test_classes_stand_in_the_order_of_the_labels(tiny_model: ParagraphClassifier) -> None:
    assert tiny_model.classes_.tolist() == ["body", "appeal", "related"]


def test_blocks_given_as_a_list_are_scored_as_they_stand(tiny_model: ParagraphClassifier) -> None:
    as_list = tiny_model.predict_proba([["Support us!", "The council met on Monday."]])
    assert np.array_equal(as_list, tiny_model.predict_proba([DOCUMENTS[0]]))


def test_context_changes_what_the_same_block_is(tiny_model: ParagraphClassifier) -> None:
    line = "Independent media is under attack."
    asked = tiny_model.predict_proba([[line, "Donate 5 € now", "Support us today"]])[0]
    told = tiny_model.predict_proba([["The minister spoke on Tuesday of the new law. " * 5, line]])[1]
    assert np.abs(asked - told).max() > 0.01


def test_asking_twice_gives_the_same_to_the_bit(tiny_model: ParagraphClassifier) -> None:
    assert np.array_equal(tiny_model.predict_proba(DOCUMENTS), tiny_model.predict_proba(DOCUMENTS))


@pytest.mark.parametrize("way", ["pickle", "joblib"])
def test_a_model_survives_the_way_to_a_worker_without_its_memory(
    tiny_model: ParagraphClassifier, tmp_path: Path, way: str
) -> None:
    expected = tiny_model.predict_proba(DOCUMENTS)
    if way == "pickle":
        stored = pickle.dumps(tiny_model)
        other = pickle.loads(stored)
        assert len(stored) < 20e6
    else:
        joblib.dump(tiny_model, tmp_path / "model.joblib")
        other = joblib.load(tmp_path / "model.joblib")
    assert "_memo" not in other.__dict__
    assert np.array_equal(other.predict_proba(DOCUMENTS), expected)


def test_parameters_are_stored_unchanged() -> None:
    model = ParagraphClassifier("default", 3, 1)
    assert (model.base, model.seed, model.n_jobs) == ("default", 3, 1)


def test_name_version_and_levels_come_from_the_artefact(tiny_folder: Path) -> None:
    model = load_model(tiny_folder)
    assert (model.name, model.version) == ("tiny", "0")
    assert model.levels == model.operating_point_.levels


@pytest.mark.slow
def test_the_same_training_run_gives_the_same_bytes(
    tiny_documents: list[Any], tiny_settings: Any, tiny_model: ParagraphClassifier, tmp_path: Path
) -> None:
    from unappeal_training.build import build_classifier, cross_fitted

    again = build_classifier(cross_fitted(tiny_documents, tiny_settings, 2), tiny_settings, 2)
    save_model(tiny_model, tmp_path / "one", {})
    save_model(again, tmp_path / "two", {})
    for name in ("weights.npz", "model.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_network_fitted_without_a_label_finds_that_label_unlikely() -> None:
    features = np.random.default_rng(3).normal(size=(400, 5)).astype(np.float32)
    labels = np.where(features[:, 0] > 0, RELATED, BODY).astype(np.int8)
    network = fit_network(features, labels, np.ones(len(labels)), units=8, epochs=600, alpha=0.001, seed=1)
    probabilities = softmax(network.logits(features))
    assert probabilities.shape == (400, 3)
    assert probabilities[:, APPEAL].max() < 0.001
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.95


@pytest.mark.parametrize(("epochs", "n_looks"), [(1, 8), (4, 16), (5, 24)])
def test_a_network_is_the_mean_of_what_it_was_in_the_second_half_of_its_epochs(
    epochs: int, n_looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(3)
    features = draw.normal(size=(2567, 4)).astype(np.float32)
    labels = draw.integers(0, 3, len(features)).astype(np.int8)
    seen = []

    def parameters(model: Any, real: Any = fit._parameters) -> Any:
        seen.append(real(model))
        return seen[-1]

    monkeypatch.setattr(fit, "_parameters", parameters)
    network = fit_network(features, labels, np.ones(len(labels)), units=6, epochs=epochs, alpha=0.01, seed=1)
    assert len(seen) == n_looks
    for array, name in enumerate(("hidden", "out", "hidden_bias", "out_bias")):
        mean = np.mean([parts[array] for parts in seen], axis=0)
        np.testing.assert_allclose(getattr(network, name), mean, atol=1e-6)
    assert np.abs(network.hidden - seen[-1][0]).max() > 1e-4
