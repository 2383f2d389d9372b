"""Whether cost grows as the text does: documents of more and more blocks, and one very long line."""

from collections.abc import Sequence
from functools import partial

from tests.benchmarks.corpora import Corpus
from tests.benchmarks.measuring import Contender, Timing, take_turns

from unappeal.classifier import ParagraphClassifier
from unappeal.filter import filter_batch, in_batches

SIZES = (10, 100, 1_000, 10_000)
DOCUMENTS = 4
"""Of the largest size; one takes 25 ms, too short a time to compare."""
LINE_CHARS = 20_000_000


def size_timings(
    corpus: Corpus, model: ParagraphClassifier, repeats: int, sizes: Sequence[int] = SIZES
) -> dict[int, Timing]:
    """Measure the same blocks as many short documents and as few long ones, as many blocks each time."""
    n_blocks = DOCUMENTS * sizes[-1]
    blocks = (corpus.blocks * (n_blocks // max(len(corpus.blocks), 1) + 1))[:n_blocks]
    contenders: dict[str, Contender] = {}
    for size in sizes:
        texts = ["\n".join(blocks[i : i + size]) for i in range(0, len(blocks), size)]
        contenders[str(size)] = partial(_filtered, texts, model)
    timings = take_turns(contenders, repeats)
    return {size: timings[str(size)] for size in sizes}


def line_timing(corpus: Corpus, model: ParagraphClassifier, n_chars: int = LINE_CHARS) -> Timing:
    """Measure one line of so many characters."""
    joined = " ".join(corpus.blocks)
    line = (joined * (n_chars // len(joined) + 1))[:n_chars]
    return take_turns({"line": partial(_filtered, [line], model)}, 1)["line"]


def _filtered(texts: list[str], model: ParagraphClassifier) -> None:
    for batch in in_batches(texts, len):
        filter_batch(batch, model=model, blocks="line")
