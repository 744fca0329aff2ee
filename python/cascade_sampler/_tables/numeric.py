"""Numbers as codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.codes import Codes
from cascade_sampler._tables.libraries import loaded

_DENSE = 1 << 16
"""Integers no further apart than this are taken as codes; the tables by code that are made then stay small."""
_SAMPLE = 1 << 14
_MOST_SORTED = 1 << 23
"""Entries above which all of them sorted at once would weigh too much."""


def mostly_differ(values: Any, read: Callable[[Any], Iterable[Any]]) -> bool:
    """Whether so many entries differ that sorting all of them is faster than looking each one up.

    `values` can be sliced; `read` makes hashable objects of a slice.
    """
    if not 4 * _SAMPLE < len(values) <= _MOST_SORTED:
        return False
    # From three places: what lies side by side may be alike.
    starts = (0, (len(values) - _SAMPLE) // 2, len(values) - _SAMPLE)
    taken: set[Any] = set()
    for start in starts:
        taken.update(read(values[start : start + _SAMPLE]))
    return 2 * len(taken) > len(starts) * _SAMPLE


def factorize_integers(array: NDArray[Any]) -> tuple[Codes, NDArray[Any], bool]:
    """Factorise integers or bools without importing anything: the first sampler of a run must not wait for pandas."""
    if len(array):
        numbers = array.view(np.uint8) if array.dtype.kind == "b" else array
        low, high = int(numbers.min()), int(numbers.max())
        if high - low < max(_DENSE, len(array) // 4):
            # Close together they are codes already. The difference wraps into the range of the unsigned type.
            unsigned = np.dtype(f"u{numbers.dtype.itemsize}")
            bits = 8 * unsigned.itemsize
            codes = numbers.view(unsigned) - unsigned.type(low % (1 << bits))
            labels = np.arange(high - low + 1, dtype=np.uint64) + np.uint64(low % (1 << 64))
            return codes, labels.astype(unsigned).view(array.dtype), True
        if mostly_differ(array, lambda some: some.tolist()):
            uniques, codes = np.unique(array, return_inverse=True)
            return codes, uniques, True
    return (*factorize_numbers(array), False)


def factorize_numbers(array: NDArray[Any]) -> tuple[Codes, NDArray[Any]]:
    pandas = loaded("pandas")
    if pandas:
        codes, uniques = pandas.factorize(array)
        return codes, np.asarray(uniques)
    missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(len(array), dtype=bool)
    uniques, codes = np.unique(array[~missing], return_inverse=True)
    if not missing.any():
        return codes, uniques
    all_codes = np.full(len(array), -1, dtype=np.intp)
    all_codes[~missing] = codes
    return all_codes, uniques
