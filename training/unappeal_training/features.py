"""Sparse matrices of the hashed features, so that any fold's word weights are one product away.

A block's sum of weights is ``counts @ w``, with ``counts = (blocks x words) @ (words x features) + pairs``: the same
arithmetic as `unappeal.evidence.extract`, before rounding to integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from unappeal.blocks import split_batch
from unappeal.evidence import (
    SPACELESS_NGRAMS,
    U64,
    Cues,
    Evidence,
    EvidenceWeights,
    WordMemo,
    cue_features,
    extract_with_cues,
    n_cue_features,
    pair_features,
    spaceless_features,
    tokenize,
    word_features,
)
from unappeal_training.dataset import LabelledDocument

DOCUMENTS_AT_A_TIME = 256


@dataclass(frozen=True, slots=True)
class Table:
    """All blocks of some documents, with what does not depend on the word weights.

    ``counts`` ``(n_blocks, n_features)`` csr; ``keys`` ``(n_features,)`` hashed features, sorted; ``word_known``
    ``(n_blocks, n_features)`` csr counts the words themselves, so that known words can be counted; ``cues``
    ``(n_blocks, n_cue_features)`` csr counts cues and pairs of them in order; ``evidence`` has sums and known of zero.
    ``first`` bounds the documents.
    """

    documents: list[LabelledDocument]
    keys: U64
    counts: sparse.csr_matrix
    words: sparse.csr_matrix
    cues: sparse.csr_matrix
    evidence: Evidence
    first: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int8]
    weights: npt.NDArray[np.float32]

    @property
    def document(self) -> npt.NDArray[np.int64]:
        """Number of the document of every block."""
        return np.repeat(np.arange(len(self.documents)), np.diff(self.first))


def build_table(documents: Sequence[LabelledDocument], weights: EvidenceWeights) -> Table:
    """Compute every block's features."""
    chunks = [documents[i : i + DOCUMENTS_AT_A_TIME] for i in range(0, len(documents), DOCUMENTS_AT_A_TIME)]
    parts = [_chunk(chunk, weights) for chunk in chunks]
    keys = np.unique(np.concatenate([part[0] for part in parts]))
    counts = sparse.vstack([_aligned(part[1], part[0], keys) for part in parts], format="csr", dtype=np.float32)
    words = sparse.vstack([_aligned(part[2], part[0], keys) for part in parts], format="csr", dtype=np.float32)
    evidence = concatenate([part[4] for part in parts])
    first = np.concatenate(([0], np.cumsum([len(d.blocks) for d in documents])))
    return Table(
        list(documents),
        keys,
        counts,
        words,
        sparse.vstack([part[3] for part in parts], format="csr", dtype=np.float32),
        evidence,
        first,
        np.concatenate([d.labels for d in documents]),
        np.concatenate([d.weights for d in documents]),
    )


def concatenate(parts: Sequence[Evidence]) -> Evidence:
    """Join the evidence of several batches."""
    joined = {}
    offset = np.cumsum([0] + [len(part.term_hash) for part in parts])
    for name in Evidence.__dataclass_fields__:
        values = [getattr(part, name) for part in parts]
        if name == "term_first":
            values = [value[1:] + begin for value, begin in zip(values, offset, strict=False)]
            values.insert(0, np.zeros(1, dtype=np.int64))
        joined[name] = np.concatenate(values)
    return Evidence(**joined)


def _chunk(
    documents: Sequence[LabelledDocument], weights: EvidenceWeights
) -> tuple[U64, sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix, Evidence]:
    batch = split_batch([d.blocks for d in documents])
    tokens = tokenize(batch, weights.tables)
    _, which, word = np.unique(tokens.word_hash, return_index=True, return_inverse=True)
    owner, word_keys, values = word_features(tokens, which)
    blocks, keys = [], []
    if len(tokens.start) > 1:
        block, key = pair_features(tokens)
        blocks.append(block)
        keys.append(key)
    for length in SPACELESS_NGRAMS if len(tokens.char_at) else ():
        block, key = spaceless_features(tokens, length)
        blocks.append(block)
        keys.append(key)
    other_block = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.int64)
    other_keys = np.concatenate(keys) if keys else np.zeros(0, dtype=np.uint64)
    vocabulary = np.unique(np.concatenate((word_keys, other_keys)))
    n, n_words, n_keys = batch.n_blocks, len(which), len(vocabulary)
    per_block = sparse.csr_matrix((np.ones(len(word)), (tokens.block, word)), shape=(n, n_words))
    columns = np.searchsorted(vocabulary, word_keys)
    per_word = sparse.csr_matrix((values, (owner, columns)), shape=(n_words, n_keys))
    itself = sparse.csr_matrix((np.ones(n_words), (np.arange(n_words), columns[:n_words])), shape=(n_words, n_keys))
    others = sparse.csr_matrix(
        (np.ones(len(other_keys)), (other_block, np.searchsorted(vocabulary, other_keys))), shape=(n, n_keys)
    )
    evidence, cues = extract_with_cues(batch, weights, WordMemo())
    cue_counts = _cue_matrix(cues, n, len(weights.concepts))
    return vocabulary, per_block @ per_word + others, per_block @ itself, cue_counts, evidence


def _cue_matrix(cues: Cues, n: int, n_concepts: int) -> sparse.csr_matrix:
    """Count every block's `cue_features`."""
    found = list(cue_features(cues, n_concepts))
    block = cues.block[np.concatenate([which for which, _ in found])]
    feature = np.concatenate([feature for _, feature in found])
    values = np.ones(len(block), dtype=np.float32)
    return sparse.csr_matrix((values, (block, feature)), shape=(n, n_cue_features(n_concepts)))


def _aligned(matrix: sparse.csr_matrix, keys: U64, all_keys: U64) -> sparse.csr_matrix:
    """Renumber the columns from a chunk's keys to all keys."""
    columns = np.searchsorted(all_keys, keys)[matrix.indices]
    return sparse.csr_matrix(
        (matrix.data.astype(np.float32), columns.astype(np.int32), matrix.indptr),
        shape=(matrix.shape[0], len(all_keys)),
    )
