"""Labels as JSON that keeps their types."""

from __future__ import annotations

import datetime
import decimal
import fractions
import math
import pathlib
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

from cascade_sampler._tables.kinds import canonical, identity
from cascade_sampler._tables.shown import shown
from cascade_sampler._tables.texts import text

_DIGITS = 4_000
"""Digits of the largest integer that is kept: Python reads no longer ones back."""


def packed(label: Any) -> Any:
    """Return a label as JSON has it: text, integers, bools and finite floats as such, all else in an object.

    The object has one entry: the name of the type, and what the label of that type is made from.

    Raises
    ------
    ValueError
        For a label that cannot be kept.
    """
    label = canonical(label)
    if isinstance(label, (bool, str)):
        return label
    if isinstance(label, tuple):
        return {"tuple": [*map(packed, label)]}
    if isinstance(label, (np.datetime64, np.timedelta64)) or hasattr(label, "asm8"):
        return _ticks(label)
    for kind, name, write in _WRITTEN:
        if isinstance(label, kind):
            return write(label) if name is None else {name: write(label)}
    raise _refused(label)


def unpacked(value: Any) -> Any:
    """Return the label that `packed` made this of.

    Raises
    ------
    ValueError
        For what it makes of no label.
    """
    if isinstance(value, (str, bool, int, float)):
        return value
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"{shown(str(value))} is no label")
    ((name, content),) = value.items()
    read = _READ.get(name)
    if read is None:
        raise ValueError(f"{shown(str(name))} is no type of labels")
    try:
        return read(content)
    except (TypeError, ArithmeticError, AttributeError, ValueError) as error:
        raise ValueError(f"{shown(str(content))} is no label of the type {name}: {error}") from None


def told(label: Any) -> Any:
    """Return what tells a label from others, as JSON has it: the same for equal labels of whatever type."""
    key = identity(label)
    if isinstance(label, tuple):
        return ["tuple", *map(told, label)]
    if isinstance(key, tuple):
        # A moment or a duration.
        return [key[0].__name__, str(key[1])]
    if isinstance(key, str):
        return key
    if isinstance(key, (bool, int, float, decimal.Decimal, fractions.Fraction)):
        return ["number", *_ratio(key)]
    return [type(key).__name__, key.hex() if isinstance(key, bytes) else text(key)]


def _ratio(number: Any) -> list[str]:
    """Return a number as text, the same for equal numbers of all types."""
    far = isinstance(number, decimal.Decimal) and number.is_finite() and abs(number.adjusted()) > _DIGITS
    if far or not math.isfinite(number):
        return [text(number)]
    # Not decimal: of that Python writes no more than some thousand digits.
    return [*map(hex, number.as_integer_ratio())]


def _refused(label: Any) -> ValueError:
    kind = type(label)
    return ValueError(
        f"the label {shown(label)} of type {kind.__module__}.{kind.__qualname__} cannot be kept in a file: convert the "
        "column to text, numbers, dates or durations, and build the index anew"
    )


def _integer(label: int) -> int:
    if abs(label) >= 10**_DIGITS:
        raise ValueError(f"an integer label of more than {_DIGITS} digits cannot be kept in a file: convert it to text")
    return label


def _float(label: float) -> Any:
    # JSON has no number for what is not finite.
    return label if np.isfinite(label) else {"float": repr(label)}


def _narrow(label: Any) -> Any:
    return {f"float{8 * label.dtype.itemsize}": repr(float(label))}


def _ticks(label: Any) -> Any:
    if getattr(label, "tzinfo", None) is not None:
        if label.nanosecond:
            raise _refused(label)
        return {"datetime": label.to_pydatetime().isoformat()}
    ticks = label.asm8 if hasattr(label, "asm8") else label
    unit, step = np.datetime_data(ticks.dtype)
    name = "datetime64" if isinstance(ticks, np.datetime64) else "timedelta64"
    return {name: [int(ticks.astype(np.int64)), unit, step]}


def _moment(kind: str) -> Callable[[Any], Any]:
    def read(content: Any) -> Any:
        ticks, unit, step = content
        found = np.array([ticks], dtype=np.int64).view(f"{kind}[{int(step)}{unit}]")[0]
        # Units without a fixed length order nothing.
        identity(found)
        return found

    return read


def _tuple(content: Any) -> tuple[Any, ...]:
    if not isinstance(content, list):
        raise TypeError("its parts are no list")
    return tuple(map(unpacked, content))


# Subclasses come before what they are derived from.
_WRITTEN: tuple[tuple[type, str | None, Callable[[Any], Any]], ...] = (
    (int, None, _integer),
    (np.float16, None, _narrow),
    (np.float32, None, _narrow),
    (float, None, _float),
    (bytes, "bytes", bytes.hex),
    (datetime.datetime, "datetime", datetime.datetime.isoformat),
    (datetime.date, "date", datetime.date.isoformat),
    (datetime.timedelta, "timedelta", lambda label: [label.days, label.seconds, label.microseconds]),
    (datetime.time, "time", datetime.time.isoformat),
    (decimal.Decimal, "decimal", str),
    (fractions.Fraction, "fraction", str),
    (uuid.UUID, "uuid", str),
    (pathlib.PureWindowsPath, "windows_path", str),
    (pathlib.PurePosixPath, "posix_path", str),
)

_READ: dict[str, Callable[[Any], Any]] = {
    "tuple": _tuple,
    "float": float,
    "float16": lambda content: np.float16(float(content)),
    "float32": lambda content: np.float32(float(content)),
    "bytes": bytes.fromhex,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "timedelta": lambda content: datetime.timedelta(*content),
    "time": datetime.time.fromisoformat,
    "datetime64": _moment("M8"),
    "timedelta64": _moment("m8"),
    "decimal": decimal.Decimal,
    "fraction": fractions.Fraction,
    "uuid": uuid.UUID,
    "windows_path": pathlib.PureWindowsPath,
    "posix_path": pathlib.PurePosixPath,
}
