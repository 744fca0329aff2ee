"""Labels: how they are told apart, ordered, written as text, and found by the names a user gives."""

from __future__ import annotations

import datetime
import difflib
import itertools
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

_UNITS_PER_SECOND = {"s": 0, "ms": 3, "us": 6, "ns": 9, "ps": 12, "fs": 15, "as": 18}
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3_600, "m": 60}


def from_array(values: np.ndarray[Any, Any]) -> list[Any]:
    """Return the entries of an array as labels.

    Times stay numpy scalars, because Python's own end at microseconds; so do floats narrower than a double, because
    their text is the shortest in their own width. Everything else becomes what Python has for it.
    """
    if values.dtype.kind in "mM" or (values.dtype.kind == "f" and values.dtype.itemsize < 8):
        return list(values)
    return list(values.tolist())


def is_missing(label: Any) -> bool:
    """Whether `label` stands for no label: None, NaN, NaT or pandas' NA."""
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(label, tuple):
        return any(map(is_missing, label))
    if isinstance(label, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(label))
    return isinstance(label, numbers.Number) and bool(label != label)


def identity(label: Any) -> Any:
    """Return what tells `label` from others: equal for equal labels, whatever library or unit they came in.

    A time becomes a whole number of attoseconds, since Python, numpy and pandas hash the same instant differently.
    """
    if isinstance(label, tuple):
        return tuple(identity(part) for part in label)
    if isinstance(label, (datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)):
        moment = _numpy_time(label)
        unit, step = np.datetime_data(moment.dtype)
        if unit in ("Y", "M") and isinstance(moment, np.datetime64):
            moment, unit, step = moment.astype("M8[D]"), "D", 1
        if unit not in _SECONDS and unit not in _UNITS_PER_SECOND:
            raise TypeError(f"{label!r} has no fixed length: give it a unit from weeks to attoseconds")
        ticks = int(moment.astype(np.int64)) * step
        if unit in _SECONDS:
            ticks, unit = ticks * _SECONDS[unit], "s"
        return (type(moment).__name__, ticks * 10 ** (18 - _UNITS_PER_SECOND[unit]))
    return label


def _numpy_time(label: Any) -> np.datetime64 | np.timedelta64:
    if isinstance(label, (np.datetime64, np.timedelta64)):
        return label
    if hasattr(label, "asm8"):
        # pandas: its nanoseconds would be lost on the way through Python's own type. In UTC where it has a zone.
        return label.asm8  # type: ignore[no-any-return]
    if isinstance(label, datetime.datetime) and label.tzinfo is not None:
        label = label.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    if isinstance(label, datetime.timedelta):
        return np.timedelta64(label, "us")
    return np.datetime64(label, "us") if isinstance(label, datetime.datetime) else np.datetime64(label, "D")


def text(label: Any) -> str:
    """Return `label` as the text that orders keys of several columns.

    A string is itself; an integer is decimal; a float is the shortest decimal that reads back in its own width, as
    Python prints it, and any zero is 0.0; a bool is True or False; a time is ``YYYY-MM-DD HH:MM:SS.ffffff`` in UTC, cut
    at the microsecond.

    Raises
    ------
    TypeError
        For any other type, which has no agreed text.
    """
    if isinstance(label, str):
        return str(label)
    if isinstance(label, (bool, np.bool_)):
        return str(bool(label))
    if isinstance(label, numbers.Integral):
        return str(int(label))
    if isinstance(label, (float, np.floating)) and label == 0:
        # -0.0 and 0.0 are one label, and which of them a table shows first must not decide its place.
        return "0.0"
    if isinstance(label, (np.float16, np.float32)):
        # At most nine digits, which survive the way through a double: Python then prints those and no others.
        return repr(float(np.format_float_scientific(label, unique=True)))
    if isinstance(label, (float, np.float64)):
        return repr(float(label))
    if isinstance(label, (datetime.date, np.datetime64)):
        moment = np.datetime_as_string(_numpy_time(label).astype("M8[us]"), unit="us")
        return str(moment).replace("T", " ")
    raise TypeError(
        f"a key of several columns takes text, integers, floats, bools and dates or times, got {label!r} "
        f"({type(label).__name__}): convert that column to one of these"
    )


def order(labels: Sequence[Any], column: str) -> list[int]:
    """Return the places of `labels`, no two of which are equal, in ascending order of their values.

    Raises
    ------
    TypeError
        Where they do not compare, as text and numbers do not.
    """
    try:
        places = sorted(range(len(labels)), key=labels.__getitem__)
        # Sets, for one, compare without being in an order: what came out then depends on what came in.
        in_order = all(labels[one] < labels[other] for one, other in itertools.pairwise(places))
    except TypeError:
        in_order = False
    if not in_order:
        kinds = sorted({type(label).__name__ for label in labels})
        raise TypeError(
            f"the labels of {column} do not sort, so they have no order that is the same everywhere: "
            f"they are of type {' and '.join(kinds)}; convert the column to one type"
        )
    return places


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
            places[start:end] = sorted(places[start:end], key=labels.__getitem__)
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
            raise ValueError(f"{argument} names the label {labels[place]!r} twice: as {named[place]!r} and as {name!r}")
        named[place] = name
        values[place] = value
    if unknown:
        raise ValueError(
            f"{argument} names {_listed(unknown)}, without rows in {column}. {_suggestion(unknown, labels)}"
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
        place = next((places[width(name)] for width in narrow if width(name) in places), None)
    return place


def _suggestion(unknown: Iterable[Any], labels: Sequence[Any]) -> str:
    shown = {str(label): label for label in labels}
    near: dict[str, Any] = {}
    for name in list(unknown)[:10]:
        for match in difflib.get_close_matches(str(name), list(shown)[:10_000], n=2):
            near[match] = shown[match]
    if near:
        return f"The nearest labels are {_listed(list(near.values()))}."
    return f"The labels are {_listed(labels)}."


def _listed(labels: Sequence[Any], most: int = 10) -> str:
    shown = ", ".join(repr(label) for label in labels[:most])
    return shown if len(labels) <= most else f"{shown} and {len(labels) - most} more"


def plain(label: Any) -> Any:
    """Return `label` as JSON has it: text, numbers and bools as they are, anything else as its text.

    The parts of a key of several columns are joined by ``|``.
    """
    if isinstance(label, tuple):
        return "|".join(map(text, label))
    if isinstance(label, (np.bool_, np.integer)):
        return label.item()
    if isinstance(label, (str, bool, int)):
        return label
    if isinstance(label, (float, np.floating)):
        return float(text(label))
    try:
        return text(label)
    except TypeError:
        return str(label)


def shown(label: Any) -> str:
    """Return `label` as a sentence shows it: as Python writes it, but numpy's types as they print."""
    return repr(plain(label))
