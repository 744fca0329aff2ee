"""What tells the rows of two tables apart, computed once for all samplers over an index."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core

_PIECE = 2**22

NAMES = ("experiments", "conditions", "times")


def digest(values: NDArray[Any] | None) -> str | None:
    """Hash numbers; the same on machines of either byte order. None for no numbers."""
    if values is None or len(values) == 0:
        return None
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    found = hashlib.sha256(little.dtype.str.encode())
    # By the piece: Ctrl-C is answered between them.
    for start in range(0, len(little), _PIECE):
        found.update(little[start : start + _PIECE].data)
    return found.hexdigest()[:32]


def digests(index: _core.Index) -> dict[str, str | None]:
    """Return the digests of where rows are and when, by name; None for a column that the index lacks.

    They are kept with the index, and with all indexes that share its memory.
    """
    known = index.notes
    read = {
        "experiments": (index.has_experiments, index.experiment_positions),
        "conditions": (index.has_conditions, index.condition_positions),
        "times": (index.has_times, index.times),
    }
    for name, (is_there, values) in read.items():
        if is_there and name not in known:
            known[name] = digest(values())
    return {name: known[name] if is_there else None for name, (is_there, _) in read.items()}


def remember(index: _core.Index, found: Mapping[str, str]) -> None:
    """Keep digests that a file had."""
    for name, known in found.items():
        index.notes.setdefault(name, known)
