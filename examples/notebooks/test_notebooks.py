"""The notebooks run from their top, and print what readers see stored in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

import notebooks

#: What it prints depends on how torch multiplies, so only its last cell judges it.
VARIES = {"digits"}


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the text of each cell of code, without what is drawn."""
    return ["".join(map(_text, cell.outputs)) for cell in notebook.cells if cell.cell_type == "code"]


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    return "" if "image/png" in output.data or "text/html" in output.data else str(output.data.get("text/plain", ""))


@pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)
def test_it_prints_what_is_stored(path: Path) -> None:
    stored = printed(nbformat.read(path, as_version=4))
    got = printed(notebooks.executed(path))
    assert any(stored), "it is stored without what it prints; run examples/notebooks/notebooks.py"
    if path.stem not in VARIES:
        assert got == stored


def test_they_are_small() -> None:
    assert len(notebooks.NOTEBOOKS) == 3
    for path in notebooks.NOTEBOOKS:
        assert path.stat().st_size < 200_000, path.name
