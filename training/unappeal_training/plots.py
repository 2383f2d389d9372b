"""Plots of an evaluation, as SVG or PNG: calibration, and what is removed at which body loss."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from unappeal.errors import UnappealError
from unappeal.labels import APPEAL, BODY
from unappeal_training.measures import Sample, calibration_error, threshold_at_loss

CURVE_LOSSES = np.geomspace(0.0002, 0.05, 40)
FORMATS = ("svg", "png")


def need_matplotlib() -> None:
    """Raise UnappealError with the install line where matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise UnappealError("plots need matplotlib: pip install 'unappeal[plots]'")


def write_plots(sample: Sample, folder: Path, suffix: str = "svg") -> list[Path]:
    """Write ``calibration`` and ``curve`` into a folder, made if missing; the same sample gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with mpl.rc_context({"svg.hashsalt": "unappeal", "svg.fonttype": "none"}):
        for name, draw in (("calibration", _calibration), ("curve", _curve)):
            figure = Figure(figsize=(5, 4), layout="constrained")
            draw(figure.add_subplot(), sample)
            paths.append(folder / f"{name}.{suffix}")
            figure.savefig(paths[-1], metadata={"Date": None} if suffix == "svg" else {"Software": None})
    return paths


def _calibration(axes, sample: Sample) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    error, bins = calibration_error(sample)
    predicted, observed, n = (np.array(column) for column in zip(*bins, strict=True))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.scatter(predicted, observed, s=10 + 90 * n / n.max(), color="#1f6f8b")
    axes.set(
        xlabel="predicted probability of body", ylabel="observed share of body", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02)
    )
    axes.set_title(f"Calibration (expected error {error:.3f})")


def _curve(axes, sample: Sample) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    body = (sample.chars * (sample.labels == BODY)).astype(np.float64)
    thresholds = [threshold_at_loss(sample.margin, body, float(loss)) for loss in CURVE_LOSSES]
    for name, rows, colour in (
        ("noise", sample.labels != BODY, "#1f6f8b"),
        ("appeals", sample.labels == APPEAL, "#c8553d"),
    ):
        if rows.any():
            removed = [100 * float((sample.margin[rows] > t).mean()) for t in thresholds]
            axes.plot(100 * CURVE_LOSSES, removed, color=colour, label=name)
    axes.set(xscale="log", xlabel="body loss, % of characters", ylabel="removed, % of blocks", ylim=(0, 100))
    axes.set_title("Removed at a given body loss")
    axes.legend(loc="lower right")
