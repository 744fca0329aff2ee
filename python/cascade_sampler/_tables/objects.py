"""Python objects as codes: lists, and arrays of objects.

Nothing of another library's is trusted here: pandas takes texts for equal that are so up to a NUL, and Python's own
``==`` takes the two moments of a doubled hour for one. Codes may tell apart more than labels do, 1 and 1.0; never less.
"""

from __future__ import annotations

import datetime
import decimal
import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.codes import Codes, Labels
from cascade_sampler._tables.joined import Texts
from cascade_sampler._tables.kinds import LABELS, canonical, identity, is_label_type, is_missing, is_missing_type
from cascade_sampler._tables.labels import unsorted
from cascade_sampler._tables.numeric import factorize_integers, mostly_differ
from cascade_sampler._tables.shown import shown

# Types of which `==` and `hash` tell apart all that is to be told apart.
_EXACT = {str, bytes, int, float, bool, datetime.date, datetime.timedelta}


def factorize_objects(name: Any, values: Sequence[Any]) -> tuple[Codes, Labels, bool]:
    """Return a code for each object, -1 for a missing one; what the codes stand for; whether that is in order."""
    kinds = set(map(type, values))
    _check(name, kinds)
    of_labels = {kind for kind in kinds if not is_missing_type(kind)}
    if of_labels == {str} or of_labels == {bytes}:
        if len(kinds) == 1 and mostly_differ(values, iter):
            texts = Texts.of(values, *of_labels)
            numbers, places = texts.numbered()
            return numbers, texts.take(places), True
        return (*_by_hash(values, len(values)), False)
    if of_labels == {int} and len(kinds) == 1:
        try:
            return factorize_integers(np.fromiter(values, dtype=np.int64, count=len(values)))
        except OverflowError:
            pass
    if len(of_labels - {float}) <= 1 and of_labels <= _EXACT:
        # A float beside other labels is NaN, or will be refused for having no order with them.
        if of_labels <= {int, float} and len(of_labels) == 2:
            return (*_by_key(values), False)
        return (*_by_hash(values, len(values)), False)
    return (*_by_key(values), False)


def _check(name: Any, kinds: Iterable[type]) -> None:
    refused = [kind for kind in kinds if not is_label_type(kind)]
    if not refused:
        return
    if any(getattr(kind, "__hash__", None) is None for kind in refused) or not all(map(_sorts, refused)):
        names = " and ".join(sorted(kind.__name__ for kind in refused))
        raise TypeError(
            f"column {shown(name)} holds values that cannot be labels, of type {names}: labels are {LABELS}; "
            "convert the column to one of these, for instance to text"
        )
    raise unsorted(kinds, f"column {shown(name)}")


def _sorts(kind: type) -> bool:
    return getattr(kind, "__lt__", None) is not getattr(object, "__lt__", None)


def _by_hash(keys: Iterable[Any], count: int) -> tuple[NDArray[np.intp], list[Any]]:
    codes, uniques = _numbered(keys, count)
    missing = np.fromiter(map(is_missing, uniques), dtype=bool, count=len(uniques))
    if missing.any():
        codes = np.where(missing, -1, np.cumsum(~missing) - 1)[codes]
        uniques = [label for label, gone in zip(uniques, missing.tolist(), strict=True) if not gone]
    return codes, uniques


def _numbered(keys: Iterable[Any], count: int) -> tuple[NDArray[np.intp], list[Any]]:
    # All of it runs in C: the dictionary asks the counter for the code of a key that it has not got.
    known: defaultdict[Any, int] = defaultdict(itertools.count().__next__)
    codes = np.fromiter(map(known.__getitem__, keys), dtype=np.intp, count=count)
    return codes, list(known)


def _by_key(values: Sequence[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    present = np.fromiter((not is_missing(value) for value in values), dtype=bool, count=len(values))
    labels = [value for value, there in zip(values, present.tolist(), strict=True) if there]
    found, uniques = _numbered(((type(label), _key(label)) for label in labels), len(labels))
    first = np.empty(len(uniques), dtype=np.intp)
    first[found[::-1]] = np.arange(len(labels))[::-1]
    codes = np.full(len(values), -1, dtype=np.intp)
    codes[present] = found
    return codes, [canonical(labels[place]) for place in first.tolist()]


def _key(value: Any) -> Any:
    """Return what tells `value` from others of its type: cheaper than its identity where there may be many."""
    if type(value) is datetime.datetime:
        zone = value.tzinfo
        return (value.replace(tzinfo=None), value.fold, None if zone is None else id(zone))
    if isinstance(value, decimal.Decimal):
        return decimal.Decimal.as_tuple(value)
    return identity(value)
