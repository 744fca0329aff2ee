"""Arrays and lists as codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.codes import Codes, Column, Dictionary, Labels, narrow, native
from cascade_sampler._tables.joined import Texts
from cascade_sampler._tables.numeric import (
    are_many,
    factorize_by_hash,
    factorize_integers,
    factorize_numbers,
    number_all,
)
from cascade_sampler._tables.objects import factorize_objects
from cascade_sampler._tables.readable import as_array
from cascade_sampler._tables.shown import shown


def text_column(name: Any, texts: Texts, missing: NDArray[np.bool_] | None = None) -> Column:
    """Return the codes of texts that are here one behind the other; `missing` says which rows have none of them."""
    column = Column(name)
    codes, places = texts.numbered()
    if missing is not None:
        found, codes = codes, np.full(len(missing), np.iinfo(np.uint32).max, dtype=np.uint32)
        codes[~missing] = found
    column.add(codes, dictionary_of(texts.take(places), in_order=True))
    return column


def encode_array(name: Any, values: Any) -> Column:
    """Return the codes of a list, an array, or what numpy can make an array of."""
    column = Column(name)
    masked = None
    if isinstance(values, (list, tuple)):
        found = factorize_objects(name, values)
    else:
        array = as_array(name, values)
        if array.ndim != 1:
            raise ValueError(f"column {shown(name)} must be one-dimensional, got shape {array.shape}")
        masked = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
        found = _factorize(name, np.asarray(array))
    codes, uniques, in_order = found
    # The core's own numbers are narrow as they are.
    codes = codes if codes.dtype == np.uint32 else narrow(codes, len(uniques))
    if masked is not None:
        no_label = np.iinfo(np.uint32).max if codes.dtype == np.uint32 else -1
        codes = np.where(masked, codes.dtype.type(no_label), codes)
    column.add(codes, dictionary_of(uniques, in_order))
    return column


def dictionary_of(labels: Labels, in_order: bool = False, different: bool = False) -> Dictionary:
    """Return a dictionary of labels that are here already."""
    if isinstance(labels, np.ndarray):
        return Dictionary(len(labels), lambda places: labels[places], in_order, different)
    # Places come in ascending order, none of them twice.
    if isinstance(labels, Texts):
        return Dictionary(
            len(labels),
            lambda places: labels if len(places) == len(labels) else labels.take(places),
            in_order,
            different,
        )
    return Dictionary(
        len(labels),
        lambda places: labels if len(places) == len(labels) else [labels[place] for place in places.tolist()],
        in_order,
        different,
    )


def _factorize(name: Any, array: NDArray[Any]) -> tuple[Codes, Labels, bool]:
    """Return a code for each entry, -1 for a missing one; what the codes stand for; whether that is in order."""
    kind = array.dtype.kind
    if kind in "mM":
        # As whole ticks, so that no library rounds them to a unit of its own.
        if np.datetime_data(array.dtype)[0] == "generic" or (kind == "m" and array.dtype.str[3:] in ("[Y]", "[M]")):
            raise TypeError(
                f"column {shown(name)} has times without a fixed unit ({array.dtype}): give it one, such as [D]"
            )
        moments = native(array)
        ticks, missing = moments.view(np.int64), np.isnat(moments)
        if are_many(ticks):
            codes, uniques = number_all(ticks, missing)
            return codes, uniques.view(moments.dtype), True
        codes, uniques = factorize_by_hash(ticks)
        return np.where(missing, -1, codes), uniques.view(moments.dtype), False
    if kind in "SUTO":
        # NUL ends no text here, as it does where numpy's fixed widths are compared.
        return factorize_objects(name, array.astype(object).tolist())
    if kind not in "biuf" or (kind == "f" and array.dtype.itemsize > 8):
        raise TypeError(f"column {shown(name)} has no labels to group by: its type is {array.dtype}")
    array = native(array)
    if kind == "f":
        if array.dtype.itemsize == 2:
            codes, wide, in_order = factorize_numbers(array.astype(np.float32))
            return codes, wide.astype(array.dtype), in_order
        return factorize_numbers(array)
    return factorize_integers(array)
