"""What `unappeal train` says at its end: a table, and one plain sentence."""

from collections.abc import Mapping

from unappeal_training.checks import label_counts
from unappeal_training.compare import COMPARED_LOSSES, VERDICT_WORD, Comparison, Difference
from unappeal_training.labelled import VIEW, Labels
from unappeal_training.measures import LOSSES, Measures
from unappeal_training.retrain import Trained

TITLES = {
    "resiliparse": "real pages, resiliparse",
    "trafilatura": "real pages, trafilatura",
    "whole": "real pages, whole",
    "authored": "authored documents",
    VIEW: "your labels",
}


def read_line(labels: Labels, n_files: int) -> str:
    body, appeal, related = label_counts(labels.documents)
    sites = len({d.site for d in labels.documents if d.site})
    context = sum(len(d.blocks) for d in labels.documents) - labels.n_blocks
    return (
        f"read {n_files} file{'s' * (n_files != 1)}: {len(labels.documents)} documents, {sites} sites, "
        f"{labels.n_blocks} labelled blocks (body {body}, appeal {appeal}, related {related}), "
        f"{context} without a label"
    )


def measures_table(measured: Mapping[str, Measures]) -> list[str]:
    """Give held-out figures, one line a view: % of noise and of appeals removed at each body loss."""
    lines = [f"{'held out, % removed at body loss':34}" + "".join(f"{f'{100 * x:g} %':>14}" for x in LOSSES)]
    for view, m in measured.items():
        title = TITLES.get(view, view)
        lines.append(f"{title + ', noise':34}" + "".join(f"{e!s:>14}" for e in m.noise))
        if m.n_appeals:
            lines.append(f"{title + ', appeals':34}" + "".join(f"{e!s:>14}" for e in m.appeals))
    return lines


def comparison_table(comparison: Comparison, new: str, old: str) -> list[str]:
    """Give the two models side by side, with the differences and their 95 % intervals."""
    c = comparison
    head = f"{c.new.n_blocks} held-out blocks, {c.new.n_noise} noise, {c.new.n_appeals} appeals"
    lines = [head, f"{'% removed':24}{new[:16]:>18}{old[:16]:>18}   difference (95 %)"]
    for kind, ours, theirs, differences in (
        ("noise", c.new.noise, c.old.noise, c.noise),
        ("appeals", c.new.appeals, c.old.appeals, c.appeals),
    ):
        if kind == "appeals" and not c.new.n_appeals:
            continue
        for i, loss in enumerate(COMPARED_LOSSES):
            title = f"{kind} at {100 * loss:g} % loss"
            lines.append(f"{title:24}{ours[i]!s:>18}{theirs[i]!s:>18}   {differences[i]}")
    ours_f1, theirs_f1 = (f"{100 * sum(e.value for e in m.f1) / len(m.f1):.1f}" for m in (c.new, c.old))
    return [*lines, f"{'mean F1 of the labels':24}{ours_f1:>18}{theirs_f1:>18}   {c.f1}"]


def sentence(trained: Trained, old: str) -> str:
    """Say in one sentence whether the new model is better."""
    if trained.contradicted is not None and trained.contradicted.too_many:
        return (
            f"worse than {old}: {100 * trained.contradicted.share:.0f} % of the blocks on which both models agree, and "
            f"{old} is sure, are labelled otherwise; so many labels must be wrong"
        )
    if trained.comparison is None and trained.on_base is None:
        return (
            f"not distinguishable from {old}: the labels hold no story or no noise, so that nothing can be measured"
            if trained.result.rows(VIEW, False).any()
            else f"not distinguishable from {old}: it does not say how it did on the same documents"
        )
    parts = []
    if trained.comparison is not None:
        parts.append(_part("on the held-out blocks of your labels", trained.comparison.overall))
        if trained.comparison.verdict != trained.comparison.overall.verdict:
            parts.append(f"its mean F1 there differs by {trained.comparison.f1} points")
    if trained.on_base is not None:
        parts.append(_part("on the project's own documents", trained.on_base))
    return f"{trained.verdict}{VERDICT_WORD[trained.verdict]} {old}: {'; '.join(parts)}"


def _part(where: str, difference: Difference) -> str:
    more = "more" if difference.value >= 0 else "less"
    return (
        f"{where} it removes {abs(100 * difference.value):.1f} points {more} at the same body loss "
        f"(95 %: {100 * difference.low:+.1f} to {100 * difference.high:+.1f})"
    )
