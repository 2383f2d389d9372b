"""A real Chromium for the pages, and pages to open in it; each is watched for errors and for requests."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from unappeal.pages.documents import JudgedDocument, SourceDocument, judge

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}

Opener = Callable[..., Any]


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """Chromium, driven by playwright; skips where playwright is missing, fails in CI."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        if os.environ.get("CI") == "true" or "UNAPPEAL_CI" in os.environ:
            raise
        pytest.skip("needs playwright: pip install 'unappeal[browser]'")
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield instance
        instance.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """Opens HTML in a fresh profile; in the end no page may have complained or asked an address for anything."""
    complaints: list[str] = []
    requests: list[str] = []
    contexts = []

    def refuse(dialog: Any) -> None:
        complaints.append(dialog.message)
        dialog.dismiss()

    def opened(html: str, *, before: str | None = None, **options: Any) -> Any:
        path = tmp_path / "page.html"
        path.write_bytes(html.encode())
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        context.on("request", lambda request: requests.append(request.url))
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", refuse)
        if before is not None:
            page.add_init_script(before)
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    own = (tmp_path / "page.html").as_uri()
    assert [url for url in requests if url != own and not url.startswith(("data:", f"blob:{own}", "blob:null"))] == []


@pytest.fixture(scope="session")
def judged(root: Path) -> list[JudgedDocument]:
    """Authored documents in several languages, labelled by the model that ships."""
    sources = []
    for name in ("en", "asia-africa"):
        with (root / "data" / "authored" / f"{name}.jsonl").open(encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                blocks = [block["text"] for block in record["blocks"]]
                sources.append(SourceDocument(record["id"], blocks, f"{name}.example", record["lang"]))
    return list(judge(sources))


@pytest.fixture(scope="session")
def violations() -> Callable[[Any], list[str]]:
    """Gives the rules of accessibility (axe: WCAG 2 A and AA, and best practice) that a page breaks."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")

    def broken(page: Any) -> list[str]:
        found = axe.Axe().run(page).response["violations"]
        return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]

    return broken
