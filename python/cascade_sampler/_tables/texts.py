"""The text of a label: one for each, whatever library, unit or width it came in, on every way out."""

from __future__ import annotations

import datetime
import decimal
import numbers
from typing import Any

import numpy as np

from cascade_sampler._tables.kinds import LABELS, as_numpy_time, identity, is_label_type

_PER_SECOND = 10**18
_DAY = 86_400


def text(label: Any) -> str:
    """Return `label` as the text that orders keys of several columns, and that tables and pages name it by.

    A string is itself; an integer is decimal; a float is the shortest decimal that reads back in its own width, as
    Python prints it, and any zero is 0.0; a Decimal has no zeros at its end; a bool is True or False; a time is
    ``YYYY-MM-DD HH:MM:SS.ffffff`` in UTC, cut at the microsecond; a duration is ``D days HH:MM:SS`` and as many groups
    of three decimals as it needs, the days alone below zero; a tuple is its parts, joined by ``|``.

    Raises
    ------
    TypeError
        For an object that is no label.
    """
    if isinstance(label, str):
        return str.__str__(label)
    if isinstance(label, tuple):
        return "|".join(map(text, label))
    if isinstance(label, (bool, np.bool_)):
        return str(bool(label))
    if isinstance(label, (datetime.timedelta, np.timedelta64)):
        # Before the integers, among which numpy counts its durations.
        return _duration(identity(label)[1])
    if isinstance(label, (int, np.integer)):
        return int.__repr__(identity(label))
    if isinstance(label, (float, np.floating)) and label == 0:
        # -0.0 and 0.0 are one label, and which of them a table shows first must not decide its place.
        return "0.0"
    if isinstance(label, (np.float16, np.float32)):
        # At most nine digits, which survive the way through a double: Python then prints those and no others.
        return repr(float(np.format_float_scientific(label, unique=True))) if np.isfinite(label) else repr(float(label))
    if isinstance(label, (float, np.floating)):
        return repr(float(label))
    if isinstance(label, decimal.Decimal):
        return _decimal(label)
    if isinstance(label, (datetime.date, np.datetime64)):
        moment = np.datetime_as_string(as_numpy_time(label).astype("M8[us]"), unit="us")
        return str(moment).replace("T", " ")
    if not is_label_type(type(label)):
        raise TypeError(
            f"a label is one of {LABELS}, not a {type(label).__name__}: convert that column to one of these"
        )
    return str(label)


def _duration(attoseconds: int) -> str:
    seconds, rest = divmod(attoseconds, _PER_SECOND)
    days, seconds = divmod(seconds, _DAY)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    digits = f"{rest:018}".rstrip("0")
    digits = digits.ljust(-(-len(digits) // 3) * 3, "0")
    return f"{days} days {clock}" + ("." + digits if digits else "")


def _decimal(number: decimal.Decimal) -> str:
    if not number.is_finite():
        return str(number)
    if number.is_zero():
        return "0"
    _, digits, exponent = number.as_tuple()
    exact = decimal.Context(prec=len(digits), Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
    number = number.normalize(exact)
    return format(number, "f") if abs(number.adjusted()) <= 40 and abs(int(exponent)) <= 80 else str(number)


def plain(label: Any) -> Any:
    """Return `label` as JSON has it: text, finite numbers and bools as they are, anything else as its `text`.

    Infinity is its text, since JSON has no number for it. A lone surrogate, which no encoding of files takes, becomes
    an escape.
    """
    if label is None:
        return None
    if isinstance(label, (str, tuple)):
        return _encodable(text(label))
    if isinstance(label, (bool, np.bool_)):
        return bool(label)
    if isinstance(label, (int, np.integer)) and not isinstance(label, np.timedelta64):
        return identity(label)
    if isinstance(label, (float, np.floating)):
        return float(text(label)) if np.isfinite(label) else text(label)
    try:
        return _encodable(text(label))
    except TypeError:
        # No label, but a name that a user gave where one was expected.
        return _encodable(_described(label))


def _encodable(written: str) -> str:
    return written if written.isascii() else written.encode("utf-8", "backslashreplace").decode("utf-8")


def _described(label: Any) -> str:
    try:
        return str(label) if isinstance(label, numbers.Number) else repr(label)
    except Exception:
        return f"<{type(label).__name__}>"
