"""Which objects are labels, what tells them apart, and what orders them: the one list that every way out goes by."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import uuid
from typing import Any

import numpy as np

from cascade_sampler._tables.libraries import loaded

LABELS = "text, bytes, numbers, bools, dates, times, durations and tuples of these"

_UNITS_PER_SECOND = {"s": 0, "ms": 3, "us": 6, "ns": 9, "ps": 12, "fs": 15, "as": 18}
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3_600, "m": 60}

_MOMENTS = (datetime.date, np.datetime64)
_DURATIONS = (datetime.timedelta, np.timedelta64)
_NUMBERS = (int, float, np.bool_, np.integer, np.floating, decimal.Decimal, fractions.Fraction)
_OTHERS = (datetime.time, uuid.UUID, pathlib.PurePath)
_TYPES = (str, bytes, tuple, *_MOMENTS, *_DURATIONS, *_NUMBERS, *_OTHERS)


class _Moment:
    """Marks the identity of a time, which no label's own value can then be equal to."""


class _Duration:
    """Marks the identity of a duration."""


def is_label_type(kind: type) -> bool:
    """Whether objects of this type are labels, or stand for a missing one."""
    return issubclass(kind, _TYPES) or is_missing_type(kind) or issubclass(kind, _pandas_types())


def is_missing_type(kind: type) -> bool:
    """Whether every object of this type stands for no label: None, NaT, pandas' NA."""
    return kind is type(None) or kind.__name__ in ("NAType", "NaTType")


def _pandas_types() -> tuple[type, ...]:
    pandas = loaded("pandas")
    # While pandas is being imported by another thread it has not got them yet.
    found = [getattr(pandas, name, None) for name in ("Period", "Interval")] if pandas else []
    return tuple(kind for kind in found if isinstance(kind, type))


def is_missing(label: Any) -> bool:
    """Whether `label` stands for no label: None, NaN, NaT or pandas' NA; a tuple where a part of it does."""
    kind = type(label)
    if kind is str or kind is int:
        return False
    if is_missing_type(kind):
        return True
    if isinstance(label, tuple):
        return any(map(is_missing, label))
    if isinstance(label, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(label))
    if isinstance(label, decimal.Decimal):
        # A signalling NaN raises where it is compared.
        return label.is_nan()
    return isinstance(label, (float, np.floating)) and bool(label != label)


def identity(label: Any) -> Any:
    """Return what tells `label` from others: equal for equal labels, whatever library, unit or zone they came in.

    A time becomes a whole number of attoseconds, since Python, numpy and pandas hash the same instant differently, and
    Python takes the two moments of a doubled hour for one. Text and numbers go by their value, and what a class of the
    user's makes of ``==`` is not asked.

    Raises
    ------
    TypeError
        For an object that is no label.
    """
    kind = type(label)
    if kind is str or kind is int or kind is float or kind is bool or kind is bytes:
        return label
    if isinstance(label, tuple):
        return tuple(map(identity, label))
    if isinstance(label, (*_MOMENTS, *_DURATIONS)):
        return _ticks(label)
    if isinstance(label, str):
        return str.__str__(label)
    if isinstance(label, bytes):
        return bytes.__getitem__(label, slice(None))
    if isinstance(label, (bool, np.bool_)):
        return bool(label)
    if isinstance(label, int):
        return int.__index__(label)
    if isinstance(label, float):
        return float.__float__(label)
    if not is_label_type(kind):
        raise TypeError(f"a label is one of {LABELS}, not a {kind.__name__}")
    if isinstance(label, (np.integer, np.floating)):
        return label.item()
    return label


def canonical(label: Any) -> Any:
    """Return `label` as Python's own type has it: what a class of the user's derives from it is not kept.

    Times, durations and floats narrower than a double stay as they are.
    """
    if isinstance(label, tuple):
        return tuple(map(canonical, label))
    if isinstance(label, (str, bytes, int, float, np.bool_, np.integer)) and not isinstance(label, np.timedelta64):
        return identity(label)
    return label


def _ticks(label: Any) -> tuple[type, int]:
    moment = as_numpy_time(label)
    unit, step = np.datetime_data(moment.dtype)
    of_time = isinstance(moment, np.datetime64)
    if unit in ("Y", "M") and of_time:
        moment, unit, step = moment.astype("M8[D]"), "D", 1
    if unit not in _SECONDS and unit not in _UNITS_PER_SECOND:
        raise TypeError(f"{label!r} has no fixed length: give it a unit from weeks to attoseconds")
    ticks = int(moment.astype(np.int64)) * step
    if unit in _SECONDS:
        ticks, unit = ticks * _SECONDS[unit], "s"
    return (_Moment if of_time else _Duration, ticks * 10 ** (18 - _UNITS_PER_SECOND[unit]))


def as_numpy_time(label: Any) -> np.datetime64 | np.timedelta64:
    """Return a date, time or duration of Python, numpy or pandas as numpy's, in UTC where it has a zone."""
    if isinstance(label, (np.datetime64, np.timedelta64)):
        return label
    if hasattr(label, "asm8"):
        # pandas: its nanoseconds would be lost on the way through Python's own type.
        return label.asm8  # type: ignore[no-any-return]
    if isinstance(label, datetime.datetime):
        offset = label.utcoffset()
        moment: np.datetime64 = np.datetime64(label.replace(tzinfo=None), "us")
        # Subtracted here, because Python's own way ends with the year 9999.
        utc: np.datetime64 = moment if offset is None else moment - np.timedelta64(offset, "us")
        return utc
    if isinstance(label, datetime.timedelta):
        return np.timedelta64(label, "us")
    day: np.datetime64 = np.datetime64(label, "D")
    return day


def rank(label: Any) -> tuple[str, Any]:
    """Return what kind of label this is, and its place among its kind: labels of two kinds have no order."""
    if isinstance(label, str):
        return "text", identity(label)
    if isinstance(label, bytes):
        return "bytes", identity(label)
    if isinstance(label, tuple):
        return "tuple", tuple(map(_part, label))
    if isinstance(label, datetime.datetime):
        return "time" if label.tzinfo is None else "time with a zone", _ticks(label)[1]
    if isinstance(label, datetime.date):
        return "date", _ticks(label)[1]
    if isinstance(label, np.datetime64):
        return "time", _ticks(label)[1]
    if isinstance(label, _DURATIONS):
        return "duration", _ticks(label)[1]
    if isinstance(label, _NUMBERS):
        return "number", identity(label)
    return type(label).__name__, label


def _part(label: Any) -> Any:
    kind, place = rank(label)
    # What is a number within another kind must not compare with numbers.
    return place if kind in ("text", "number", "bytes", "tuple") else (kind, place)


def preference(label: Any) -> int:
    """Return which of equal labels of several types is kept, the least: not the one that comes first in the table."""
    for place, kind in enumerate((int, float, np.floating, decimal.Decimal, bool, np.bool_)):
        if isinstance(label, kind) and (kind is not int or not isinstance(label, bool)):
            return place
    return 9
