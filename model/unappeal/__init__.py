"""Removes donation appeals and related-links noise from news text, within a bound on lost story text."""

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
