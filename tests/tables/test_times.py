"""Every kind of table gives the same hours."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cascade_sampler._tables.times import arrow_times, read_times
from time_columns import ROWS, libraries, sampler

RANDOM = np.random.default_rng(7)
NAN = float("nan")
INF = float("inf")


def hours(values: Any) -> np.ndarray:
    """The hours as the core gets them."""
    chunks = read_times("t", values).hours()
    for chunk in chunks:
        assert chunk.ndim == 1 and chunk.dtype in (np.float64, np.float32)
        assert chunk.flags.c_contiguous and chunk.flags.aligned and chunk.dtype.isnative
    assert len({chunk.dtype for chunk in chunks}) == 1
    return np.concatenate(chunks)


def same(found: np.ndarray, expected: Any, dtype: Any = np.float64, name: str = "") -> None:
    """Bit for bit, any NaN like another."""
    expected = np.asarray(expected, dtype=dtype)
    assert found.dtype == dtype, name
    gaps = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), gaps, err_msg=name)
    assert found[~gaps].tobytes() == expected[~gaps].tobytes(), name


AN_HOUR = {
    "W": Fraction(1, 168),
    "D": Fraction(1, 24),
    "h": Fraction(1),
    "m": Fraction(60),
    **{unit: Fraction(3600 * 1000**power) for power, unit in enumerate(("s", "ms", "us", "ns", "ps", "fs", "as"))},
}


def slow(ticks: list[int | None], unit: str, step: int = 1, dates: bool = True) -> list[float]:
    """The specification's formula on Python's integers, a row at a time."""
    an_hour = AN_HOUR[unit] / step
    origin = min(tick for tick in ticks if tick is not None) if dates else 0
    found = []
    for tick in ticks:
        if tick is None:
            found.append(NAN)
            continue
        distance = (tick - origin) * an_hour.denominator
        found.append(float(distance // an_hour.numerator) + float(distance % an_hour.numerator) / an_hour.numerator)
    return found


def with_gaps(values: list[Any]) -> list[Any]:
    return [None if row % 7 == 3 else value for row, value in enumerate(values)]


# Numbers


@pytest.mark.parametrize("dtype", [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)])
def test_integers_are_doubles(dtype):
    limits = np.iinfo(dtype)
    values = RANDOM.integers(limits.min, limits.max, ROWS, dtype=dtype, endpoint=True)
    values[:2] = limits.min, limits.max
    expected = [float(value) for value in values.tolist()]
    same(hours(values), expected)
    same(hours(values.tolist()), expected)
    same(hours(values.astype(values.dtype.newbyteorder(">"))), expected)
    gaps = [NAN if value is None else value for value in with_gaps(expected)]
    for name, column in libraries(pa.array(values)).items():
        same(hours(column), expected, name=name)
    missing = pa.array(with_gaps(values.tolist()), pa.from_numpy_dtype(values.dtype))
    for column in (
        *(column for name, column in libraries(missing).items() if name not in ("pandas", "pandas index")),
        with_gaps(values.tolist()),
        np.ma.array(values, mask=np.isnan(gaps)),
        pd.Series(pd.array(with_gaps(values.tolist()), dtype=dtype.replace("i", "I").replace("u", "U"))),
    ):
        if not isinstance(getattr(column, "dtype", None), pd.CategoricalDtype):
            same(hours(column), gaps)


@pytest.mark.parametrize(("dtype", "kept"), [("float16", "float64"), ("float32", "float32"), ("float64", "float64")])
def test_floats_keep_the_width_that_decides(dtype, kept):
    values = RANDOM.normal(0, 20, ROWS).astype(dtype)
    expected = values.astype(kept)
    gaps = np.where(np.arange(ROWS) % 7 == 3, NAN, values).astype(kept)
    swapped = values.astype(values.dtype.newbyteorder(">"))
    for column in (values, swapped, np.repeat(values, 3)[::3], values[::-1][::-1], np.ma.array(values, mask=False)):
        same(hours(column), expected, kept)
    same(hours(np.ma.array(values, mask=np.isnan(gaps))), gaps, kept)
    for plain, column in (
        (expected, pa.array(values)),
        (gaps, pa.array(with_gaps(list(values)), pa.array(values).type)),
    ):
        for name, held in libraries(column).items():
            same(hours(held), plain, kept, name)
    if dtype != "float16":
        nullable = pd.array(values, dtype=dtype.capitalize())
        same(hours(nullable), expected, kept)
        nullable[np.isnan(gaps)] = pd.NA
        same(hours(pd.Series(nullable)), gaps, kept)
        same(hours(pd.arrays.SparseArray(values)), expected, kept)
    same(hours(list(values)), values, "float32" if dtype == "float32" else "float64")


def test_either_of_null_and_nan_is_missing():
    for column in (
        pa.array([1.0, NAN, None]),
        pl.Series([1.0, NAN, None]),
        pd.Series(pa.array([1.0, NAN, None]), dtype=pd.ArrowDtype(pa.float64())),
        [1, float("nan"), None],
        [1, pd.NA, np.float32("nan")],
    ):
        same(hours(column), [1.0, NAN, NAN])


def test_columns_of_nothing():
    for column in ([None] * 3, np.array([None] * 3), pa.nulls(3), pl.Series([None] * 3), pd.Series([None] * 3)):
        same(hours(column), [NAN] * 3)


def test_lists_of_all_sorts_of_numbers():
    same(hours([1, 2.5, np.int8(3), Fraction(1, 2), np.float32(0.1)]), [1, 2.5, 3, 0.5, float(np.float32(0.1))])
    same(hours(pd.Series([1, 2.5, None], dtype=object)), [1, 2.5, NAN])


def test_a_long_double_is_a_double():
    same(hours(np.array([0.1, 2], dtype=np.longdouble)), [0.1, 2])


def test_what_is_held_right_is_not_copied():
    values = RANDOM.normal(size=ROWS)
    for column in (values, pd.Series(values), pl.Series(values), pa.array(values), pa.array(values.astype(np.float32))):
        (found,) = read_times("t", column).hours()
        source = column.to_numpy() if hasattr(column, "to_numpy") else column
        assert np.shares_memory(found, source)


# Dates and durations

MOMENTS = {
    "ns": [0, 1, -1, 3600 * 10**9, 3600 * 10**9 - 1, -7_200_000_000_001, 123_456_789_012_345_678],
    "us": [0, 1, -1, 600 * 10**6, 1_700_000_000_123_456, -62_000_000_000_000_000],
    "ms": [0, 1, -1, 600_001, 1_700_000_000_123, -5],
    "s": [0, 1, -1, 601, 1_700_000_000, -3599, 3599],
}


@pytest.mark.parametrize("unit", MOMENTS)
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata", "America/New_York"])
def test_dates_in_every_library(unit, gaps, zone):
    ticks: list[Any] = RANDOM.choice(MOMENTS[unit], ROWS).tolist()
    ticks = with_gaps(ticks) if gaps else ticks
    expected = slow(ticks, unit)
    for name, column in libraries(pa.array(ticks, pa.timestamp(unit, tz=zone))).items():
        same(hours(column), expected, name=name)
    if zone is None:
        moments = np.array([np.iinfo(np.int64).min if tick is None else tick for tick in ticks]).view(f"M8[{unit}]")
        same(hours(moments), expected)
        same(hours(moments.astype(moments.dtype.newbyteorder(">"))), expected)
        same(hours(list(moments)), expected)
        same(hours(np.ma.array(moments, mask=False)), expected)
    same(hours(pa.array(ticks, pa.timestamp(unit, tz=zone)).to_pandas().astype(object)), expected)


@pytest.mark.parametrize("unit", MOMENTS)
@pytest.mark.parametrize("gaps", [False, True])
def test_durations_in_every_library(unit, gaps):
    ticks: list[Any] = RANDOM.choice(MOMENTS[unit], ROWS).tolist()
    ticks = with_gaps(ticks) if gaps else ticks
    expected = slow(ticks, unit, dates=False)
    for name, column in libraries(pa.array(ticks, pa.duration(unit))).items():
        same(hours(column), expected, name=name)
    lengths = np.array([np.iinfo(np.int64).min if tick is None else tick for tick in ticks]).view(f"m8[{unit}]")
    same(hours(lengths), expected)
    same(hours(list(lengths)), expected)
    same(hours(pd.Series(lengths).astype(object)), expected)


@pytest.mark.parametrize("unit", AN_HOUR)
@pytest.mark.parametrize("step", [1, 7, 15])
@pytest.mark.parametrize("kind", ["M8", "m8"])
def test_units_of_numpy(unit, step, kind):
    ticks = RANDOM.integers(-(10**6), 10**6, ROWS).tolist()
    if unit in ("ps", "fs", "as"):
        ticks = [tick * 10**12 for tick in ticks]
    expected = slow(ticks, unit, step, dates=kind == "M8")
    same(hours(np.array(ticks).view(f"{kind}[{step}{unit}]")), expected)


def test_months_and_years():
    days = np.array(["2024-01-01", "2024-03-01", "2023-12-01"], dtype="M8[M]")
    same(hours(days), [744, 2184, 0])
    same(hours(np.array(["2024", "2023"], dtype="M8[Y]")), [8760, 0])
    same(hours(list(days)), [744, 2184, 0])


def test_days():
    ticks = [19_000, None, 18_000, -5]
    expected = slow(ticks, "D")
    date32 = pa.array(ticks, pa.date32())
    dates = [None if tick is None else dt.date(1970, 1, 1) + dt.timedelta(tick) for tick in ticks]
    for column in (
        date32,
        date32.cast(pa.date64()),
        pl.Series(date32),
        dates,
        pa.chunked_array([date32]),
        date32.to_pandas(),
    ):
        same(hours(column), expected)
    same(hours(pd.Series(date32, dtype=pd.ArrowDtype(pa.date32()))), expected)


@pytest.mark.parametrize("unit", ["ns", "us", "s", "h", "D", "W"])
@pytest.mark.parametrize("kind", ["M8", "m8"])
def test_times_at_the_ends_of_64_bits(unit, kind):
    ticks = [2**63 - 1, -(2**63) + 1, 0, 1, -1, 2**63 - 2]
    same(hours(np.array(ticks).view(f"{kind}[{unit}]")), slow(ticks, unit, dates=kind == "M8"))


def test_the_unit_does_not_matter():
    ticks = RANDOM.integers(-(10**9), 10**9, 5_000)
    moments = ticks.astype("M8[s]")
    expected = hours(moments)
    for unit in ("ms", "us", "ns"):
        same(hours(moments.astype(f"M8[{unit}]")), expected)
        same(hours((moments - moments.min()).astype(f"m8[{unit}]")), expected)


def test_python_objects():
    start = dt.datetime(2024, 2, 29, 23, 59, 59, 999_999)
    moments = [start, start + dt.timedelta(microseconds=1), None, start - dt.timedelta(hours=30)]
    expected = slow([30 * 3600 * 10**6, 30 * 3600 * 10**6 + 1, None, 0], "us")
    same(hours(moments), expected)
    zone = dt.timezone(dt.timedelta(hours=9))
    aware = [None if moment is None else moment.replace(tzinfo=dt.timezone.utc).astimezone(zone) for moment in moments]
    same(hours(aware), expected)
    same(hours([dt.timedelta(0), dt.timedelta(microseconds=-1), pd.NaT]), slow([0, -1, None], "us", dates=False))
    mixed = [
        pd.Timestamp(0),
        np.datetime64(1, "ns"),
        dt.datetime(1970, 1, 1, 1),
        np.datetime64("NaT"),
        dt.date(1970, 1, 2),
    ]
    same(hours(mixed), slow([0, 1, 3600 * 10**9, None, 86400 * 10**9], "ns"))


def test_dates_count_from_the_earliest_row_that_is_kept():
    times = read_times("t", np.array([5, 3, 100, 0], dtype="M8[h]"))
    found = np.concatenate(times.hours(np.array([True, True, False, False])))
    assert found[:2].tolist() == [2.0, 0.0]
    # A row that is left out may lie so far off that the distance does not fit; the others are not touched by it.
    far = read_times("t", np.array([5, 3, 2**63 - 1, -(2**63) + 1], dtype="M8[ns]"))
    kept = np.array([True, True, False, False])
    np.testing.assert_array_equal(np.concatenate(far.hours(kept))[:2], slow([5, 3], "ns"))
    assert np.isfinite(np.concatenate(far.hours(np.zeros(4, dtype=bool)))).all()
    chunks = pa.chunked_array([pa.array([1, 2], pa.timestamp("s")), pa.array([9, 8], pa.timestamp("s"))])
    found = np.concatenate(read_times("t", chunks).hours(np.array([False, True, True, True])))
    assert found[1:].tolist() == slow([2, 9, 8], "s")


def test_only_dates_depend_on_others():
    assert read_times("t", np.array([1], dtype="M8[s]")).depends_on_others
    assert not read_times("t", np.array([1], dtype="m8[s]")).depends_on_others
    assert not read_times("t", np.array([1.0])).depends_on_others
    assert not arrow_times("t", []).depends_on_others


def test_blocks_join():
    ticks = RANDOM.integers(0, 10**15, 200_001)
    same(hours(ticks.view("M8[us]")), slow(ticks.tolist(), "us"))


# Errors


@pytest.mark.parametrize(
    ("error", "match", "values"),
    [
        (TypeError, "column 't' holds no times, its type is str; .* convert the text", ["0.5", "1.5"]),
        (TypeError, "convert the text", [None, "2024-01-01", 3.0]),
        (TypeError, "its type is <U3.*convert the text", np.array(["0.5"])),
        (TypeError, "convert the text", np.array([b"0.5"])),
        (TypeError, "convert the text", pd.Series(["0.5"])),
        (TypeError, "convert the text", pd.Series(["0.5"], dtype="string")),
        (TypeError, "convert the text", pd.Series(["0.5"]).astype("category")),
        (TypeError, "convert the text", pd.Series(["0.5"], dtype=pd.ArrowDtype(pa.string()))),
        (TypeError, "convert the text", pl.Series(["0.5"])),
        (TypeError, "convert the text", pl.Series(["0.5"], dtype=pl.Categorical)),
        (TypeError, "convert the text", pl.Series(["0.5"], dtype=pl.Enum(["0.5"]))),
        (TypeError, "convert the text", pa.array(["0.5"])),
        (TypeError, "convert the text", pa.array(["0.5"]).dictionary_encode()),
        (TypeError, "convert the text", pa.chunked_array([pa.array(["0.5"])])),
        (TypeError, "convert the text", pa.array(["0.5"], pa.string_view())),
        (TypeError, "its type is bool; times are numbers of hours, or dates with times, or durations$", np.array([True])),
        (TypeError, "its type is bool", [True, False]),
        (TypeError, "its type is bool and float", [True, 0.5]),
        (TypeError, "its type is bool", pd.Series([True, None], dtype="boolean")),
        (TypeError, "its type is Boolean", pl.Series([True])),
        (TypeError, "its type is bool", pa.array([True])),
        (TypeError, "its type is complex", np.ones(3, complex)),
        (TypeError, "its type is time", [dt.time(3)]),
        (TypeError, "its type is time32", pa.array([3], pa.time32("s"))),
        (TypeError, "its type is Time", pl.Series([dt.time(3)])),
        (TypeError, "its type is datetime and float", [dt.datetime(2024, 1, 1), 3.0]),
        (TypeError, "its type is datetime and timedelta", [dt.datetime(2024, 1, 1), dt.timedelta(3)]),
        (TypeError, "its type is float and timedelta64", [0.5, np.timedelta64(3, "s")]),
        (TypeError, "its type is Period", pd.Series(pd.period_range("2024-01", periods=3, freq="M"))),
        (TypeError, "its type is list", pa.array([[1.0]])),
        (TypeError, "its type is List", pl.Series([[1.0]])),
        (TypeError, "no fixed length", np.array([1], dtype="m8[M]")),
        (TypeError, "no fixed length", np.array([1], dtype="m8")),
        (TypeError, "no fixed length", [np.timedelta64(1, "Y")]),
        (TypeError, "mixes times with a time zone and times without",
         [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)]),
        (ValueError, "so far apart, and so fine", [np.datetime64(1, "as"), dt.datetime(2024, 1, 1)]),
        (ValueError, r"column 't' must be one-dimensional, got shape \(3, 1\)", np.zeros((3, 1))),
        (ValueError, "column 't' has 2 rows with an infinite time: times are finite", np.array([1.0, INF, -INF, NAN])),
        (ValueError, "column 't' has 1 rows with an infinite time", [1, INF]),
        (ValueError, "column 't' has 1 rows with an infinite time", np.array([INF], dtype=np.float16)),
        (ValueError, "column 't' has 1 rows with an infinite time", pa.array([INF, None], pa.float32())),
        (ValueError, "column 't' has 1 rows with an infinite time", pl.Series([INF, None])),
        (ValueError, "column 't' has a time beyond the doubles", [10**400]),
    ],
)  # fmt: skip
def test_what_is_refused(error, match, values):
    with pytest.raises(error, match=match):
        read_times("t", values)
    if np.ndim(values) == 1:
        for missing in ("error", "exclude"):
            with pytest.raises(error, match=match):
                sampler({"t": values}, time_key="t", missing=missing, batch_size=1)
