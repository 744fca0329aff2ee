"""Names of the types that users meet in signatures."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._index.facts import Missing

__all__ = [
    "INDEX_DTYPES",
    "MISSING",
    "WEIGHTINGS",
    "Batch",
    "Columns",
    "IndexDtype",
    "Indices",
    "Label",
    "Missing",
    "Weighting",
]

Label: TypeAlias = Any
"""What names an experiment or a condition: text, a number, a bool, a date; a tuple of them for several columns.

Any, because a mapping whose keys are text is none whose keys are hashable, as type checkers see it.
"""
Columns: TypeAlias = str | list[str]
"""The column, or the columns, that a key is made of."""
IndexDtype: TypeAlias = Literal["int64", "int32", "uint32", "list"]
"""What a batch is."""
Weighting: TypeAlias = Literal["size", "sqrt", "equal"]
"""How often experiments are picked, where no weights are given."""
Indices: TypeAlias = NDArray[np.int64] | NDArray[np.int32] | NDArray[np.uint32]
"""Row numbers as an array."""
Batch: TypeAlias = Indices | list[int]
"""Row numbers, as `index_dtype` says."""

INDEX_DTYPES: tuple[IndexDtype, ...] = get_args(IndexDtype)
MISSING: tuple[Missing, ...] = get_args(Missing)
WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)
