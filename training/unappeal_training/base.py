"""The labelled data that a user's is trained together with: the project's own, as far as it is at hand, or a folder."""

from pathlib import Path

from unappeal.errors import InputError
from unappeal_training.dataset import DATA_DIR, IN_CLONE, SHARED_DIR, LabelledDocument, read_authored, read_pages

PAGES_FILES = (SHARED_DIR / "real" / "pages.jsonl.gz", DATA_DIR / "pages.jsonl.gz") if IN_CLONE else ()
"""Where real pages are looked for: beside the repository, then where `unappeal hydrate` is told to put them."""


def base_documents(base: str = "default", pages: Path | None = None) -> tuple[list[LabelledDocument], str]:
    """Give the documents of a base, and a sentence that says what there was.

    ``base`` is ``"default"``: authored documents and real pages; ``"none"``; or a folder of documents as in
    data/authored. ``pages`` is a file that `unappeal hydrate` wrote; None looks in `PAGES_FILES` for the default base.
    Raises InputError where there are no such documents.
    """
    if base == "none":
        return [], "base: none"
    folder = DATA_DIR / "authored" if base == "default" else Path(base)
    authored = read_authored(folder)
    if not authored:
        raise InputError(
            f"no documents in {folder}: --base takes 'default', 'none', or a folder of .jsonl files as in data/authored"
        )
    if pages is not None and not pages.is_file():
        raise InputError("no such file: make it with 'unappeal hydrate … -o FILE'", pages)
    standard = PAGES_FILES if base == "default" else ()
    found = pages or next((path for path in standard if path.is_file()), None)
    if found is None:
        where = f" ({' and '.join(map(str, standard))})" if standard else ""
        missing = f"; real pages are absent{where}: make them with 'unappeal hydrate' in a clone of the repository"
        return authored, f"base: {len(authored)} documents from {folder}{missing if base == 'default' else ''}"
    real = read_pages(found)
    return authored + real, f"base: {len(authored)} documents from {folder}, {len(real)} views of pages from {found}"
