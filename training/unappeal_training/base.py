"""The project's own labelled data, as far as it is at hand."""

from pathlib import Path

from unappeal.errors import InputError
from unappeal_training.dataset import DATA_DIR, SHARED_DIR, LabelledDocument, read_authored, read_pages

PAGES_FILES = (SHARED_DIR / "real" / "pages.jsonl.gz", DATA_DIR / "pages.jsonl.gz")
"""Where real pages are looked for: beside the repository, then where `unappeal hydrate` is told to put them."""


def base_documents(pages: Path | None = None) -> tuple[list[LabelledDocument], str]:
    """Give the authored documents and the real pages, and a sentence that says what there was.

    ``pages`` is a file that `unappeal hydrate` wrote; None looks in `PAGES_FILES`. Raises InputError where there are no
    authored documents or no such file.
    """
    authored = read_authored()
    if not authored:
        raise InputError(
            f"no authored documents in {DATA_DIR / 'authored'}: --base default needs the project's data; "
            "train in a clone of the repository, or with --base none"
        )
    if pages is not None and not pages.is_file():
        raise InputError("no such file: make it with 'unappeal hydrate … -o FILE'", pages)
    found = pages or next((path for path in PAGES_FILES if path.is_file()), None)
    if found is None:
        return authored, (
            f"base: {len(authored)} authored documents, no real pages: the model that ships has seen some; make them "
            f"with 'unappeal hydrate' and give them with --pages (looked for {' and '.join(map(str, PAGES_FILES))})"
        )
    real = read_pages(found)
    return authored + real, f"base: {len(authored)} authored documents, {len(real)} views of real pages from {found}"
