"""The labels that occur in a column, numbered in the specification's order: all at once where they are of one type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables import labels as _labels
from cascade_sampler._tables.codes import Column, Dictionary, Labels
from cascade_sampler._tables.joined import Texts
from cascade_sampler._tables.kinds import canonical, preference
from cascade_sampler._tables.listing import Listing

MISSING = np.iinfo(np.uint32).max
"""Number of a row without a label, as the core has it."""

Numbers = NDArray[np.uint32]


def missing_of(labels: Labels) -> NDArray[np.bool_]:
    """Return which of the labels stand for none."""
    if isinstance(labels, np.ndarray):
        return np.isnan(labels) if labels.dtype.kind in "fmM" else np.zeros(len(labels), dtype=bool)
    if isinstance(labels, Texts) or set(map(type, labels)) <= {str}:
        return np.zeros(len(labels), dtype=bool)
    return np.fromiter(map(_labels.is_missing, labels), dtype=bool, count=len(labels))


def number_labels(column: Column, name: str, found: Sequence[Labels]) -> tuple[Listing, list[Numbers]]:
    """Give the different labels numbers.

    Parameters
    ----------
    column : Column
        Says whether its dictionaries list labels in the order that is to be kept.
    name : str
        The column as errors call it.
    found : sequence of labels
        For each dictionary of the column those of its labels that rows have.

    Returns
    -------
    labels : Listing
        In order.
    numbers : list of ndarray of uint32
        For each of `found` the numbers of its labels, `MISSING` for what stands for none.

    Raises
    ------
    TypeError
        Where labels do not compare.
    ValueError
        Where dictionaries list ordered labels differently.
    """
    if not column.ordered:
        if len(found) == 1 and column.dictionaries[0].in_order:
            return Listing(found[0]), [np.arange(len(found[0]), dtype=np.uint32)]
        if _of_one_type(found):
            return _at_once(found)
    elif len(found) == 1 and _of_one_type(found) and _all_different(column.dictionaries[0]):
        # Those with rows are in order as they stand.
        gone = missing_of(found[0])
        numbers = np.where(gone, MISSING, np.cumsum(~gone) - 1).astype(np.uint32)
        # Taken even where it is all: the table's own memory must not be kept.
        return Listing(found[0]).take(np.flatnonzero(~gone)), [numbers]
    return _one_by_one(column, name, [[*map(canonical, Listing(labels))] for labels in found])


def _all_different(dictionary: Dictionary) -> bool:
    if dictionary.different:
        return True
    complete = dictionary.take(np.arange(dictionary.size))
    if not _of_one_type([complete]):
        return False
    if isinstance(complete, Texts):
        return len(complete.numbered()[1]) == len(complete)
    return len(set(Listing(complete))) == len(complete)


def _of_one_type(found: Sequence[Labels]) -> bool:
    kinds: set[Any] = set()
    for labels in found:
        if isinstance(labels, np.ndarray):
            kinds.add(labels.dtype)
        elif isinstance(labels, Texts):
            kinds.add(labels.kind)
        else:
            kinds.update(map(type, labels))
    (kind,) = kinds if len(kinds) == 1 else (None,)
    return kind is str or kind is bytes or (isinstance(kind, np.dtype) and kind.kind in "biufmM")


def _at_once(found: Sequence[Labels]) -> tuple[Listing, list[Numbers]]:
    ends = np.cumsum([len(labels) for labels in found])[:-1]
    arrays = [labels for labels in found if isinstance(labels, np.ndarray)]
    if arrays:
        joined: NDArray[Any] = np.concatenate(arrays)
        gone = missing_of(joined)
        distinct, places = np.unique(joined[~gone], return_inverse=True)
        numbers = np.full(len(joined), MISSING, dtype=np.uint32)
        numbers[~gone] = places
        return Listing(distinct), np.split(numbers, ends)
    texts = Texts.joined([_joined(labels) for labels in found])
    of_texts, first = texts.numbered()
    return Listing(texts.take(first)), np.split(of_texts, ends)


def _joined(labels: Any) -> Texts:
    if isinstance(labels, Texts):
        return labels
    return Texts.of(labels, type(labels[0]) if len(labels) else str)


def _one_by_one(column: Column, name: str, found: Sequence[Sequence[Any]]) -> tuple[Listing, list[Numbers]]:
    distinct: dict[Any, Any] = {}
    kinds: dict[str, Any] = {}
    identities = [
        [None if _labels.is_missing(label) else _labels.identity(label) for label in labels] for labels in found
    ]
    for labels, keys in zip(found, identities, strict=True):
        for label, key in zip(labels, keys, strict=True):
            if key is None:
                continue
            known = distinct.setdefault(key, label)
            if type(known) is not type(label):
                kinds.setdefault(type(label).__name__, label)
                kinds.setdefault(type(known).__name__, known)
                if preference(label) < preference(known):
                    distinct[key] = label
    if kinds:
        # A date and its midnight, or one moment with a zone and without: equal here, but they do not compare.
        _labels.order([*kinds.values()], name)
    if column.ordered:
        # A dictionary may hold a label twice; its first place counts.
        complete = [Listing(each.take(np.arange(each.size))).all() for each in column.dictionaries]
        categories = map(_labels.identity, _one_order(name, complete) if complete else ())
        ordered = [distinct.pop(key) for key in categories if key in distinct]
    else:
        labels = [*distinct.values()]
        ordered = [labels[place] for place in _labels.order(labels, name)]
    number = {_labels.identity(label): place for place, label in enumerate(ordered)}
    return Listing(tuple(ordered)), [
        np.fromiter((MISSING if key is None else number[key] for key in keys), dtype=np.uint32, count=len(keys))
        for keys in identities
    ]


def _one_order(name: str, labels: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Return the category order of an ordered column, given all labels of each of its dictionaries."""
    longest = max(labels, key=len)
    if any(list(longest[: len(each)]) != list(each) for each in labels):
        raise ValueError(
            f"{name} is an ordered dictionary whose chunks list different categories, so they have no common order: "
            "unify the dictionaries, for instance with pyarrow's Table.unify_dictionaries()"
        )
    return longest
