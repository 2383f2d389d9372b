"""Give the stand-off labels their texts back, from clones of the repositories that the pages come from.

A block has a label when its key stands in the page's annotation, whatever extractor found it; no block is labelled
otherwise. A page that is not where it was is looked for by its file name, and taken only where its story has the keys.
"""

import gzip
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from joblib import Parallel, delayed

from unappeal.errors import InputError
from unappeal_training.dataset import CODES, annotation_files, block_key, keys_of, read_records
from unappeal_training.extract import extracted

BY = "stand-off"
"""How hydrated labels came about, where the annotation does not say: a person may not have read every block."""

MIN_FOUND = 0.5
"""A page with fewer of its story's keys is another text under the same name; menus prove nothing."""

PAGES_AT_A_TIME = 64

Fate = Literal["found", "moved", "changed", "missing"]
FATES: tuple[Fate, ...] = ("found", "moved", "changed", "missing")


@dataclass(slots=True)
class SourceReport:
    """What became of a source's pages: paths by fate; keys in the annotations, and how many of them a block has."""

    pages: dict[Fate, list[str]] = field(default_factory=lambda: {fate: [] for fate in FATES})
    n_keys: int = 0
    n_found: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Hydrated:
    fate: Fate
    page: dict[str, Any] | None
    n_found: int = 0
    problem: str | None = None


def hydrate(
    checkouts: Mapping[str, Path],
    output: Path,
    annotations: Path | None = None,
    n_jobs: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, SourceReport]:
    """Write the pages of some sources as `dataset.read_pages` reads them; give what was found of each.

    The same checkouts give the same bytes. InputError names a source without annotations or a checkout that is no
    folder.
    """
    files = annotation_files(annotations)
    for name, folder in checkouts.items():
        if name not in files:
            raise InputError(f"no annotations of a source {name!r}: there are {', '.join(files) or 'none'}")
        if not folder.is_dir():
            raise InputError(f"the checkout of {name} is no folder: clone its repository", folder)
    reports = {name: SourceReport() for name in checkouts}
    aside = output.with_name(output.name + ".tmp")
    try:
        with aside.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
            for name, folder in checkouts.items():
                for page in _source(name, folder, files[name], reports[name], n_jobs, say):
                    stream.write(json.dumps(page, ensure_ascii=False).encode() + b"\n")
        aside.replace(output)
    except OSError as exc:
        raise InputError(f"cannot be written: {exc.strerror}", output) from exc
    finally:
        aside.unlink(missing_ok=True)
    return reports


def _source(
    name: str, folder: Path, file: Path, report: SourceReport, n_jobs: int, say: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    annotations = list(read_records(file))
    by_name = _files_by_name(folder) if any(_at(folder, a["page"]) is None for a in annotations) else {}
    for begin in range(0, len(annotations), PAGES_AT_A_TIME):
        part = annotations[begin : begin + PAGES_AT_A_TIME]
        hydrated = Parallel(n_jobs)(delayed(_page)(name, folder, annotation, by_name) for annotation in part)
        for annotation, result in zip(part, hydrated, strict=True):
            report.pages[result.fate].append(annotation["page"])
            report.n_keys += len(keys_of(annotation))
            report.n_found += result.n_found
            report.problems += [result.problem] if result.problem else []
            if result.page is not None:
                yield result.page
        say(f"{name}: {min(begin + PAGES_AT_A_TIME, len(annotations))} of {len(annotations)} pages")


def _page(source: str, folder: Path, annotation: Mapping[str, Any], by_name: Mapping[str, Sequence[Path]]) -> _Hydrated:
    keys = keys_of(annotation)
    path = _at(folder, annotation["page"])
    candidates = [path] if path else by_name.get(_plain_name(annotation["page"]), [])
    problem = None
    for candidate in candidates:
        try:
            views = extracted(candidate.read_bytes())
        except (OSError, EOFError, ValueError) as exc:
            problem = f"{candidate}: cannot be read: {exc}"
            continue
        labelled = {view: _labelled(blocks, keys, annotation, view) for view, blocks in views.items()}
        present = {block_key(block) for blocks in views.values() for block in blocks} & keys.keys()
        if _is_the_page(present, keys):
            page = {
                "page": annotation["page"],
                "source": source,
                "site": annotation["site"],
                "lang": annotation["lang"],
            }
            chosen = {view: content for view, content in labelled.items() if set(content["labels"]) - {"?"}}
            return _Hydrated("found" if path else "moved", {**page, "views": chosen}, len(present), problem)
    return _Hydrated("changed" if path else "missing", None, 0, problem)


def _is_the_page(present: Collection[str], keys: Mapping[str, str]) -> bool:
    story = [key for key, code in keys.items() if code == CODES["body"]] or list(keys)
    return sum(key in present for key in story) >= MIN_FOUND * len(story)


def _labelled(blocks: list[str], keys: Mapping[str, str], annotation: Mapping[str, Any], view: str) -> dict[str, Any]:
    by = annotation.get("by", BY)
    codes = "".join(keys.get(block_key(block), "?") for block in blocks)
    return {"blocks": blocks, "labels": codes, "by": by.get(view, BY) if isinstance(by, dict) else by}


def _at(folder: Path, page: str) -> Path | None:
    """Find a page where the annotation says, compressed or not."""
    for name in (page, f"{page}.gz", page.removesuffix(".gz")):
        if (folder / name).is_file():
            return folder / name
    return None


def _files_by_name(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.html*")):
        if path.is_file():
            found.setdefault(_plain_name(path.name), []).append(path)
    return found


def _plain_name(page: str) -> str:
    return Path(page).name.removesuffix(".gz")
