"""Arrays and lists as codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables import labels as _labels
from cascade_sampler._tables.codes import Codes, Column, Dictionary, narrow, native
from cascade_sampler._tables.libraries import loaded

_DENSE = 1 << 16
"""Integers no further apart than this are taken as codes; the tables by code that are made then stay small."""


def encode_array(name: Any, values: Any) -> Column:
    # A list of mixed types would become text without a word if numpy chose the type.
    try:
        array = np.fromiter(values, object, len(values)) if isinstance(values, (list, tuple)) else np.asanyarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"column {name!r} cannot be read as an array: {error}") from None
    if array.ndim != 1:
        raise ValueError(f"column {name!r} must be one-dimensional, got shape {array.shape}")
    masked = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
    array = np.asarray(array)
    column = Column(name)
    codes, uniques = _factorize_array(name, array)
    codes = narrow(codes, len(uniques))
    if masked is not None:
        codes = np.where(masked, codes.dtype.type(-1), codes)
    column.add(codes, Dictionary(len(uniques), lambda places: _labels.from_array(uniques[places])))
    return column


def _factorize_array(name: Any, array: NDArray[Any]) -> tuple[Codes, NDArray[Any]]:
    """Return a code for each entry, -1 for a missing one, and what the codes stand for."""
    kind = array.dtype.kind
    if kind in "mM":
        # As whole ticks, so that no library rounds them to a unit of its own.
        if np.datetime_data(array.dtype)[0] == "generic" or (kind == "m" and array.dtype.str[3:] in ("[Y]", "[M]")):
            raise TypeError(f"column {name!r} has times without a fixed unit ({array.dtype}): give it one, such as [D]")
        moments = native(array)
        codes, ticks = _factorize_array(name, moments.view(np.int64))
        return np.where(np.isnat(moments), -1, codes), ticks.view(moments.dtype)
    if kind not in "biufSUOT" or (kind == "f" and array.dtype.itemsize > 8):
        raise TypeError(f"column {name!r} has no labels to group by: its type is {array.dtype}")
    if kind == "f" and array.dtype.itemsize == 2:
        codes, wide = _factorize_array(name, array.astype(np.float32))
        return codes, wide.astype(array.dtype)
    array = native(array)
    if kind in "biu":
        return _factorize_integers(name, array)
    try:
        import pandas
    except ImportError:
        return _factorize_by_sorting(name, array)
    if kind in "SUT":
        array = array.astype(object)
    try:
        codes, uniques = pandas.factorize(array)
    except TypeError as error:
        raise TypeError(f"column {name!r} holds values that cannot be labels: {error}") from None
    return codes, np.asarray(uniques)


def _factorize_integers(name: Any, array: NDArray[Any]) -> tuple[Codes, NDArray[Any]]:
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
            return codes, labels.astype(unsigned).view(array.dtype)
    pandas = loaded("pandas")
    if pandas:
        codes, uniques = pandas.factorize(array)
        return codes, np.asarray(uniques)
    return _factorize_by_sorting(name, array)


def _factorize_by_sorting(name: Any, array: NDArray[Any]) -> tuple[Codes, NDArray[Any]]:
    """Do what `pandas.factorize` does where pandas is not installed: slower, with equal results."""
    missing = np.zeros(len(array), dtype=bool)
    try:
        if array.dtype.kind in "fO":
            missing = np.asarray((array == None) | (array != array), dtype=bool)  # noqa: E711
        uniques, codes = np.unique(array[~missing], return_inverse=True)
        if array.dtype.kind == "O":
            hash(tuple(uniques))
    except (TypeError, ValueError) as error:
        raise TypeError(f"column {name!r} holds values that cannot be labels, or that do not sort: {error}") from None
    if not missing.any():
        return codes, uniques
    all_codes = np.full(len(array), -1, dtype=np.intp)
    all_codes[~missing] = codes
    return all_codes, uniques
