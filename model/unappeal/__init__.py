"""Removes donation appeals and related-links noise from news text, within a bound on lost story text."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unappeal.artefact import load_model
    from unappeal.blocks import Block
    from unappeal.classifier import ParagraphClassifier
    from unappeal.errors import InputError, ModelError, UnappealError
    from unappeal.filter import (
        FilterResult,
        classify,
        classify_many,
        filter_batch,
        filter_documents,
        filter_frame,
        filter_text,
    )
    from unappeal.labels import Label

__version__ = "0.1.0"

__all__ = [
    "Block",
    "FilterResult",
    "InputError",
    "Label",
    "ModelError",
    "ParagraphClassifier",
    "UnappealError",
    "classify",
    "classify_many",
    "filter_batch",
    "filter_documents",
    "filter_frame",
    "filter_text",
    "load_model",
]

_HOMES = {"Block": "blocks", "Label": "labels", "ParagraphClassifier": "classifier", "load_model": "artefact"}
_HOMES |= dict.fromkeys(("InputError", "ModelError", "UnappealError"), "errors")
"""Modules of the names above, `filter` for the rest."""


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: the command line sets the number of threads before NumPy is loaded."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'filter')}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
