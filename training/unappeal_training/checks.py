"""What is looked at before anything is trained, and how it is told."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from unappeal.errors import InputError
from unappeal.labels import LABELS
from unappeal_training.compare import Contradiction
from unappeal_training.crossfit import N_FOLDS, site_folds
from unappeal_training.dataset import UNLABELLED, LabelledDocument, block_key
from unappeal_training.groups import Grouped
from unappeal_training.labelled import Labels
from unappeal_training.near import MIN_CHARS

FEW = 20
"""Fewer blocks of a label than this are worth a warning."""

MIN_FOLDS_WITH_LABEL = 3
"""A label must stand in so many folds: two are left out at a time, and every fit needs all labels."""

MIN_GROUPS = 10
"""Words are learnt from three groups on, and a fit may see three fifths of the groups: fewer teach nothing."""

MAX_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know about the labels; ``examples`` name rows."""

    summary: str
    examples: list[str] = field(default_factory=list)
    harmless: bool = False

    def lines(self) -> list[str]:
        shown = self.examples[:MAX_EXAMPLES]
        more = len(self.examples) - len(shown)
        return [
            f"{'note' if self.harmless else 'warning'}: {self.summary}",
            *(f"    {example}" for example in shown),
            *([f"    … and {more} more"] if more else []),
        ]


def without_contradictions(labels: Labels) -> tuple[Labels, list[Finding]]:
    """Take the labels from blocks that contradict each other, and tell which they are."""
    findings = []
    documents, long_conflicts = _without_long_conflicts(labels)
    conflicts = [*labels.conflicts, *long_conflicts]
    if conflicts:
        findings.append(Finding(f"{len(conflicts)} conflicting duplicates: trained without their labels", conflicts))
    if labels.ties:
        findings.append(
            Finding(
                f"{len(labels.ties)} blocks on which annotators disagree: trained without their labels", labels.ties
            )
        )
    findings.extend(Finding(line, harmless=True) for line in labels.notes.lines())
    return replace(labels, documents=documents), findings


def count_findings(documents: Sequence[LabelledDocument]) -> list[Finding]:
    """Warn of labels that have too few blocks to learn or to measure anything from."""
    counts = label_counts(documents)
    return [
        Finding(f"only {n} blocks of {label}: their figures will say little; {FEW} or more are wanted")
        for label, n in zip(LABELS, counts, strict=True)
        if n < FEW
    ]


def label_counts(documents: Iterable[LabelledDocument]) -> list[int]:
    counts = np.zeros(len(LABELS), dtype=np.int64)
    for document in documents:
        counts += np.bincount(document.labels[document.labels >= 0], minlength=len(LABELS))
    return [int(n) for n in counts]


def across_sites(labels: Labels, pairs: Sequence[tuple[int, int]]) -> list[Finding]:
    """Tell of near-duplicate blocks on different sites: mirrors, syndication, or one banner for many outlets.

    ``pairs`` are near-duplicates among all blocks of the documents in order (`groups.block_pairs`).
    """
    owners = [d.site for d in labels.documents for _ in d.blocks]
    texts = [block for d in labels.documents for block in d.blocks]
    places = [where for places in labels.places for where in places]
    found = [
        f"{places[i]} ({owners[i]}), {places[j]} ({owners[j]}): {texts[i][:50]!r}"
        for i, j in pairs
        if owners[i] and owners[j] and owners[i] != owners[j]
    ]
    if not found:
        return []
    return [Finding(f"{len(found)} near-duplicate pairs across sites: kept on one side of every fold", found)]


def objections(
    documents: Sequence[LabelledDocument], places: Sequence[Sequence[str]], found: Contradiction
) -> list[Finding]:
    """List the rows to whose labels both models object: worth a second look, or, when many, wrong."""
    blocks = [
        (where, block, number)
        for d, rows in zip(documents, places, strict=True)
        for where, block, number in zip(rows, d.blocks, d.labels.tolist(), strict=True)
        if number >= 0
    ]
    listed = []
    for row, said in zip(found.rows.tolist(), found.said.tolist(), strict=True):
        where, block, number = blocks[row]
        listed.append(f"{where} {LABELS[number]}, both say {LABELS[said]}: {block[:60]!r}")
    if not listed:
        return []
    n = f"{len(listed)} block{'s' * (len(listed) != 1)}"
    return [Finding(f"{n} labelled otherwise than both models say: look at them again", listed, not found.too_many)]


def fold_findings(grouped: Grouped, documents: Sequence[LabelledDocument]) -> list[Finding]:
    """Tell how folds are made, and what of their held-out blocks stands in other folds too.

    ``documents`` are all that is trained on, in the groups of the folds. Raises InputError where a label stands in
    too few groups to be held out.
    """
    fold = site_folds([d.site for d in documents])
    check_folds(documents, f"; {_joined(grouped)}" if grouped.n_joined else "")
    findings = []
    if grouped.by == "document":
        findings.append(
            Finding("few sites, so folds are by document: figures hold for more pages of these sites", harmless=True)
        )
    if grouped.n_joined:
        findings.append(Finding(_joined(grouped), harmless=True))
    leaking, n_long = _shared_between_folds(documents, fold)
    if leaking:
        findings.append(
            Finding(
                f"{leaking} of {n_long} long blocks stand in several folds word for word: "
                "each is left out of training where it is held out",
                harmless=True,
            )
        )
    return findings


def _joined(grouped: Grouped) -> str:
    return f"{grouped.n_joined} {grouped.by}s joined with others that share near-duplicates"


def check_folds(documents: Sequence[LabelledDocument], joined: str = "") -> None:
    """Raise InputError where there are too few groups (``site``), or a label stands in too few, to be held out.

    ``joined`` says, after the number of groups, what became of the others.
    """
    n_groups = len({d.site for d in documents if ((d.labels >= 0) & (d.weights > 0)).any()})
    if n_groups < MIN_GROUPS:
        raise InputError(
            f"too few groups of documents: {n_groups}, where {MIN_GROUPS} at least are wanted to hold some out"
            f"{joined}; label more documents, or train on the project's own too (--base default)"
        )
    fold = site_folds([d.site for d in documents])
    wanted = min(MIN_FOLDS_WITH_LABEL, N_FOLDS)
    for number, label in enumerate(LABELS):
        folds = {int(k) for d, k in zip(documents, fold, strict=True) if ((d.labels == number) & (d.weights > 0)).any()}
        if len(folds) < wanted:
            n = sum(int((d.labels == number).sum()) for d in documents)
            raise InputError(
                f"too few {label}: {n} blocks in {len(folds)} of {N_FOLDS} folds, where {wanted} folds at least must "
                f"have some; label more documents with {label}, or train on the project's own too (--base default)"
            )


def known_to(documents: Sequence[LabelledDocument], keys: Collection[str]) -> float:
    """Give the share of long labelled blocks whose key is among others (`block_key`)."""
    long = [b for d in documents for b, n in zip(d.blocks, d.labels, strict=True) if n >= 0 and len(b) >= MIN_CHARS]
    return sum(block_key(block) in keys for block in long) / max(len(long), 1)


def _without_long_conflicts(labels: Labels) -> tuple[list[LabelledDocument], list[str]]:
    """Context may make two labels right for a short block, not for a long one, nor where there is no context."""
    seen: dict[str, dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for i, document in enumerate(labels.documents):
        alone = len(document.blocks) == 1
        for j, (block, number) in enumerate(zip(document.blocks, document.labels.tolist(), strict=True)):
            if number >= 0 and (alone or len(block) >= MIN_CHARS):
                seen[block_key(block)][number].append((i, j))
    changed = {}
    conflicts = []
    for by_number in seen.values():
        if len(by_number) > 1:
            at = [(place, number) for number, places in sorted(by_number.items()) for place in places]
            conflicts.append(_listed(labels, at))
            changed.update({place: UNLABELLED for place, _ in at})
    documents = list(labels.documents)
    for i in sorted({i for i, _ in changed}):
        numbers = documents[i].labels.copy()
        numbers[[j for k, j in changed if k == i]] = UNLABELLED
        documents[i] = replace(documents[i], labels=numbers)
    return documents, conflicts


def _listed(labels: Labels, at: Sequence[tuple[tuple[int, int], int]]) -> str:
    rows = ", ".join(f"{labels.places[i][j]} {LABELS[number]}" for (i, j), number in at)
    (i, j), _ = at[0]
    return f"{rows}: {labels.documents[i].blocks[j][:60]!r}"


def _shared_between_folds(
    documents: Sequence[LabelledDocument], fold: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[int, int]:
    """Count long labelled blocks that stand in more than one fold, and all long ones."""
    folds: dict[str, set[int]] = defaultdict(set)
    keys = []
    for document, k in zip(documents, fold.tolist(), strict=True):
        for block, number in zip(document.blocks, document.labels.tolist(), strict=True):
            if number >= 0 and len(block) >= MIN_CHARS:
                keys.append(block_key(block))
                folds[keys[-1]].add(k)
    return sum(len(folds[key]) > 1 for key in keys), len(keys)
