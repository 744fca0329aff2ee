"""Upstream's own sampler."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def load_upstream() -> ModuleType:
    """Load the one file: the package around it imports what is not installed here."""
    package = importlib.util.find_spec("viscy_data")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "sampler.py"
    spec = importlib.util.spec_from_file_location("upstream_sampler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
