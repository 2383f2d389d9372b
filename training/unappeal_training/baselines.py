"""What others would use, on the same folds: TF-IDF with a linear model, and fastText."""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline

from unappeal.labels import LABELS
from unappeal_training.build import CrossFitted
from unappeal_training.crossfit import rows_without

Scores = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
Baseline = Callable[[Sequence[str], Labels, Sequence[str]], Scores]

FASTTEXT_MISSING = "fastText is not installed (pip install fasttext-numpy2-wheel): left out"


def has_fasttext() -> bool:
    return find_spec("fasttext") is not None


def tfidf(texts: Sequence[str], labels: Labels, held_out: Sequence[str]) -> Scores:
    """Words and word pairs, logistic loss."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32),
        SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=20, tol=None, random_state=7),
    )
    model.fit(texts, labels)
    return np.asarray(model.predict_proba(held_out), dtype=np.float32)


def fasttext(texts: Sequence[str], labels: Labels, held_out: Sequence[str]) -> Scores:
    """Word pairs, 16 dimensions.

    It runs in a fresh process: it reads memory it never set, which is zeros there and gives NaN in a process that has
    worked before.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(_fasttext, list(texts), labels, list(held_out)).result()


BASELINES: dict[str, Baseline] = {"TF-IDF + SGD": tfidf, "fastText": fasttext}


def cross_predicted(result: CrossFitted, baseline: Baseline) -> Scores:
    """Predict every labelled block of a table by a baseline that saw what our model of that fold saw."""
    table = result.table
    texts = [block for d in table.documents for block in d.blocks]
    scores = np.zeros((len(texts), len(LABELS)), dtype=np.float32)
    for k in range(int(result.fold.max()) + 1):
        inside = np.flatnonzero(rows_without(table, result.fold == k))
        out = np.flatnonzero((result.fold == k)[table.document] & (table.labels >= 0))
        scores[out] = baseline([texts[i] for i in inside], table.labels[inside], [texts[i] for i in out])
    return scores


def _fasttext(texts: Sequence[str], labels: Labels, held_out: Sequence[str]) -> Scores:
    import fasttext as library

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        lines = (f"__label__{n} {_one_line(text)}" for n, text in zip(labels.tolist(), texts, strict=True))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")
        model = library.train_supervised(
            str(path), wordNgrams=2, dim=16, epoch=20, lr=0.2, minCount=2, bucket=500_000, thread=1, verbose=0
        )
    scores = np.zeros((len(held_out), len(LABELS)), dtype=np.float32)
    for row, text in zip(scores, held_out, strict=True):
        for name, probability in zip(*model.predict(_one_line(text), k=len(LABELS)), strict=True):
            row[int(name.removeprefix("__label__"))] = probability
    return scores


def _one_line(text: str) -> str:
    return " ".join(text.casefold().split())
