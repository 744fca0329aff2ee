"""The documentation holds: its Python runs, its links lead somewhere, its pictures are those that are drawn.

A block of README.md runs by itself, since a reader copies one. The blocks of a page in docs/ run one after another in one
namespace, since a page is read from its top. docs/frameworks/ needs the frameworks, and tests/clients runs it.
"""

from __future__ import annotations

import doctest
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cascade_sampler import FlexibleBatchSampler, Index, viscy

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def run(block: str, page: Path, names: dict[str, Any]) -> None:
    exec(compile(block, str(page), "exec"), names)


def anchors(page: Path) -> set[str]:
    """Return what the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Keep what blocks write and log out of sight."""
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.ERROR, logger="cascade_sampler")


@pytest.mark.parametrize("block", blocks(README), ids=lambda block: f"block {blocks(README).index(block)}")
def test_block_of_the_readme(block: str) -> None:
    run(block, README, {"__name__": "__main__"})


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_page(page: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        run(block, page, names)


def test_there_are_blocks() -> None:
    assert len(blocks(README)) >= 2
    assert sum(bool(blocks(page)) for page in PAGES) >= 6


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_links(text: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (text.parent / path).resolve() if path else text
        assert target.exists(), f"{text.name} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{text.name} links to {link}"


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= 1500


def test_the_glossary_has_every_word() -> None:
    words = (
        "row experiment condition cell seat primary leak odd-seat focal-time deck deal lap run block epoch rank round "
        "global-batch"
    )
    assert set(words.split()) <= anchors(ROOT / "docs" / "concepts.md")


def test_contributing_names_every_room() -> None:
    rooms = [*(ROOT / "src").glob("*/"), *(ROOT / "python" / "cascade_sampler").glob("_*/")]
    named = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [
        room.name for room in rooms if room.is_dir() and room.name[:2] != "__" and f"{room.name}/" not in named
    ] == []


def test_the_pictures_are_those_that_are_drawn(tmp_path: Path) -> None:
    pictures = ROOT / "docs" / "pictures"
    subprocess.run([sys.executable, pictures / "draw.py", tmp_path], check=True)
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.svg")}
    assert drawn == {path.name: path.read_text(encoding="utf-8") for path in pictures.glob("*.svg")}


@pytest.mark.parametrize("documented", [FlexibleBatchSampler, Index, viscy.FlexibleBatchSampler])
def test_docstring_examples(documented: type) -> None:
    runner = doctest.DocTestRunner()
    for examples in doctest.DocTestFinder().find(documented, module=False, globs={documented.__name__: documented}):
        runner.run(examples)
    assert runner.summarize().attempted > 0
    assert runner.summarize().failed == 0
