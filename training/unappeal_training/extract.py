"""HTML to the blocks of three views, as corpora hold them: all text, resiliparse's main content, trafilatura's."""

import gzip
import logging
from collections.abc import Callable
from importlib.util import find_spec

from unappeal.blocks import split
from unappeal.errors import UnappealError

EXTRACTORS = ("resiliparse", "trafilatura")


def need_extractors() -> None:
    """Raise UnappealError with the install line where an extractor is missing."""
    missing = [name for name in EXTRACTORS if find_spec(name) is None]
    if missing:
        raise UnappealError(f"hydrating pages needs {' and '.join(missing)}: pip install 'unappeal[html]'")


def extracted(page: bytes) -> dict[str, list[str]]:
    """Give the blocks of every view of a page (plain or gzip), empty where the extractor finds nothing."""
    content = gzip.decompress(page) if page.startswith(b"\x1f\x8b") else page
    return {view: [block.text for block in split(text(content), "line")] for view, text in _VIEWS.items()}


def _resiliparse(content: bytes, main_content: bool) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    decoded = bytes_to_str(content, detect_encoding(content) or "utf-8")
    text: str = extract_plain_text(decoded, main_content=main_content, list_bullets=False)
    return text


def _trafilatura(content: bytes) -> str:
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    return trafilatura.extract(content) or ""


_VIEWS: dict[str, Callable[[bytes], str]] = {
    "whole": lambda content: _resiliparse(content, False),
    "resiliparse": lambda content: _resiliparse(content, True),
    "trafilatura": _trafilatura,
}
