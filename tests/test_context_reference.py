"""The features of a block and of its context against their definitions: one block, one neighbour, one cue at a time."""

import json
import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from unappeal import ParagraphClassifier, load_model
from unappeal.blocks import split_batch
from unappeal.context import (
    DECAYS,
    FAR_BLOCKS,
    LONG_STORY_CHARS,
    MARKER_CHARS,
    MARKERS,
    NEIGHBOURS,
    SAID,
    SIMILAR_AT,
    VOCABULARY_BUCKETS,
    Network,
    block_features,
    document_feature_names,
    document_features,
)
from unappeal.evidence import EDGES, FIXED_POINT, SHAPE_FIELDS, Evidence
from unappeal.labels import APPEAL, BODY

TOLERANCE = 1e-4
REACH = 32
STOPS = ("stop", "question", "exclamation", "quote")
SHAPES = [name for fields in SHAPE_FIELDS for name in fields]
AUTHORED = Path(__file__).resolve().parents[1] / "data" / "authored"

Values = dict[str, float]


def network_logits(network: Network, values: list[float]) -> list[float]:
    """A network by its definition, in double precision."""
    standard = (np.array(values) - network.mean.astype(float)) / network.scale.astype(float)
    hidden = np.maximum(standard @ network.hidden.astype(float) + network.hidden_bias, 0)
    logits: list[float] = (hidden @ network.out.astype(float) + network.out_bias).tolist()
    return logits


def probabilities(logits: list[float]) -> list[float]:
    powers = [math.exp(logit - max(logits)) for logit in logits]
    return [power / sum(powers) for power in powers]


def agreed(judged: list[list[float]]) -> list[list[float]]:
    """Between two blocks of sure story an appeal, and beside a sure appeal the story, is less likely."""
    result = [list(scores) for scores in judged]
    for i, scores in enumerate(result):
        beside = [judged[j] for j in (i - 1, i + 1) if 0 <= j < len(judged)]
        if len(beside) == 2 and all(other[BODY] > 0.7 for other in beside):
            scores[APPEAL] *= math.exp(-1)
        if any(other[APPEAL] > 0.6 for other in beside):
            scores[BODY] *= math.exp(-0.5)
        result[i] = [score / sum(scores) for score in scores]
    return result


def own_values(evidence: Evidence, i: int, concepts: tuple[str, ...]) -> Values:
    """The features of block ``i`` alone."""
    words, chars = int(evidence.words[i]), int(evidence.chars[i])
    noise, appeal, noise_above, appeal_above = (int(total) / FIXED_POINT for total in evidence.sums[i])
    known, seen = int(evidence.known[i]) / max(words, 1), min(max(chars, 1), 320)
    values: Values = {"known_share": known, "unknown": known < 0.3, "is_long": chars > LONG_STORY_CHARS}
    for name, total in (("noise", noise), ("appeal", appeal)):
        values[f"{name}_words"] = min(max(total / math.sqrt(words + 1), -8), 8)
        values[f"{name}_words_mean"] = min(max(total / (words + 2), -4), 4)
    for name, total in (("noise", noise_above), ("appeal", appeal_above)):
        values[f"{name}_words_above"] = min(total / math.sqrt(words + 1), 12)
    for name, total in zip(("noise", "appeal"), evidence.cue_sums[i].tolist(), strict=True):
        place = math.sqrt(int(evidence.cue_words[i]) + 1)
        values[f"{name}_cues"] = min(max(total / FIXED_POINT / place, -8), 8)
    values["log_words"], values["log_chars"] = math.log2(words + 1), math.log2(chars + 1)
    values["titled_share"] = int(evidence.titled[i]) / max(words, 1)
    values["word_chars"] = min(seen / max(words, 1), 30)
    for name, count in zip(SHAPES, evidence.shape[i].tolist(), strict=True):
        values[f"share_{name}"], values[f"has_{name}"] = count / seen, min(count, 3)
    for k, name in enumerate(EDGES):
        values[f"first_{name}"], values[f"last_{name}"] = evidence.first_edge[i] == k, evidence.last_edge[i] == k
    for name, count in zip(concepts, evidence.cues[i].tolist(), strict=True):
        values[f"cue_{name}"], values[f"density_{name}"] = min(count, 4), math.sqrt(count / max(words, 1))
    return values


class SlowDocument:
    """One document's blocks, and every feature of their context by its definition."""

    def __init__(self, evidence: Evidence, model: ParagraphClassifier) -> None:
        self.evidence, self.n = evidence, len(evidence)
        self.concepts = model.evidence_.concepts
        self.names = document_feature_names(self.concepts)
        self.own = [own_values(evidence, i, self.concepts) for i in range(self.n)]
        own_names = self.names[3 : 3 + len(model.reader_.mean)]
        self.reader = [network_logits(model.reader_, [own[name] for name in own_names]) for own in self.own]
        self.believed = [probabilities(logits) for logits in self.reader]
        self.chars = evidence.chars.tolist()
        self.story = [c >= LONG_STORY_CHARS and p[0] > 0.5 for c, p in zip(self.chars, self.believed, strict=True)]
        mixed = [key * 0xD6E8FEB86659FD93 % 2**64 for key in evidence.term_hash.tolist()]
        buckets, bounds = [key * VOCABULARY_BUCKETS >> 64 for key in mixed], evidence.term_first.tolist()
        self.terms = [buckets[begin:end] for begin, end in pairwise(bounds)]

    def rows(self) -> list[list[float]]:
        rows = []
        for i in range(self.n):
            values = self.own[i] | self.neighbours(i) | self.lists(i) | self.decays(i) | self.markers(i) | self.place(i)
            values |= dict(zip(("reader_body", "reader_appeal", "reader_related"), self.reader[i], strict=True))
            rows.append([float(values[name]) for name in self.names])
        return rows

    def either_side(self, i: int, give: Callable[[str, int], Values], distances: tuple[int, ...]) -> Values:
        values: Values = {}
        for k in distances:
            for side, j in (("before", i - k), ("after", i + k)):
                if 0 <= j < self.n:
                    values |= {f"{name}_{side}_{k}": value for name, value in give(side, j).items()}
                else:
                    values |= {f"{name}_{side}_{k}": 0 for name in give(side, i)}
        return values

    def neighbours(self, i: int) -> Values:
        def give(side: str, j: int) -> Values:
            own, (_, appeal, related) = self.own[j], self.believed[j]
            stop = EDGES[self.evidence.last_edge[j]] in STOPS
            values = {"appeal": appeal, "related": related, "log_chars": own["log_chars"] / 8, "stop": stop}
            return values | {name: own[name] for name in ("appeal_words", "noise_words")}

        return self.either_side(i, give, tuple(NEIGHBOURS))

    def lists(self, i: int) -> Values:
        def give(side: str, j: int) -> Values:
            e = self.evidence
            edges = e.first_edge[i] == e.first_edge[j] and e.last_edge[i] == e.last_edge[j]
            longer = min(max(self.own[i]["log_chars"] - self.own[j]["log_chars"], -4), 4)
            return {"same_lead": e.lead[i] == e.lead[j], "same_edges": edges, "longer": longer}

        return self.either_side(i, give, SIMILAR_AT)

    def decays(self, i: int) -> Values:
        values: Values = {}
        for decay in DECAYS:
            for side, step in (("before", -1), ("after", 1)):
                near = [j for j in (i + step * k for k in range(1, REACH + 1)) if 0 <= j < self.n]
                for c, part in enumerate(("body", "appeal", "related", "story")):
                    values[f"{part}_{side}_decay_{decay}"] = sum(
                        decay ** (abs(j - i) - 1)
                        * (self.believed[j][c] if c < 3 else min(self.chars[j], 400) / 400 * self.believed[j][0])
                        for j in near
                    )
        return values

    def has_cue(self, j: int, names: tuple[str, ...]) -> bool:
        return any(self.evidence.cues[j, self.concepts.index(name)] > 0 for name in names)

    def markers(self, i: int) -> Values:
        values: Values = {}
        for kind, names in MARKERS.items():
            marked = [j for j in range(self.n) if self.chars[j] <= MARKER_CHARS and self.has_cue(j, names)]
            for side, distances in (("before", [i - j for j in marked]), ("after", [j - i for j in marked])):
                nearest = min((d for d in distances if d > 0), default=None)
                values[f"{kind}_{side}_near"] = 1 / nearest if nearest else 0
                values[f"{kind}_{side}_far"] = math.exp(-nearest / FAR_BLOCKS) if nearest else 0
        return values

    def place(self, i: int) -> Values:
        n, chars = self.n, self.chars
        stories = [j for j in range(n) if self.story[j]]
        to_start, to_end = (i - stories[0], i - stories[-1]) if stories else (0, 0)
        values: Values = {
            "from_start": math.log2(i + 1), "from_end": math.log2(n - i), "near_start": 1 / (i + 1),
            "near_end": 1 / (n - i), "relative": i / max(n - 1, 1), "log_blocks": math.log2(n),
            "before_story": to_start < 0, "after_story": to_end > 0, "no_story": not stories,
            "to_story_start": math.copysign(math.log2(abs(to_start) + 1), to_start),
            "to_story_end": math.copysign(math.log2(abs(to_end) + 1), to_end),
            "mean_log_chars": sum(own["log_chars"] / 8 for own in self.own) / n,
            "story_share": sum(chars[j] for j in stories) / max(sum(chars), 1),
            "repeated": min(Counter(self.evidence.key.tolist())[int(self.evidence.key[i])] - 1, 3),
            "chars_before": math.log2(sum(chars[:i]) / 64 + 1), "chars_after": math.log2(sum(chars[i + 1 :]) / 64 + 1),
        }  # fmt: skip
        for c, part in enumerate(("body", "appeal", "related")):
            values[f"mean_{part}"] = sum(p[c] for p in self.believed) / n
        mine, everywhere = self.terms[i], Counter(t for terms in self.terms for t in terms)
        told = Counter(t for j in stories for t in self.terms[j])
        values["shared_terms"] = sum(everywhere[t] > 1 for t in mine) / max(len(mine), 1)
        values["few_terms"] = len(mine) < 2
        values["story_terms"] = sum(told[t] > self.story[i] for t in mine) / max(len(mine), 1)
        others = [j for j in range(n) if j != i]
        words = sum(self.believed[j][0] * int(self.evidence.words[j]) for j in others)
        for concept in SAID:
            cues = self.evidence.cues[:, self.concepts.index(concept)]
            said = sum(self.believed[j][0] * int(cues[j]) for j in others)
            values[f"story_says_{concept}"] = min(10 * said / max(words, 1), 1)
        return values


def documents() -> list[list[str]]:
    """Every fortieth document written for the project, and what has hard edges."""
    lines = [line for path in sorted(AUTHORED.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    records = map(json.loads, lines[::40])
    chosen = [[block["text"] for block in record["blocks"]] for record in records]
    return [
        *chosen,
        ["One"],
        ["Read more", "Home"] * 40,
        [],
        ["支持我們", "訂閱電子報"],
        ["The same words again. " * 20] * 3,
    ]


@pytest.mark.parametrize("which", ["tiny", "shipped"])
def test_features_and_scores_agree_with_the_slow_reference(which: str, tiny_model: ParagraphClassifier) -> None:
    model = tiny_model if which == "tiny" else load_model()
    batch = split_batch(documents())
    evidence = model.evidence(batch)
    reading = model.read(evidence)
    fast = document_features(evidence, batch.first, block_features(evidence), reading.logits, model.evidence_.concepts)
    scores = model.predict_proba(documents())
    of_document = batch.document_of_block()
    for number in range(len(batch.texts)):
        part = of_document == number
        slow = SlowDocument(evidence.select(part), model)
        rows = slow.rows()
        if rows:
            wrong = np.abs(np.array(rows) - fast[part]).max(axis=0)
            assert {name: w for name, w in zip(slow.names, wrong, strict=True) if w > 5 * TOLERANCE} == {}
            expected = agreed([probabilities(network_logits(model.judge_, row)) for row in rows])
            np.testing.assert_allclose(scores[part], expected, rtol=0, atol=TOLERANCE)
