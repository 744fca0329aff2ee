"""Keys: one column or several as numbers in the order of their labels, ready for the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._tables import labels as _labels
from cascade_sampler._tables.codes import Codes, Column
from cascade_sampler._tables.errors import column_errors
from cascade_sampler._tables.listing import Listing
from cascade_sampler._tables.numbering import MISSING, missing_of, number_labels
from cascade_sampler._tables.shown import shown

_Chunk: TypeAlias = tuple[Codes, NDArray[np.uint32] | None]


@dataclass(frozen=True)
class Key:
    """A column for the core: chunks of codes with the label number of each code, and the labels by their numbers."""

    name: str
    chunks: list[tuple[Codes, NDArray[np.uint32]]]
    labels: Listing
    missing: Mapping[str, int] = field(default_factory=dict)
    """Rows without a label by column, of the columns that have such rows."""

    def for_core(self) -> tuple[list[_Chunk], int]:
        """Return what the core takes a column as."""
        return [*self.chunks], len(self.labels)

    def numbers(self) -> NDArray[np.uint32]:
        """Return the label number of every row, `MISSING` where it has none."""
        parts = [np.empty(0, dtype=np.uint32)]
        for codes, ranks in self.chunks:
            places = codes.astype(np.intp)
            # A code outside the table is a missing one: negative, or the largest where codes have no sign.
            places[(places < 0) | (places >= len(ranks))] = len(ranks)
            parts.append(np.append(ranks, np.uint32(MISSING))[places])
        return np.concatenate(parts)


def make_key(columns: Sequence[Column], exclude: bool = False) -> Key:
    """Make a key of one column, or of several: labels, or tuples of them, numbered in the specification's order.

    Raises
    ------
    ValueError
        Where rows have no label, unless such rows are to be excluded: which column, and how many.
    TypeError
        Where labels do not compare.
    """
    keys = [_single(column, exclude) for column in columns]
    return keys[0] if len(keys) == 1 else _combined(keys)


def refuse_missing(name: str, missing: int, what: str) -> ValueError:
    """Return the error for rows that lack what a column is read for."""
    return ValueError(
        f"{name} has {missing} rows without a {what} (null or NaN): drop these rows, give them one of their own, or "
        "leave them out of all batches with missing='exclude'"
    )


def _single(column: Column, exclude: bool) -> Key:
    counts = [np.zeros(dictionary.size, dtype=np.uint64) for dictionary in column.dictionaries]
    missing = 0
    name = f"column {shown(column.name)}"
    with column_errors(column.name):
        for codes, dictionary in column.chunks:
            counted, without = _core.count(codes, len(counts[dictionary]))
            counts[dictionary] += counted
            missing += without
        used = [np.flatnonzero(count) for count in counts]
        found = [dictionary.take(places) for dictionary, places in zip(column.dictionaries, used, strict=True)]
        for labels, count, places, known in zip(found, counts, used, column.dictionaries, strict=True):
            if not known.in_order:
                missing += int(count[places[missing_of(labels)]].sum())
        if missing and not exclude:
            raise refuse_missing(name, missing, "label")
        ordered, numbers = number_labels(column, name, found)
    ranks = []
    for number, count, places in zip(numbers, counts, used, strict=True):
        table = np.full(len(count), MISSING, dtype=np.uint32)
        table[places] = number
        ranks.append(table)
    chunks = [(codes, ranks[dictionary]) for codes, dictionary in column.chunks]
    return Key(name, chunks, ordered, {name: missing} if missing else {})


def _combined(keys: Sequence[Key]) -> Key:
    first, *others = keys
    tuples = [(label,) for label in first.labels]
    column = first.for_core()
    for key in others:
        codes, (left, right) = _core.combine(column, key.for_core())
        tuples = [(*tuples[a], key.labels[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)]
        column = [(codes, None)], len(tuples)
    places = _labels.order_tuples(tuples)
    ranks = np.empty(len(tuples), dtype=np.uint32)
    ranks[places] = np.arange(len(tuples), dtype=np.uint32)
    missing = {name: count for key in keys for name, count in key.missing.items()}
    names = " and ".join(key.name for key in keys)
    labels = Listing(tuple(tuples[place] for place in places))
    return Key(names, [(codes, ranks) for codes, _ in column[0]], labels, missing)
