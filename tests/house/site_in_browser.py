"""The site that `make docs` built, opened in a browser: `make test-site`.

Each page is opened on a phone and on a desk, in light and in dark.
"""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parents[2] / "site"
PAGES = sorted(str(page.parent.relative_to(SITE)) for page in SITE.rglob("index.html"))
LOOKS = [(width, scheme) for width in (390, 1400) for scheme in ("light", "dark")]


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and keeps no log."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield started
        started.close()


def opened(browser: Any, address: str, page: str, width: int, scheme: str) -> tuple[Any, list[str]]:
    """Return a page, and what its console complains of or what it could not load."""
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    ours = (address, "data:", "blob:")
    tab.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("requestfailed", lambda request: complaints.append(f"not loaded: {request.url}"))
    tab.on(
        "request", lambda asked: None if asked.url.startswith(ours) else complaints.append(f"elsewhere: {asked.url}")
    )
    tab.on("response", lambda got: complaints.append(f"{got.status}: {got.url}") if got.status >= 400 else None)
    tab.goto(f"{address}/{page}/", wait_until="load")
    return tab, complaints


def test_there_are_pages() -> None:
    assert len(PAGES) >= 20, "run make docs"


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page(browser: Any, address: str, page: str, width: int, scheme: str) -> None:
    tab, complaints = opened(browser, address, page, width, scheme)
    try:
        assert complaints == []
        assert tab.evaluate("document.body.dataset.mdColorScheme") == {"light": "default", "dark": "slate"}[scheme]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
        broken = "[...document.images].filter(each => each.complete && each.naturalWidth === 0).map(each => each.src)"
        assert tab.evaluate(broken) == []
        assert tab.locator("h1").count() == 1
    finally:
        tab.close()


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize(("words", "page"), [("focal time", "concepts"), ("set_epoch", "reference")])
def test_search_finds(browser: Any, address: str, width: int, words: str, page: str) -> None:
    tab, complaints = opened(browser, address, ".", width, "light")
    try:
        if width < 1000:
            tab.locator("label.md-header__button[for=__search]").click()
        # As fingers do: the page listens to keys that go up.
        tab.locator(".md-search__input").press_sequentially(words, delay=20)
        tab.locator(".md-search-result__item").first.wait_for()
        links = tab.locator(".md-search-result__link").evaluate_all("all => all.map(each => each.href)")
        assert any(f"/{page}/" in link for link in links), links
        assert complaints == []
    finally:
        tab.close()
