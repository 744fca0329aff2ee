"""Known answers as files beside this one: written, or compared with what is there where `--check` is given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


def write(makers: dict[str, Callable[[], dict[str, Any]]], as_text: Callable[[dict[str, Any]], str]) -> int:
    """Make every file by its name, and return what the process ends with."""
    differing = []
    for name, make in makers.items():
        path = HERE / f"{name}.json"
        written = as_text(make()) + "\n"
        if "--check" in sys.argv[1:]:
            if path.read_text() != written:
                differing.append(path.name)
        else:
            path.write_text(written)
    if differing:
        print(f"numpy {np.__version__} gives other answers than {', '.join(differing)}")
    return bool(differing)
