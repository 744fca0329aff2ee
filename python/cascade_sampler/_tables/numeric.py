"""Numbers as codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._tables.codes import Codes, native
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
    return factorize_numbers(array)


def factorize_numbers(array: NDArray[Any]) -> tuple[Codes, NDArray[Any], bool]:
    """Return a code for each number, whole or not, -1 for NaN; the numbers; whether these are in order."""
    if are_many(array):
        return (*number_all(array), True)
    return (*factorize_by_hash(array), False)


def are_many(array: NDArray[Any]) -> bool:
    """Whether numbers, none of them wider than a word, mostly differ."""
    return array.dtype.kind in "iuf" and array.dtype.itemsize <= 8 and mostly_differ(array, lambda some: some.tolist())


def number_all(array: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> tuple[Codes, NDArray[Any]]:
    """Give entries numbers in ascending order: by the core, which sorts them as words.

    Parameters
    ----------
    array : ndarray
        Whole numbers, or floats, of which NaN are missing.
    missing : ndarray of bool, optional
        Which others are missing.

    Returns
    -------
    codes : ndarray of uint32
        The number of each entry; the largest of its type for what is missing.
    numbers : ndarray
        What they stand for, ascending.
    """
    array = native(array)
    if array.dtype.kind == "f":
        gone = np.isnan(array)
        missing = gone if missing is None else missing | gone
    if missing is None or not missing.any():
        codes, places = _core.number(_words(array))
        return codes, array[places]
    present = array[~missing]
    found, places = _core.number(_words(present))
    codes = np.full(len(array), np.iinfo(np.uint32).max, dtype=np.uint32)
    codes[~missing] = found
    return codes, present[places]


def _words(array: NDArray[Any]) -> NDArray[np.uint64]:
    """Return words that compare as the numbers do."""
    sign = np.uint64(1 << 63)
    if array.dtype.kind == "f":
        # Both zeros are one number. The bits of a negative float descend.
        bits = (array.astype(np.float64) + 0.0).view(np.uint64)
        words: NDArray[np.uint64] = np.where(bits & sign, ~bits, bits | sign)
        return words
    if array.dtype.kind == "u":
        return np.ascontiguousarray(array, dtype=np.uint64)
    signed: NDArray[np.uint64] = array.astype(np.int64).view(np.uint64) ^ sign
    return signed


def factorize_by_hash(array: NDArray[Any]) -> tuple[Codes, NDArray[Any]]:
    """Return a code for each number, -1 for NaN, and the numbers, where most occur again and again."""
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
