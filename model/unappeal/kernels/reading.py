"""What `unappeal.classifier.ParagraphClassifier.read` needs of the library."""

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.context import F32, Network, presence_rows
from unappeal.evidence import Evidence
from unappeal.kernels.structs import struct

STRIP, MAX_COLUMNS = 56, 512


def fits(reader: Network, judge: Network) -> bool:
    """Tell whether the networks are of a size that the library has room for."""
    three = reader.out.shape == (len(reader.bias), 3) and reader.out_bias.shape == (3,)
    return three and len(reader.weights) < MAX_COLUMNS and len(reader.bias) + len(judge.bias) <= MAX_COLUMNS - STRIP


def read(library: ctypes.PyDLL, evidence: Evidence, reader: Network, judge: Network) -> tuple[F32, F32, F32]:
    """Give the first two features of each block ``(n, 2)``, the reader's logits, and what both begin in the judge."""
    n, n_reader, n_judge = len(evidence), len(reader.bias), len(judge.bias)
    width = -(-(n_reader + n_judge) // STRIP) * STRIP
    n_own = len(reader.weights)
    weights, of_logits = np.zeros((n_own, width), dtype=np.float32), np.zeros((3, width), dtype=np.float32)
    bias = np.zeros(width, dtype=np.float32)
    weights[:, :n_reader], weights[:, n_reader : n_reader + n_judge] = reader.weights, judge.weights[3 : 3 + n_own]
    of_logits[:, n_reader : n_reader + n_judge] = judge.weights[:3]
    bias[:n_reader], bias[n_reader : n_reader + n_judge] = reader.bias, judge.bias
    results = [np.empty((n, size), dtype=np.float32) for size in (2, 3, n_judge)]
    own = (
        evidence.sums.T, evidence.words, evidence.known, evidence.cues.T, evidence.cue_sums.T, evidence.cue_words,
        evidence.shape.T, evidence.titled, evidence.first_edge, evidence.last_edge, evidence.chars,
    )  # fmt: skip
    kept: list[npt.NDArray[Any] | int] = [n, evidence.cues.shape[1], *map(np.ascontiguousarray, own)]
    kept += [
        presence_rows(),
        weights,
        bias,
        of_logits,
        *(np.ascontiguousarray(part, dtype=np.float32) for part in (reader.out, reader.out_bias)),
    ]
    kept += [width, n_reader, n_judge, *results]
    library.read_blocks(struct(kept))
    return results[0], results[1], results[2]
