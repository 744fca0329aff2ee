"""Labels: in what order they come, and how they are found by the names a user gives."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cascade_sampler._tables.kinds import LABELS, identity, is_label_type, is_missing, rank
from cascade_sampler._tables.shown import listed, shown, visible
from cascade_sampler._tables.texts import plain, text

__all__ = ["by_label", "identity", "is_missing", "order", "order_tuples", "plain", "shown", "text"]


def order(labels: Sequence[Any], column: str) -> list[int]:
    """Return the places of `labels`, no two of which are equal, in ascending order of their values.

    Raises
    ------
    TypeError
        Where they do not compare, as text and numbers do not, or are no labels.
    """
    try:
        ranks = [rank(label) for label in labels]
        keys = [key for _, key in ranks]
        if len({kind for kind, _ in ranks}) <= 1:
            return sorted(range(len(keys)), key=keys.__getitem__)
    except TypeError:
        pass
    raise unsorted(map(type, labels), column)


def unsorted(types: Iterable[type], column: str) -> TypeError:
    """Return the error for labels of types that do not sort."""
    kinds = set(types)
    names = " and ".join(sorted(kind.__name__ for kind in kinds))
    what = "" if all(map(is_label_type, kinds)) else f", and labels are {LABELS}"
    return TypeError(
        f"{column} holds values that cannot be labels of one key: the labels of {column} do not sort, so they have no "
        "order that is the same everywhere: "
        f"they are of type {names}{what}; convert the column to one type"
    )


def order_tuples(labels: Sequence[tuple[Any, ...]]) -> list[int]:
    """Return the places of tuples in ascending order of their joined texts, equal texts by the tuple."""
    texts = ["|".join(map(text, label)) for label in labels]
    places = sorted(range(len(labels)), key=texts.__getitem__)
    start = 0
    while start < len(places):
        end = start + 1
        while end < len(places) and texts[places[end]] == texts[places[start]]:
            end += 1
        if end - start > 1:
            same = places[start:end]
            ordered = order([labels[place] for place in same], "a key of several columns")
            places[start:end] = [same[place] for place in ordered]
        start = end
    return places


def by_label(argument: str, given: Mapping[Any, float], labels: Sequence[Any], column: str) -> list[float]:
    """Return the values of `given` in the order of `labels`, NaN for a label that is not named.

    Raises
    ------
    ValueError
        Where a name is no label with rows: all such names, and the labels nearest to them.
    """
    places = {identity(label): place for place, label in enumerate(labels)}
    values = [float("nan")] * len(labels)
    unknown = []
    named: dict[int, Any] = {}
    for name, value in given.items():
        place = _find(name, places, labels)
        if place is None:
            unknown.append(name)
            continue
        if place in named:
            raise ValueError(
                f"{argument} names the label {shown(labels[place])} twice: as {named[place]!r} and as {name!r}"
            )
        named[place] = name
        values[place] = value
    if unknown:
        raise ValueError(
            f"{argument} names {_named(unknown)}, without rows in {column}. {_suggestion(unknown, labels)}"
        )
    return values


def _find(name: Any, places: dict[Any, int], labels: Sequence[Any]) -> int | None:
    try:
        place = places.get(identity(name))
    except (TypeError, ValueError):
        return None
    if place is None and isinstance(name, float):
        # 0.1 names the float32 label that prints as 0.1, although the two numbers differ.
        narrow = {type(label) for label in labels if isinstance(label, (np.float16, np.float32))}
        place = next((places[found] for found in (width(name).item() for width in narrow) if found in places), None)
    return place


def _suggestion(unknown: Iterable[Any], labels: Sequence[Any]) -> str:
    texts = {visible(str(plain(label)), 200): label for label in labels[:10_000]}
    near: dict[str, Any] = {}
    for name in list(unknown)[:10]:
        for match in difflib.get_close_matches(visible(str(plain(name)), 200), list(texts), n=2):
            near[match] = texts[match]
    if near:
        return f"The nearest labels are {listed(list(near.values()))}."
    return f"The labels are {listed(labels)}."


def _named(names: Sequence[Any], most: int = 10) -> str:
    # A name that is no text is shown with its type: it may print as the label does that it is not.
    parts = ", ".join(shown(name) if isinstance(name, str) else visible(repr(name)) for name in names[:most])
    return parts if len(names) <= most else f"{parts} and {len(names) - most} more"
