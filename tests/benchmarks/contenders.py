"""What else reads every block of a corpus, each given the blocks ready cut; splitting is counted for ours alone."""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.corpora import Corpus
from tests.benchmarks.line_rules import c4_keeps
from tests.benchmarks.measuring import Contender

from unappeal.blocks import split_batch
from unappeal.classifier import ParagraphClassifier
from unappeal.filter import filter_batch, in_batches

EVIDENCE, CONTEXT, WHOLE = "unappeal: evidence only", "unappeal: evidence + context", "unappeal: whole filter"
HASHING, TFIDF, FASTTEXT = "HashingVectorizer alone", "TF-IDF + SGDClassifier", "fastText"
C4, JUSTEXT = "C4 line rules", "jusText rules"
PACKAGES = {HASHING: "sklearn", TFIDF: "sklearn", FASTTEXT: "fasttext", JUSTEXT: "justext"}
"""What a contender needs; it is left out where that is not installed."""


def our_contenders(corpus: Corpus, model: ParagraphClassifier) -> dict[str, Contender]:
    """This classifier at three stages; batches as `unappeal.filter_documents` makes them."""
    batches = list(in_batches(corpus.texts, len))
    stages: dict[str, Callable[[list[str]], object]] = {
        EVIDENCE: lambda batch: model.evidence(split_batch(batch)),
        CONTEXT: model.predict_proba,
        WHOLE: lambda batch: filter_batch(batch, model=model),
    }
    return {name: partial(_each, stage, batches) for name, stage in stages.items()}


def other_contenders(corpus: Corpus, training: Sequence[tuple[str, str]]) -> dict[str, Contender]:
    """The others, trained on ``training``, pairs of block and label, where they are trained at all."""
    makers: dict[str, Callable[[Corpus, Sequence[tuple[str, str]]], Contender]] = {
        FASTTEXT: _fasttext,
        HASHING: _hashing,
        TFIDF: _tfidf,
        C4: lambda corpus, _: partial(_each, c4_keeps, corpus.blocks),
        JUSTEXT: _justext,
    }
    present = {name: make for name, make in makers.items() if name not in PACKAGES or find_spec(PACKAGES[name])}
    return {name: make(corpus, training) for name, make in present.items()}


def _each(function: Callable[[Any], object], items: Sequence[Any]) -> None:
    for item in items:
        function(item)


def _hashing(corpus: Corpus, training: Sequence[tuple[str, str]]) -> Contender:
    from sklearn.feature_extraction.text import HashingVectorizer

    return partial(HashingVectorizer(ngram_range=(1, 2), dtype=np.float32).transform, corpus.blocks)


def _tfidf(corpus: Corpus, training: Sequence[tuple[str, str]]) -> Contender:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32),
        SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=5, tol=None, random_state=7),
    )
    model.fit([text for text, _ in training], [label for _, label in training])
    return partial(model.predict_proba, corpus.blocks)


def _fasttext(corpus: Corpus, training: Sequence[tuple[str, str]]) -> Contender:
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.bin"
        # Trained in a fresh process: fastText reads memory that it never set, zeros there, NaN in one that has worked.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            fresh.submit(train_fasttext, list(training), path).result()
        model = fasttext.load_model(str(path))
    lines = [block.casefold() + "\n" for block in corpus.blocks]
    return partial(model.f.multilinePredict, lines, 1, 0.0, "replace")


def train_fasttext(training: Sequence[tuple[str, str]], path: Path) -> None:
    """Train on word pairs, 16 dimensions."""
    import fasttext

    lines = (f"__label__{label} {' '.join(text.casefold().split())}\n" for text, label in training)
    table = path.with_name("train.txt")
    table.write_text("".join(lines), encoding="utf-8", errors="replace")
    model = fasttext.train_supervised(
        str(table), wordNgrams=2, dim=16, epoch=5, lr=0.2, minCount=2, bucket=500_000, thread=1, verbose=0
    )
    model.save_model(str(path))


def _justext(corpus: Corpus, training: Sequence[tuple[str, str]]) -> Contender:
    from justext import get_stoplist
    from justext.core import classify_paragraphs, revise_paragraph_classification
    from justext.paragraph import Paragraph

    class Line(Paragraph):  # type: ignore[misc]
        """A block; without HTML there are no paths, links and tags."""

        dom_path = xpath = ""
        chars_count_in_links = tags_count = 0
        heading = False

        def __init__(self, text: str) -> None:
            self.text_nodes = [text]
            self.class_type = ""

    stoplist = get_stoplist("English")

    def judge(text: str) -> None:
        lines = [Line(line) for line in text.splitlines() if line.strip()]
        classify_paragraphs(lines, stoplist)
        revise_paragraph_classification(lines)

    return partial(_each, judge, corpus.texts)
