"""The texts by which VisCy's sampler knows labels."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np

from cascade_sampler._tables import labels as _labels

#: Digits behind the point of a second.
_DIGITS = (0, 3, 6, 9)
_DURATIONS = (datetime.timedelta, np.timedelta64)
_DAY = 86_400 * 10**9


def texts(labels: Sequence[Any]) -> list[str]:
    """Return the texts of a key's labels, as upstream writes them: of several columns joined by ``|``."""
    if not any(isinstance(label, tuple) for label in labels):
        return [_single(label) for label in labels]
    columns = [_column(parts) for parts in zip(*labels, strict=True)]
    return ["|".join(parts) for parts in zip(*columns, strict=True)]


def other_texts(label: Any) -> list[str]:
    """Return what else may name `label`: its text in this package, for a narrow float that of the double."""
    if isinstance(label, (np.float16, np.float32)):
        return [repr(float(label))]
    if isinstance(label, tuple):
        return ["|".join(map(_labels.text, label))]
    return [str(label), _labels.text(label)] if isinstance(label, _DURATIONS) else [_labels.text(label)]


def _single(label: Any) -> str:
    """Return the text of a label of one column: that of the pandas scalar."""
    if _is_moment(label):
        nanoseconds = _nanoseconds(label)
        return _moment(label, next(digits for digits in (0, 6, 9) if nanoseconds % 10 ** (9 - digits) == 0))
    return _duration(label) if isinstance(label, _DURATIONS) else _labels.text(label)


def _column(labels: Sequence[Any]) -> list[str]:
    """Return the texts of the labels of one of several columns: pandas writes the moments of a column alike."""
    if not all(map(_is_moment, labels)):
        return [_labels.text(label) for label in labels]
    fractions = [_nanoseconds(label) for label in labels]
    digits = next(digits for digits in _DIGITS if all(fraction % 10 ** (9 - digits) == 0 for fraction in fractions))
    written = [_moment(label, digits) for label in labels]
    if all(text.endswith(" 00:00:00") for text in written):
        return [text.removesuffix(" 00:00:00") for text in written]
    return written


def _is_moment(label: Any) -> bool:
    return isinstance(label, (datetime.datetime, np.datetime64))


def _nanoseconds(label: Any) -> int:
    """Return the nanoseconds of the second."""
    if isinstance(label, datetime.datetime):
        return label.microsecond * 1000 + int(getattr(label, "nanosecond", 0))
    return int(label.astype("M8[ns]").astype(np.int64)) % 10**9


def _moment(label: Any, digits: int) -> str:
    zone = ""
    if isinstance(label, datetime.datetime):
        seconds = label.strftime("%Y-%m-%d %H:%M:%S")
        offset = label.utcoffset()
        if offset is not None:
            minutes = round(offset.total_seconds() / 60)
            zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    else:
        seconds = str(np.datetime_as_string(label.astype("M8[s]"))).replace("T", " ")
    fraction = f".{_nanoseconds(label):09}"[: digits + 1] if digits else ""
    return f"{seconds}{fraction}{zone}"


def _duration(label: Any) -> str:
    days, rest = divmod(int(np.timedelta64(label, "ns").astype(np.int64)), _DAY)
    seconds, nanoseconds = divmod(rest, 10**9)
    digits = next(digits for digits in (0, 6, 9) if nanoseconds % 10 ** (9 - digits) == 0)
    fraction = f".{nanoseconds:09}"[: digits + 1] if digits else ""
    sign = "+" if days < 0 else ""
    return f"{days} days {sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"
