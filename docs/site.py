"""Hooks of mkdocs: pages and pictures that lie elsewhere in the repository, and links that hold there and on the site.

Links are written so that they lead somewhere when a page is read as a file. On the site the same page has another
place, which is put in here. A link to any other file outside of docs/ stays as it is, and the strict build refuses it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parent.parent

#: Where a file of the repository stands on the site.
_PLACES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/digits/README.md": "digits.md",
    "examples/digits/digits.png": "digits.png",
}


def on_files(files: Files, config: Any) -> Files:
    """Add the files that lie outside of docs/."""
    for source, place in _PLACES.items():
        files.append(File.generated(config, place, abs_src_path=str(_ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links that hold in the repository into links that hold on the site."""
    up = "" if page.file.src_uri in _PLACES.values() else "../"
    for source, place in _PLACES.items():
        markdown = markdown.replace(f"]({up}{source}", f"]({place}")
    return markdown if up else markdown.replace("](docs/", "](")
