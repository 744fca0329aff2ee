"""Hooks of mkdocs: pages and pictures that lie elsewhere in the repository, and links that hold there and on the site.

Links are written so that they lead somewhere when a page is read as a file. On the site the same page has another
place, which is put in here. A link to any other file outside of docs/ stays as it is, and the strict build refuses it.
"""

from __future__ import annotations

import base64
import json
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
#: In the order in which they are read.
_NOTEBOOKS = ("first_sampler", "audit", "digits")


def on_files(files: Files, config: Any) -> Files:
    """Add the files that lie outside of docs/."""
    for source, place in _PLACES.items():
        files.append(File.generated(config, place, abs_src_path=str(_ROOT / source)))
    for name in _NOTEBOOKS:
        page, pictures = _notebook(name)
        files.append(File.generated(config, f"notebooks/{name}.md", content=page))
        for place, picture in pictures.items():
            files.append(File.generated(config, f"notebooks/{place}", content=picture))
    return files


def _notebook(name: str) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as a page, and its pictures: code, and below it what is stored as its output."""
    cells = json.loads((_ROOT / "examples" / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source.replace("](../../docs/", "](../").replace("](../digits/README.md", "](../digits.md"))
            continue
        parts.append(f"```python\n{source}\n```")
        text = ""
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                place = f"{name}-{len(pictures)}.png"
                pictures[place] = base64.b64decode(data["image/png"])
                parts.append(f"![What the code above draws]({place})")
            else:
                text += "".join(output.get("text", data.get("text/plain", [])))
        if text:
            parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts), pictures


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links that hold in the repository into links that hold on the site."""
    if page.file.src_uri.startswith("notebooks/"):
        return markdown
    up = "" if page.file.src_uri in _PLACES.values() else "../"
    for source, place in _PLACES.items():
        markdown = markdown.replace(f"]({up}{source}", f"]({place}")
    return markdown if up else markdown.replace("](docs/", "](")
