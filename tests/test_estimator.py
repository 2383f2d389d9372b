"""The classifier as a scikit-learn estimator: parameters, fit, groups in cross-validation, pickles."""

import io
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.utils.validation import check_is_fitted

from unappeal import ParagraphClassifier
from unappeal.errors import InputError
from unappeal.labels import LABELS
from unappeal_training.estimator import removed_scorer

FAST = {"min_sites": 2, "word_epochs": 2, "reader_epochs": 2, "judge_epochs": 2, "members": 1}
Ragged = tuple[list[list[str]], list[list[str]]]


@pytest.fixture(scope="module")
def ragged(tiny_documents: list[Any]) -> Ragged:
    """Short documents that have every label, as lists of blocks, with as many labels."""
    whole = [d for d in tiny_documents if set(d.labels.tolist()) == {0, 1, 2}]
    chosen = sorted(whole, key=lambda d: len(d.blocks))[:15]
    return [list(d.blocks) for d in chosen], [[str(LABELS[n]) for n in d.labels] for d in chosen]


def test_parameters_are_stored_unchanged_cloned_and_checked() -> None:
    model = ParagraphClassifier(base="none", seed=3, n_jobs=1)
    assert model.get_params() == {"base": "none", "seed": 3, "n_jobs": 1, "settings": None}
    copy = clone(model)
    assert copy is not model
    assert copy.get_params() == model.get_params()
    assert model.set_params(seed=4).seed == 4
    with pytest.raises(ValueError, match="no parameter 'depth': there are base, seed, n_jobs, settings"):
        model.set_params(depth=3)
    assert repr(model) == "ParagraphClassifier(base='none', seed=4, n_jobs=1, settings=None)"
    assert is_classifier(model)


def test_fitting_gives_probabilities_in_the_order_of_the_classes(ragged: Ragged) -> None:
    documents, labels = ragged
    model = ParagraphClassifier(n_jobs=1, settings=FAST).fit(documents, labels)
    check_is_fitted(model)
    scores = model.predict_proba(documents)
    assert scores.shape == (sum(map(len, documents)), 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert model.classes_.tolist() == ["body", "appeal", "related"]
    assert model.score(documents, labels) > 0.4


def test_cross_validation_with_groups(ragged: Ragged) -> None:
    documents, labels = ragged
    groups = [i // 2 for i in range(len(documents))]
    result = cross_validate(
        ParagraphClassifier(n_jobs=1, settings=FAST),
        documents + documents,
        labels + labels,
        groups=groups + groups,
        cv=GroupKFold(2),
        params={"groups": list(range(2 * len(documents)))},
        scoring={"removed": removed_scorer("noise", 0.05)},
        error_score="raise",
    )
    assert len(result["test_removed"]) == 2
    assert ((result["test_removed"] >= 0) & (result["test_removed"] <= 1)).all()


def test_labels_must_fit_the_blocks(ragged: Ragged) -> None:
    documents, labels = ragged
    model = ParagraphClassifier(n_jobs=1, settings=FAST)
    with pytest.raises(ValueError, match="15 documents need as many entries in labels, not 14"):
        model.fit(documents, labels[1:])
    with pytest.raises(ValueError, match=r"document 0 has \d+ blocks and 1 labels"):
        model.fit(documents, [["body"], *labels[1:]])
    with pytest.raises(ValueError, match="document 0: label 'menu' is not one of body, appeal, related, or None"):
        model.fit(["Menu", *documents[1:]], ["menu", *labels[1:]])
    with pytest.raises(ValueError, match="15 documents need as many groups, not 1"):
        model.fit(documents, labels, groups=["a"])
    with pytest.raises(InputError, match="too few groups of documents: 2"):
        model.fit(documents[:2], labels[:2])
    with pytest.raises(ValueError, match="no setting 'depth': there are appeal_weight"):
        ParagraphClassifier(settings={"depth": 3}).fit(documents, labels)
    with pytest.raises(InputError, match="no documents in all: --base takes"):
        ParagraphClassifier(base="all").fit(documents, labels)


def test_a_text_is_split_into_blocks_and_none_is_no_label(tiny_model: ParagraphClassifier) -> None:
    assert tiny_model.score(["First line\nSecond line"], [[None, "body"]]) in (0.0, 1.0)
    assert np.isnan(tiny_model.score(["First line"], [[None]]))


def test_joblib_keeps_a_model_and_a_foreign_pickle_warns(tiny_model: ParagraphClassifier, tmp_path: Path) -> None:
    documents = ["Support us today.\nPrices rose."]
    joblib.dump(tiny_model, tmp_path / "model.joblib")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.predict_proba(documents), tiny_model.predict_proba(documents))
    state = {**tiny_model.__getstate__(), "_unappeal_version": "0.0.1"}
    foreign = ParagraphClassifier()
    with pytest.warns(UserWarning, match=r"was pickled by unappeal 0\.0\.1 and is read by .*save_model"):
        foreign.__setstate__(state)
    assert isinstance(pickle.load(io.BytesIO(pickle.dumps(foreign))), ParagraphClassifier)


def test_importing_and_classifying_load_nothing_of_scikit_learn() -> None:
    code = (
        "import sys, unappeal; m = unappeal.ParagraphClassifier(); m.get_params(); repr(m);"
        "print([n for n in ('sklearn', 'pandas', 'scipy', 'unappeal_training') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
