"""The three classes of a block, in the one order used everywhere: arrays, files, reports."""

from enum import StrEnum


class Label(StrEnum):
    """What a block of a news document is; data/README.md has the rules."""

    BODY = "body"
    """The story: headline, byline, paragraphs, captions, credits."""
    APPEAL = "appeal"
    """Asks the reader to give to, join or stand behind the outlet."""
    RELATED = "related"
    """Everything else that is not the story: teasers, menus, sign-ups, legal lines, comments."""


LABELS: tuple[Label, ...] = tuple(Label)
"""Column order of every score array."""

BODY, APPEAL, RELATED = range(3)
"""Column numbers, for arrays."""
