"""The face of the classifier for scikit-learn: parameters, `fit`, `score`, tags, and a warning for foreign pickles.

Nothing of scikit-learn is imported before it is needed. Documents and labels are ragged: a label sequence a document.
Where every document is one block, given as a string with one label, predictions are one a document, and scikit-learn's
own scorers apply.
"""

import inspect
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from unappeal.blocks import Document
from unappeal.labels import LABELS

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from unappeal.classifier import ParagraphClassifier

DocumentLabels: TypeAlias = str | Sequence[str | None]
"""One label for a document of one block, or one for each of its blocks; None where nobody labelled it."""

_VERSION_KEY = "_unappeal_version"

DERIVED = ("_memo", "_networks")
"""Attributes made from the fitted ones when they are first needed; neither copied nor pickled."""


class EstimatorMixin:
    """What scikit-learn asks of an estimator; `ParagraphClassifier` has it."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the parameters of ``__init__``; there are no nested ones, so ``deep`` changes nothing."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters; ValueError for one that ``__init__`` does not have."""
        names = self._parameter_names()
        for name, value in parameters.items():
            if name not in names:
                raise ValueError(f"no parameter {name!r}: there are {', '.join(names)}")
            setattr(self, name, value)
        return self

    def fit(
        self,
        documents: Sequence[Document],
        labels: Sequence[DocumentLabels],
        groups: Sequence[Any] | None = None,
    ) -> Self:
        """Fit on labelled documents.

        Parameters
        ----------
        documents
            Texts, or lists of block texts. A text is split as `unappeal.blocks.split` does.
        labels
            For each document its blocks' labels, None for a block without; one label for a document of one block.
        groups
            The site of each document. Blocks of one site are never held out from each other when the model is
            calibrated; None makes every document a site of its own.

        Raises
        ------
        ValueError
            Where the lengths differ, or a label is none of `LABELS`.
        InputError
            Where a label has too few blocks to be learnt.
        """
        try:
            from unappeal_training.estimator import fitted
        except ModuleNotFoundError as exc:
            raise ImportError(f'fit needs scikit-learn and SciPy: pip install "unappeal[train]" ({exc})') from exc

        model = fitted(documents, labels, groups, **self.get_params())
        for name in ("classes_", "evidence_", "reader_", "judge_", "operating_point_", "metadata_"):
            setattr(self, name, getattr(model, name))
        for name in DERIVED:
            self.__dict__.pop(name, None)
        return self

    def score(self: "ParagraphClassifier", documents: Sequence[Document], labels: Sequence[DocumentLabels]) -> float:  # type: ignore[misc]
        """Give the share of labelled blocks whose most probable label is right."""
        flat = flat_labels(documents, labels)
        known = flat >= 0
        right: npt.NDArray[np.bool_] = self.predict_proba(documents).argmax(axis=1)[known] == flat[known]
        return float(right.mean()) if len(right) else float("nan")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "judge_")

    def __sklearn_tags__(self) -> "Tags":
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(string=True, two_d_array=False),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_params().items())})"

    def __getstate__(self) -> dict[str, Any]:
        from unappeal import __version__

        state = {name: value for name, value in self.__dict__.items() if name not in DERIVED}
        return {**state, _VERSION_KEY: __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a pickle's content; UserWarning where another release wrote it, as scikit-learn does."""
        from unappeal import __version__

        written = state.pop(_VERSION_KEY, "an unknown release")
        if written != __version__:
            warnings.warn(
                f"this {type(self).__name__} was pickled by unappeal {written} and is read by {__version__}: it may "
                "not work; keep models with unappeal.artefact.save_model, which later releases read",
                UserWarning,
                stacklevel=2,
            )
        self.__dict__.update(state)

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls).parameters if name != "self"]


def flat_labels(documents: Sequence[Document], labels: Sequence[DocumentLabels]) -> npt.NDArray[np.int8]:
    """Give all blocks' labels as numbers, -1 for None; ValueError where they do not fit the blocks."""
    from unappeal.blocks import split_batch

    if len(documents) != len(labels):
        raise ValueError(f"{len(documents)} documents need as many entries in labels, not {len(labels)}")
    counts = np.diff(split_batch(list(documents)).first).tolist()
    numbers: list[int] = []
    known: dict[str | None, int] = {None: -1, **{str(label): i for i, label in enumerate(LABELS)}}
    for i, (own, n) in enumerate(zip(labels, counts, strict=True)):
        own = [own] if isinstance(own, str) else list(own)
        if len(own) != n:
            raise ValueError(f"document {i} has {n} blocks and {len(own)} labels")
        unknown = [label for label in own if label not in known]
        if unknown:
            raise ValueError(f"document {i}: label {unknown[0]!r} is not one of {', '.join(LABELS)}, or None")
        numbers.extend(known[label] for label in own)
    return np.array(numbers, dtype=np.int8)
