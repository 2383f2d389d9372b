"""One training run: labels joined with the project's data, checked, cross-fitted, fitted, compared."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from unappeal.classifier import ParagraphClassifier
from unappeal.errors import InputError
from unappeal_training.base import base_documents
from unappeal_training.build import CrossFitted, build_classifier, cross_fitted, data_hash, model_metadata
from unappeal_training.checks import (
    Finding,
    across_sites,
    count_findings,
    fold_findings,
    known_to,
    objections,
    without_contradictions,
)
from unappeal_training.compare import (
    Comparison,
    Contradiction,
    Difference,
    Verdict,
    compare,
    contradiction,
    measured_quietly,
    sample_of,
    unpaired,
)
from unappeal_training.dataset import VIEWS, LabelledDocument, block_key, read_authored, stand_off_keys
from unappeal_training.fit import FitSettings
from unappeal_training.groups import GroupBy, Grouped, block_pairs, grouped
from unappeal_training.labelled import VIEW, Labels
from unappeal_training.measures import LOSSES, Estimate, Measures, measure
from unappeal_training.near import MIN_CHARS

DEFAULT_WEIGHT = 3.0
"""How much a block of the user's counts against one of the project's pages: few labels must not drown in many."""

KNOWN_SHARE = 0.05
"""From this share on, blocks that the other model was trained on make the comparison unfair."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What `train` may be told; see its --help."""

    base: str = "default"
    pages: Path | None = None
    by: GroupBy = "auto"
    weight: float = DEFAULT_WEIGHT
    settings: FitSettings = field(default_factory=FitSettings)
    n_jobs: int = 2


@dataclass(frozen=True, slots=True)
class Prepared:
    """What will be trained on: the user's documents in their fold groups, and the project's.

    ``places`` are the rows of the user's blocks, a list a document.
    """

    own: list[LabelledDocument]
    base: list[LabelledDocument]
    groups: Grouped
    findings: list[Finding]
    places: list[list[str]] = field(default_factory=list)

    @property
    def documents(self) -> list[LabelledDocument]:
        return self.own + self.base


@dataclass(frozen=True, slots=True)
class Trained:
    """A new model with its held-out predictions, and how it compares.

    ``comparison`` is on the user's held-out blocks, None where they cannot tell; ``on_base`` on the project's own,
    None where the other model does not say how it did on the same. ``contradicted`` are blocks of the user's to whose
    labels both models object: too many, and what was learned from them is worse.
    """

    model: ParagraphClassifier
    result: CrossFitted
    comparison: Comparison | None
    on_base: Difference | None
    contradicted: Contradiction | None = None

    @property
    def verdict(self) -> Verdict:
        if self.contradicted is not None and self.contradicted.too_many:
            return "worse"
        verdicts = [part.verdict for part in (self.comparison, self.on_base) if part is not None]
        return "worse" if "worse" in verdicts else verdicts[0] if verdicts else "not distinguishable"


def parse_settings(assignments: Sequence[str], seed: int | None = None) -> FitSettings:
    """Read ``NAME=VALUE`` settings; InputError names an unknown one, or a value that is no number or no count."""
    known = {f.name: type(getattr(FitSettings(), f.name)) for f in fields(FitSettings)}
    values: dict[str, Any] = {} if seed is None else {"seed": seed}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        if name not in known:
            raise InputError(f"--set {assignment}: no setting {name!r}; there are {', '.join(known)}")
        try:
            values[name] = known[name](value)
        except ValueError as exc:
            raise InputError(f"--set {assignment}: {value!r} is not of type {known[name].__name__}") from exc
        if known[name] is int and name != "seed" and values[name] < 1:
            raise InputError(f"--set {assignment}: it must be 1 or more")
    return FitSettings(**values)


def prepare(labels: Labels, options: TrainOptions, say: Say) -> Prepared:
    """Check labels and put them beside the project's data; InputError where they cannot be trained on."""
    labels, findings = without_contradictions(labels)
    labels = _without_unlabelled(labels)
    if not labels.documents:
        raise InputError("no labelled blocks: nothing to train on (see the warnings)")
    pairs = block_pairs(labels.documents)
    findings += across_sites(labels, pairs) + count_findings(labels.documents)
    groups = grouped(labels.documents, pairs, options.by)
    weight = 1.0 if options.base == "none" else options.weight
    own = [replace(d, weights=d.weights * weight) for d in groups.documents]
    base, sentence = base_documents(options.base, options.pages)
    say(sentence)
    findings += fold_findings(groups, own + base)
    return Prepared(own, base, groups, findings, labels.places)


def prepare_default(options: TrainOptions, say: Say) -> Prepared:
    """Take the project's own data alone, as the model that ships is made."""
    base, sentence = base_documents(options.base, options.pages)
    say(sentence)
    return Prepared([], base, Grouped([], "site", 0, 0), [])


def train(prepared: Prepared, against: ParagraphClassifier | None, options: TrainOptions, say: Say) -> Trained:
    """Cross-fit, fit on everything and compare with another model; the same input gives the same arrays."""
    documents = prepared.documents
    say(f"cross-fitting on {len(documents)} documents: every one is predicted by a model that saw none of its group")
    result = cross_fitted_quietly(documents, options.settings, options.n_jobs)
    say("fitting on everything")
    with quiet():
        model = build_classifier(result, options.settings, options.n_jobs)
    if against is None:
        return Trained(model, result, None, None)
    say("comparing")
    on_base = _on_base(result, prepared.base, against)
    if not prepared.own:
        return Trained(model, result, None, on_base)
    new, old = result.sample(result.rows(VIEW, False)), sample_of(against, prepared.own)
    return Trained(model, result, compare(new, old), on_base, contradiction(new, old))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence scikit-learn on batches larger than a small training set."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Got `batch_size` less than 1 or larger than sample size")
        yield


def cross_fitted_quietly(documents: Sequence[LabelledDocument], settings: FitSettings, n_jobs: int) -> CrossFitted:
    """Cross-fit, `quiet`."""
    with quiet():
        return cross_fitted(documents, settings, n_jobs)


def metadata_of(trained: Trained, prepared: Prepared, name: str, version: str) -> dict[str, Any]:
    """Describe a model for model.json, held-out figures on the project's own data included."""
    metadata = model_metadata(trained.model, prepared.documents, name, version)
    metadata["training"]["base_sha256"] = data_hash(prepared.base)
    metadata["scores"] = {view: _recorded(m) for view, m in held_out(trained.result).items()}
    return metadata


def held_out(result: CrossFitted) -> dict[str, Measures]:
    """Measure the held-out predictions of every view of the read pages, of authored and of the user's documents."""
    measured = {}
    for view in (*VIEWS, "authored", VIEW):
        rows = result.rows(view, read_pages_only=False) if view == VIEW else result.rows(view)
        if rows.any():
            measured[view] = measured_quietly(result.sample(rows))
    return measured


def objections_to(prepared: Prepared, trained: Trained) -> list[Finding]:
    """List the rows to whose labels both models object."""
    return objections(prepared.own, prepared.places, trained.contradicted) if trained.contradicted else []


def unfair_share(prepared: Prepared, against: ParagraphClassifier) -> float:
    """Give the share of the user's long blocks that the other model may have been trained on."""
    if against.metadata_.get("training", {}).get("sha256") == data_hash(prepared.documents):
        return 1.0
    written = (block for d in prepared.base or read_authored() for block in d.blocks)
    return known_to(prepared.own, stand_off_keys() | {block_key(block) for block in written if len(block) >= MIN_CHARS})


def _without_unlabelled(labels: Labels) -> Labels:
    """Leave out documents in which no block has a label."""
    keep = [bool((d.labels >= 0).any()) for d in labels.documents]
    documents = [d for d, kept in zip(labels.documents, keep, strict=True) if kept]
    places = [where for where, kept in zip(labels.places, keep, strict=True) if kept]
    return replace(labels, documents=documents, places=places)


def _on_base(result: CrossFitted, base: Sequence[LabelledDocument], against: ParagraphClassifier) -> Difference | None:
    """Compare held-out figures on the project's own data, where the other model was measured on just these."""
    recorded = against.metadata_.get("scores", {})
    same = against.metadata_.get("training", {}).get("base_sha256") == data_hash(base)
    view = next((v for v in (*VIEWS, "authored") if v in recorded and result.rows(v).any()), None)
    if not base or not same or view is None or recorded[view]["losses"] != list(LOSSES):
        return None
    new = measure(result.sample(result.rows(view)))
    old = [Estimate(*pair) for kind in ("noise", "appeals") for pair in recorded[view][kind]]
    return unpaired([*new.noise, *new.appeals], old)


def _recorded(measures: Measures) -> dict[str, Any]:
    def pairs(estimates: Sequence[Estimate]) -> list[list[float]]:
        return [[round(e.value, 5), round(e.deviation, 5)] for e in estimates]

    return {
        "blocks": measures.n_blocks,
        "noise_blocks": measures.n_noise,
        "appeal_blocks": measures.n_appeals,
        "losses": list(LOSSES),
        "noise": pairs(measures.noise),
        "appeals": pairs(measures.appeals),
        "f1": pairs(measures.f1),
    }
