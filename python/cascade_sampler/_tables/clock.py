"""Times that are written as text: numbers of hours, dates and durations."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from cascade_sampler._tables.shown import shown

_DURATION = re.compile(
    r"\s*(?P<minus>-)?(?:(?P<days>[+-]?\d+)\s*d(?:ays?)?,?\s*)?"
    r"(?:(?P<sign>[+-])?(?P<hours>\d+):(?P<minutes>[0-5]?\d)(?::(?P<seconds>[0-5]?\d)(?:\.(?P<fraction>\d{1,9}))?)?)?\s*",
    re.IGNORECASE,
)


def read_clock(name: str, column: Any) -> Any:
    """Return a column of text as numbers, or as dates and times, or as durations, whichever all of it is.

    Durations are ``H:MM``, ``H:MM:SS.fff`` and ``D days HH:MM:SS``, as pandas and Python write them.

    Raises
    ------
    ValueError
        Where it is neither: the first text that is no time.
    """
    import pyarrow

    text = pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type)
    if not text:
        return column
    zoned = [pyarrow.timestamp(unit, zone) for zone in (None, "UTC") for unit in ("ns", "us")]
    for kind in (pyarrow.float64(), *zoned):
        try:
            return column.cast(kind)
        except pyarrow.ArrowInvalid:
            continue
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.chunk(0)
    ticks = [_nanoseconds(name, each) for each in encoded.dictionary.to_pylist()]
    values = np.array([*ticks, np.iinfo(np.int64).min], dtype=np.int64).view("m8[ns]")
    places = encoded.indices.fill_null(len(ticks)).to_numpy(zero_copy_only=False)
    return pyarrow.chunked_array([pyarrow.array(values[places])])


def _nanoseconds(name: str, text: str) -> int:
    found = _DURATION.fullmatch(text)
    if not found or not (found["days"] or found["hours"]):
        raise ValueError(
            f"column {shown(name)} holds {shown(text)}, which is no time; times are numbers of hours, or dates with "
            "times, or durations such as 1:30:00, and all of a column are one of these"
        )
    fraction = int((found["fraction"] or "").ljust(9, "0"))
    clock = ((int(found["hours"] or 0) * 60 + int(found["minutes"] or 0)) * 60 + int(found["seconds"] or 0)) * 10**9
    clock = (clock + fraction) * (-1 if found["sign"] == "-" else 1)
    days = int(found["days"] or 0)
    total = days * 86_400 * 10**9 + clock
    if found["minus"]:
        # Before a number of days it is theirs alone, as Python and pandas write it.
        total = clock - days * 86_400 * 10**9 if found["days"] else -clock
    if abs(total) >= 2**63:
        raise ValueError(f"column {shown(name)} holds {shown(text)}: durations are below 292 years")
    return total
