"""Checks before training, fold groups, near-duplicates, and the comparison of two models."""

from pathlib import Path

import numpy as np
import pytest

from unappeal.errors import InputError
from unappeal_training.checks import (
    across_sites,
    count_findings,
    fold_findings,
    known_to,
    objections,
    without_contradictions,
)
from unappeal_training.compare import compare, contradiction, unpaired
from unappeal_training.dataset import LabelledDocument, block_key
from unappeal_training.groups import block_pairs, grouped
from unappeal_training.labelled import Labels, read_labels
from unappeal_training.measures import Estimate, Sample
from unappeal_training.near import linked, near_duplicates

STORY = "The council of {} voted on Monday evening to close the old swimming pool and to sell its land to a builder."


def read(tmp_path: Path, rows: list[tuple[str, str, str, str]]) -> Labels:
    lines = ["text\tlabel\tdocument\tposition\tsite"]
    lines += [f"{text}\t{label}\t{document}\t{i}\t{site}" for i, (text, label, document, site) in enumerate(rows)]
    path = tmp_path / "labels.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_labels([path])


def documents(n: int, labels: str = "abr") -> list[LabelledDocument]:
    numbers = np.array(["bar".index(c) for c in labels], dtype=np.int8)
    blocks = tuple(f"Block {c}" for c in labels)
    weights = np.ones(len(labels), dtype=np.float32)
    return [
        LabelledDocument(f"d{i}", f"d{i}", f"site{i}", "en", "x", "labels", blocks, numbers, weights, True)
        for i in range(n)
    ]


def test_near_duplicates_differ_by_a_name_and_short_blocks_never_count() -> None:
    texts = [
        STORY.format("Riga"),
        "Read more",
        STORY.format("Tartu"),
        "Something else entirely, and long enough to count.",
    ]
    assert list(near_duplicates([*texts, "Read more"])) == [(0, 2)]
    chinese = "市議會星期一晚上投票決定關閉舊游泳池並把土地出售給一家建築公司以償還市政府在過去十年累積的債務和利息"
    assert list(near_duplicates([chinese, "近日" + chinese])) == [(0, 1)]


def test_linked_things_share_the_smallest_number() -> None:
    assert linked(5, [(3, 4), (1, 3)]) == [0, 1, 2, 1, 1]


def test_a_long_text_with_two_labels_is_listed_with_rows_and_loses_them(tmp_path: Path) -> None:
    text = STORY.format("Riga")
    labels, findings = without_contradictions(
        read(
            tmp_path,
            [
                (text, "body", "a", "x"),
                (text, "related", "b", "y"),
                ("Continue", "appeal", "a", "x"),
                ("Continue", "related", "b", "y"),
            ],
        )
    )
    assert [d.labels.tolist() for d in labels.documents] == [[-1, 1], [-1, 2]]
    assert "1 conflicting duplicates" in findings[0].summary
    assert "labels.tsv:2 body" in findings[0].examples[0]
    assert "labels.tsv:3 related" in findings[0].examples[0]


def test_near_duplicates_across_sites_are_told_and_kept_in_one_group(tmp_path: Path) -> None:
    labels = read(tmp_path, [(STORY.format(f"Riga {i}"), "body", f"d{i}", f"s{i}") for i in range(2)])
    pairs = block_pairs(labels.documents)
    assert "1 near-duplicate pairs across sites" in across_sites(labels, pairs)[0].summary
    groups = grouped(labels.documents, pairs)
    assert (groups.by, groups.n_groups, groups.n_joined) == ("document", 1, 1)


def test_folds_are_by_site_where_there_are_enough(tmp_path: Path) -> None:
    labels = read(tmp_path, [(f"Block {i}", "body", f"d{i}", f"s{i % 6}") for i in range(12)])
    assert grouped(labels.documents, []).n_groups == 6
    assert grouped(labels.documents, [], "document").n_groups == 12


def test_too_few_of_a_label_warns_and_too_few_folds_stop() -> None:
    found = count_findings(documents(6, "bbr"))
    assert [f.summary.split(":")[0] for f in found] == [
        "only 12 blocks of body",
        "only 0 blocks of appeal",
        "only 6 blocks of related",
    ]
    groups = grouped(documents(12, "bbr"), [])
    with pytest.raises(
        InputError, match="too few appeal: 0 blocks in 0 of 5 folds, where 3 folds at least must have some"
    ):
        fold_findings(groups, groups.documents)


def test_too_few_groups_stop() -> None:
    groups = grouped(documents(9), [])
    with pytest.raises(InputError, match="too few groups of documents: 9, where 10 at least are wanted"):
        fold_findings(groups, groups.documents)


def test_blocks_in_several_folds_are_told() -> None:
    long = [
        LabelledDocument(d.id, d.group, d.site, "en", "x", "labels", (STORY, *d.blocks[1:]), d.labels, d.weights, True)
        for d in documents(12)
    ]
    groups = grouped(long, [])
    summaries = [f.summary for f in fold_findings(groups, groups.documents)]
    assert any("12 of 12 long blocks stand in several folds word for word" in s for s in summaries)
    assert known_to(long, {block_key(STORY)}) == 1.0
    assert known_to(documents(2), {block_key(STORY)}) == 0.0


def sample(quality: float, seed: int = 0, n: int = 600) -> Sample:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, n).astype(np.int8)
    margin = (labels != 0) * quality + np.random.default_rng(9).normal(size=n)
    scores = np.full((n, 3), 1 / 3, dtype=np.float32)
    return Sample(margin, scores, labels, np.full(n, 50, dtype=np.int64), np.arange(n, dtype=np.int64) % 20)


@pytest.mark.parametrize(
    ("new", "old", "verdict"), [(4.0, 2.0, "better"), (2.0, 4.0, "worse"), (3.0, 3.0, "not distinguishable")]
)
def test_the_verdict_follows_the_paired_difference(new: float, old: float, verdict: str) -> None:
    comparison = compare(sample(new), sample(old), 60)
    assert comparison is not None
    assert comparison.overall.verdict == verdict
    assert len(comparison.noise) == len(comparison.appeals) == 3


def test_labels_without_story_or_noise_cannot_be_compared() -> None:
    whole = sample(3.0)
    story = whole.part(whole.labels == 0)
    assert compare(story, story) is None
    noise = whole.part(whole.labels != 0)
    assert compare(noise, noise) is None
    with pytest.raises(ValueError, match="must hold the same blocks"):
        compare(whole, story)


def test_labels_without_appeals_are_compared_by_noise_alone() -> None:
    pair = [s.part(s.labels != 1) for s in (sample(4.0), sample(2.0))]
    comparison = compare(pair[0], pair[1], 40)
    assert comparison is not None
    assert comparison.overall.verdict == "better"


def test_figures_measured_apart_are_compared_by_their_deviations() -> None:
    assert unpaired([Estimate(0.8, 0.01)], [Estimate(0.7, 0.01)]).verdict == "better"
    assert unpaired([Estimate(0.8, 0.1)], [Estimate(0.7, 0.1)]).verdict == "not distinguishable"


def predicted(labels: str, said: str, sureness: float = 0.9) -> Sample:
    """Make predictions for blocks: the label that a model gives each, with this probability."""
    numbers, columns = (np.array(["bar".index(c) for c in letters]) for letters in (labels, said))
    scores = np.full((len(labels), 3), (1 - sureness) / 2, dtype=np.float32)
    scores[np.arange(len(labels)), columns] = sureness
    n = np.arange(len(labels))
    return Sample(1 - scores[:, 0].astype(float), scores, numbers.astype(np.int8), np.full(len(labels), 40), n)


def test_labels_to_which_both_models_object_are_listed_with_rows_and_too_many_must_be_wrong() -> None:
    labels, said = "b" * 60 + "a" * 20, "b" * 50 + "r" * 10 + "a" * 20
    found = contradiction(predicted(labels, said), predicted(labels, said))
    assert (found.rows.tolist(), found.share, found.too_many) == (list(range(50, 60)), 0.125, True)
    lone = LabelledDocument(
        "d",
        "d",
        "s",
        "en",
        "x",
        "labels",
        tuple("x" * 80),
        predicted(labels, said).labels,
        np.ones(80, np.float32),
        True,
    )
    finding = objections([lone], [[f"t.csv:{i + 2}" for i in range(80)]], found)[0]
    assert "10 blocks labelled otherwise than both models say" in finding.summary
    assert finding.examples[0] == "t.csv:52 body, both say related: 'x'"
    assert not finding.harmless


def test_one_model_alone_or_an_unsure_one_objects_to_nothing() -> None:
    labels, said = "b" * 60 + "a" * 20, "b" * 50 + "r" * 10 + "a" * 20
    assert not contradiction(predicted(labels, labels), predicted(labels, said)).too_many
    assert not contradiction(predicted(labels, said), predicted(labels, said, 0.7)).too_many
    assert not contradiction(predicted(labels[41:], said[41:]), predicted(labels[41:], labels[41:])).too_many
