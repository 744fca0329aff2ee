"""Times: a column of hours, dates or durations of any library, as floating-point hours with NaN where there is none.

Every library hands its columns over as numpy arrays of floats or of numpy's own time types, without a copy where it
holds them so. From ticks to hours is then one computation for all of them, in whole numbers to the last division: a
rounded difference would put a row that lies at the edge of the window on its wrong side.
"""

from __future__ import annotations

import datetime
import decimal
import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.arrow import simple
from cascade_sampler._tables.codes import native
from cascade_sampler._tables.kinds import identity, is_missing
from cascade_sampler._tables.libraries import library, loaded
from cascade_sampler._tables.readable import as_array
from cascade_sampler._tables.shown import shown

_FINE_UNITS = ("s", "ms", "us", "ns", "ps", "fs", "as")
_UNITS_AN_HOUR = {"h": 1, "m": 60} | {unit: 3600 * 1000**power for power, unit in enumerate(_FINE_UNITS)}
_HOURS_A_UNIT = {"D": 24, "W": 168}

_BLOCK = 1 << 16
"""Rows whose ticks are divided at a time, so that what lies between ticks and hours stays in the cache."""


@dataclass(frozen=True)
class Times:
    """The times of a column: chunks that are all float64 or all float32, or all of one of numpy's time types.

    Raises
    ------
    ValueError
        For an infinite time, or of more than one dimension.
    """

    name: Any
    chunks: list[NDArray[Any]]

    def __post_init__(self) -> None:
        infinite = 0
        for chunk in self.chunks:
            if chunk.ndim != 1:
                raise ValueError(f"column {shown(self.name)} must be one-dimensional, got shape {chunk.shape}")
            if chunk.dtype.kind == "f":
                infinite += int(np.count_nonzero(np.isinf(chunk)))
        if infinite:
            raise ValueError(f"column {shown(self.name)} has {infinite} rows with an infinite time: times are finite")

    def missing(self) -> int:
        """Return how many rows have no time."""
        return sum(int(np.count_nonzero(np.isnan(chunk))) for chunk in self.chunks)

    @property
    def depends_on_others(self) -> bool:
        """Whether the hours of a row depend on which other rows there are, as those of dates do."""
        return any(chunk.dtype.kind == "M" for chunk in self.chunks)

    def hours(self, kept: NDArray[np.bool_] | None = None) -> list[NDArray[Any]]:
        """Return the hours: of dates, those since the earliest of the rows that are `kept` (None: of all).

        Dates of rows that are not kept may come out as anything.
        """
        if not self.chunks or self.chunks[0].dtype.kind == "f":
            return self.chunks
        low, high = _extremes(self.chunks, kept)
        origin = low if self.depends_on_others else 0
        unit, step = np.datetime_data(self.chunks[0].dtype)
        step *= _HOURS_A_UNIT.get(unit, 1)
        hour = _UNITS_AN_HOUR.get(unit, 1)
        shared = math.gcd(step, hour)
        step, hour = step // shared, hour // shared
        wide = max(abs(low - origin), abs(high - origin)) * step >= 2**63 or hour >= 2**63
        return [_chunk_hours(chunk, origin, step, hour, wide) for chunk in self.chunks]


def _extremes(chunks: Sequence[NDArray[Any]], kept: NDArray[np.bool_] | None) -> tuple[int, int]:
    """Return the lowest and the highest tick, or twice 0 where there is none."""
    found: list[int] = []
    start = 0
    for chunk in chunks:
        chosen = chunk if kept is None else chunk[kept[start : start + len(chunk)]]
        start += len(chunk)
        if len(chosen):
            both = np.array([np.fmin.reduce(chosen), np.fmax.reduce(chosen)])
            found += both[~np.isnat(both)].astype(np.int64).tolist()
    return (min(found), max(found)) if found else (0, 0)


def _chunk_hours(chunk: NDArray[Any], origin: int, step: int, hour: int, wide: bool) -> NDArray[np.float64]:
    """Return ``(chunk - origin) * step / hour``, where `wide` says that 64 bits do not hold what lies between."""
    hours = np.empty(len(chunk), dtype=np.float64)
    for start in range(0, len(chunk), _BLOCK):
        block = chunk[start : start + _BLOCK]
        ticks: Any = block.view(np.int64)
        ticks = ((ticks.astype(object) if wide else ticks) - origin) * step
        whole = ticks // hour
        rest = ticks - whole * hour
        hours[start : start + _BLOCK] = whole.astype(np.float64) + rest.astype(np.float64) / float(hour)
        hours[start : start + _BLOCK][np.isnat(block)] = np.nan
    return hours


def read_times(name: Any, values: Any) -> Times:
    """Return the times of one column of any library.

    Raises
    ------
    TypeError
        For a column of a type that is no time: text, bools.
    ValueError
        For a column that is not one-dimensional, and for infinite times.
    """
    kind, values = library(values)
    if kind == "pandas":
        return _from_pandas(name, values)
    if kind == "polars":
        return _from_polars(name, values)
    if kind == "pyarrow":
        return arrow_times(name, getattr(values, "chunks", [values]))
    return Times(name, [_from_array(name, values)])


def _refused(name: Any, kind: Any, text: bool = False) -> TypeError:
    remedy = ": convert the text to one of these" if text else ""
    return TypeError(
        f"column {shown(name)} holds no times, its type is {kind}; times are numbers of hours, or dates with times, or "
        f"durations{remedy}"
    )


def _from_array(name: Any, values: Any) -> NDArray[Any]:
    # numpy would read numbers and text in one list as text, and times to the microsecond only.
    listed = isinstance(values, (list, tuple))
    array = np.fromiter(values, object, len(values)) if listed else as_array(name, values)
    masked = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
    array = np.asarray(array)
    if array.ndim != 1:
        raise ValueError(f"column {shown(name)} must be one-dimensional, got shape {array.shape}")
    if array.dtype.kind == "O":
        gaps = np.fromiter(map(is_missing, array.tolist()), dtype=bool, count=len(array))
        array = _from_objects(name, array, gaps if masked is None else gaps | masked)
    elif array.dtype.kind in "iuf":
        array = array.astype(_hours_type(array.dtype), copy=False)
    elif array.dtype.kind in "mM":
        unit, _ = np.datetime_data(array.dtype)
        if array.dtype.kind == "M" and unit in ("Y", "M"):
            array = array.astype("M8[D]")
        elif unit not in _UNITS_AN_HOUR and unit not in _HOURS_A_UNIT:
            raise TypeError(f"column {shown(name)} counts in a unit of no fixed length, its type is {array.dtype}")
    else:
        raise _refused(name, array.dtype, array.dtype.kind in "SUT")
    if masked is not None and masked.any():
        array = np.where(masked, _gap(array.dtype), array)
    # The core reads one-dimensional, aligned, native memory; what is that already is not copied.
    return np.require(native(array), requirements=["C", "A"])


def _hours_type(dtype: np.dtype[Any]) -> type[np.floating[Any]]:
    return np.float32 if dtype.kind == "f" and dtype.itemsize == 4 else np.float64


def _gap(dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return what stands for no time among times of this type."""
    return np.array("NaT" if dtype.kind in "mM" else np.nan, dtype=dtype)


def _from_objects(name: Any, array: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    present = array[~missing].tolist()
    kinds = set(map(type, present))
    # numpy counts its durations among the integers.
    if _all(kinds, (datetime.timedelta, np.timedelta64)) and kinds:
        found = _from_moments(name, present, "m8")
    elif _all(kinds, (datetime.date, np.datetime64)) and kinds:
        if len({getattr(moment, "tzinfo", None) is None for moment in present}) > 1:
            raise TypeError(f"column {shown(name)} mixes times with a time zone and times without")
        found = _from_moments(name, present, "M8")
    elif _all(kinds, (numbers.Real, decimal.Decimal)) and not kinds & {bool, np.timedelta64}:
        try:
            found = np.array(present, dtype=np.float32 if kinds == {np.float32} else np.float64)
        except OverflowError:
            raise ValueError(f"column {shown(name)} has a time beyond the doubles: times are finite") from None
    else:
        listed = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise _refused(name, listed, any(issubclass(kind, (str, bytes)) for kind in kinds))
    hours = np.full(len(array), _gap(found.dtype), dtype=found.dtype)
    hours[~missing] = found
    return hours


def _all(kinds: Iterable[type], of: tuple[type, ...]) -> bool:
    return all(issubclass(kind, of) for kind in kinds)


def _from_moments(name: Any, moments: Sequence[Any], kind: str) -> NDArray[Any]:
    """Return date or duration objects as an array of a unit that holds them exactly."""
    if set(map(type, moments)) <= {datetime.datetime, datetime.timedelta} and not getattr(moments[0], "tzinfo", None):
        # What these hold is whole microseconds, and numpy reads them ten times as fast as the loop below does.
        return np.array(moments, dtype=f"{kind}[us]")
    try:
        attoseconds = [identity(moment)[1] for moment in moments]
    except TypeError:
        raise TypeError(f"column {shown(name)} holds durations in a unit of no fixed length") from None
    unit, ticks = next(
        (unit, 1000**power)
        for power, unit in zip(range(6, -1, -1), _FINE_UNITS, strict=True)
        if not any(moment % 1000**power for moment in attoseconds)
    )
    try:
        return np.array([moment // ticks for moment in attoseconds], dtype=np.int64).view(f"{kind}[{unit}]")
    except OverflowError:
        pass
    raise ValueError(f"column {shown(name)} holds times so far apart, and so fine, that 64 bits do not hold them")


def _from_pandas(name: Any, values: Any) -> Times:
    pandas = loaded("pandas")
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return Times(name, [_from_array(name, np.asarray(values))])
    array = values.array if hasattr(values, "array") else values
    if isinstance(dtype, pandas.ArrowDtype):
        arrow = array.__arrow_array__()
        return arrow_times(name, getattr(arrow, "chunks", [arrow]))
    if isinstance(dtype, pandas.DatetimeTZDtype):
        return Times(name, [_from_array(name, np.asarray(array.tz_convert(None)))])
    if isinstance(dtype, pandas.StringDtype):
        raise _refused(name, dtype, text=True)
    if isinstance(dtype, pandas.SparseDtype):
        return Times(name, [_from_array(name, np.asarray(array))])
    if isinstance(dtype, pandas.CategoricalDtype):
        (categories,) = _from_pandas(name, array.categories).chunks
        # A missing code is -1: the last entry.
        return Times(name, [np.append(categories, _gap(categories.dtype))[array.codes]])
    if isinstance(array, (pandas.arrays.IntegerArray, pandas.arrays.FloatingArray)):
        array = array.to_numpy(dtype=_hours_type(dtype.numpy_dtype), na_value=np.nan)
    return Times(name, [_from_array(name, np.asarray(array))])


def _from_polars(name: Any, series: Any) -> Times:
    polars = loaded("polars")
    kind = series.dtype
    if isinstance(kind, polars.Decimal) or str(kind) in ("Int128", "UInt128"):
        # Neither has a type in numpy. Python rounds each number to the nearest double.
        return Times(name, [_from_array(name, series.to_list())])
    if kind == polars.Null or (kind.is_integer() and series.null_count()):
        series = series.cast(polars.Float64)
    elif not (kind.is_integer() or kind.is_float() or kind in (polars.Date, polars.Datetime, polars.Duration)):
        raise _refused(name, kind, kind in (polars.String, polars.Categorical, polars.Enum))
    return Times(name, [_from_array(name, chunk.to_numpy()) for chunk in series.get_chunks()])


def arrow_times(name: Any, chunks: Iterable[Any]) -> Times:
    """Return the times of an Arrow column, chunk by chunk."""
    return Times(name, [_from_array(name, _arrow_array(name, chunk)) for chunk in chunks if len(chunk)])


def _arrow_array(name: Any, chunk: Any) -> NDArray[Any]:
    import pyarrow

    types = pyarrow.types
    given = chunk.type
    chunk = simple(chunk)
    if types.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    kind = chunk.type
    if types.is_null(given):
        chunk = pyarrow.nulls(len(chunk), pyarrow.float64())
    elif types.is_decimal(kind):
        # Python rounds each number to the nearest double; there are few different ones.
        encoded = chunk.dictionary_encode()
        hours = _from_array(name, encoded.dictionary.to_pylist())
        indices = encoded.indices.fill_null(len(hours)).to_numpy(zero_copy_only=False)
        decimals: NDArray[Any] = np.append(hours, np.nan)[indices]
        return decimals
    elif not (types.is_integer(kind) or types.is_floating(kind) or types.is_temporal(kind)) or types.is_time(kind):
        raise _refused(name, given, "string" in str(given))
    array: NDArray[Any] = chunk.to_numpy(zero_copy_only=False)
    return array
