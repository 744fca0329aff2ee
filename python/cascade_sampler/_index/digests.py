"""What tells the rows of two tables apart, computed once for all samplers over an index."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core

_PIECE = 2**22

KEY = "digests"
"""Name of the digests in the metadata of a file."""

_known: WeakKeyDictionary[_core.Index, dict[str, str | None]] = WeakKeyDictionary()


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

    They are computed once for all indexes that share memory, and a file has them.
    """
    known = _known.get(index)
    if known is None:
        known = _known[index] = _of_file(index)
    read = {
        "experiments": (index.has_experiments, index.experiment_positions),
        "conditions": (index.has_conditions, index.condition_positions),
        "times": (index.has_times, index.times),
    }
    for name, (is_there, values) in read.items():
        if is_there and name not in known:
            known[name] = digest(values())
    return {name: known[name] if is_there else None for name, (is_there, _) in read.items()}


def share(index: _core.Index, other: _core.Index) -> None:
    """Let an index have the digests of another one, of which it is a part."""
    _known[other] = _known.setdefault(index, _of_file(index))


def read(texts: Mapping[str, str] | None) -> dict[str, str | None]:
    """Return the digests that the metadata of a file has.

    Raises
    ------
    ValueError
        Where they are none.
    """
    found = json.loads((texts or {}).get(KEY, "{}"))
    if not isinstance(found, dict) or not all(isinstance(value, str) or value is None for value in found.values()):
        raise ValueError("its digests are none")
    return found


def _of_file(index: _core.Index) -> dict[str, str | None]:
    return {name: found for name, found in read(index.metadata).items() if found is not None}
