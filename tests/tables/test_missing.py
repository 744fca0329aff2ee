"""Rows without a label or a time: refused, or left out of everything but the numbering of the rows."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._tables.keys import MISSING, make_key
from cascade_sampler._tables.open import open_table
from streams import Stream

ROWS = 240
RANDOM = np.random.default_rng(11)
NAN = float("nan")

CODES = RANDOM.integers(0, 3, ROWS)
OTHERS = RANDOM.integers(0, 2, ROWS)
STEPS = RANDOM.integers(0, 40, ROWS)


def sampler(table: Any, **arguments: Any) -> FlexibleBatchSampler:
    settings: dict[str, Any] = {"batch_size": 10, "leaky": 0.2, "experiment_key": "k", "missing": "exclude"}
    if arguments.get("condition_balanced", True):
        settings["condition_key"] = "c"
    if arguments.get("temporal_enrichment"):
        settings["time_key"] = "t"
    return FlexibleBatchSampler(table, **{**settings, **arguments})


def without(values: Any, gone: np.ndarray) -> list[Any]:
    return [None if missing else value for value, missing in zip(np.asarray(values).tolist(), gone, strict=True)]


def gaps(every: int, offset: int) -> np.ndarray:
    return np.arange(ROWS) % every == offset


def reduced(keep: np.ndarray, **arguments: Any) -> list[list[int]]:
    """The batches of the table of the rows that are kept, by their positions in the whole one."""
    table = {"k": CODES[keep], "c": OTHERS[keep], "t": STEPS[keep] - STEPS[keep].min()}
    return np.flatnonzero(keep)[sampler(table, **arguments, missing="error").epoch_batches()].tolist()


def tables(columns: dict[str, pa.Array]) -> dict[str, Any]:
    """The table in each library, whole and in pieces."""
    arrow = pa.table(columns)
    pieces = pa.concat_tables([arrow[:100], arrow[100:101], arrow[101:101], arrow[101:]])
    encoded = pa.table({name: pieces.column(name).dictionary_encode() for name in columns})
    return {
        "lists": {name: column.to_pylist() for name, column in columns.items()},
        "mapping of pandas": {name: column.to_pandas() for name, column in columns.items()},
        "mapping of polars": {name: pl.Series(column) for name, column in columns.items()},
        "mapping of arrow": {name: pieces.column(name) for name in columns},
        "pandas": arrow.to_pandas(),
        "pandas, category": arrow.to_pandas().astype("category"),
        "pandas on arrow": pieces.to_pandas(types_mapper=pd.ArrowDtype),
        "pandas nullable": arrow.to_pandas().convert_dtypes(),
        "polars": pl.DataFrame(arrow),
        "polars, chunked": pl.concat([pl.DataFrame(arrow[:77]), pl.DataFrame(arrow[77:])], rechunk=False),
        "arrow": pieces,
        "arrow, dictionary": encoded,
        "arrow, dictionary with nulls": pa.table({
            name: column.dictionary_encode(null_encoding="encode") for name, column in columns.items()
        }),
        "stream": Stream(pieces),
        "stream of dictionaries": Stream(encoded),
        "reader": pieces.to_reader(),
    }  # fmt: skip


KEY_TYPES = {
    "text": lambda codes: np.array(["a", "b", "c"])[codes],
    "integers": lambda codes: codes + 5,
    "floats": lambda codes: codes / 4,
    "bools": lambda codes: codes > 0,
    "times": lambda codes: codes.astype("M8[ms]"),
}


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_labels_in_every_table(kind, caplog):
    gone, also = gaps(7, 3), gaps(11, 5)
    codes = np.minimum(CODES, 1) if kind == "bools" else CODES
    values = KEY_TYPES[kind](codes)
    keep = ~gone & ~also
    table = {"k": codes[keep], "c": OTHERS[keep]}
    expected = np.flatnonzero(keep)[sampler(table, missing="error").epoch_batches()].tolist()
    columns = {"k": pa.array(values, mask=gone), "c": pa.array(OTHERS, mask=also)}
    for name, table in tables(columns).items():
        caplog.clear()
        assert sampler(table).epoch_batches().tolist() == expected, name
        (record,) = caplog.records
        assert record.getMessage() == (
            f"missing='exclude' leaves out {ROWS - keep.sum()} of {ROWS} rows: "
            f"column 'k' {gone.sum()}, column 'c' {also.sum()}"
        )
        assert (record.name, record.levelno) == ("cascade_sampler", logging.WARNING)


TIME_TYPES = {
    "floats": lambda steps, gone: pa.array(steps / 2, mask=gone),
    "narrow floats": lambda steps, gone: pa.array((steps / 2).astype(np.float32), mask=gone),
    "integers": lambda steps, gone: pa.array(steps, mask=gone),
    "dates": lambda steps, gone: pa.array(
        steps * 1_800_000_000 + 10**15, pa.timestamp("us", tz="Asia/Tokyo"), mask=gone
    ),
    "durations": lambda steps, gone: pa.array(steps * 1_800_000, pa.duration("ms"), mask=gone),
}


@pytest.mark.parametrize("kind", TIME_TYPES)
def test_times_in_every_table(kind, caplog):
    gone, also = gaps(7, 3), gaps(11, 5)
    keep = ~gone & ~also
    scale = 1.0 if kind == "integers" else 0.5
    table = {"k": CODES[keep], "c": OTHERS[keep], "t": STEPS[keep] * scale}
    expected = np.flatnonzero(keep)[sampler(table, missing="error", temporal_enrichment=True).epoch_batches()].tolist()
    columns = {"k": pa.array(CODES, mask=gone), "c": pa.array(OTHERS), "t": TIME_TYPES[kind](STEPS, also)}
    for name, table in tables(columns).items():
        caplog.clear()
        assert sampler(table, temporal_enrichment=True).epoch_batches().tolist() == expected, name
        (record,) = caplog.records
        assert record.getMessage() == (
            f"missing='exclude' leaves out {ROWS - keep.sum()} of {ROWS} rows: "
            f"column 'k' {gone.sum()}, column 't' {also.sum()}"
        )


def test_masked_arrays_and_nan():
    gone = gaps(7, 3)
    expected = reduced(~gone)
    for column in (
        np.ma.array(CODES, mask=gone),
        np.where(gone, NAN, CODES),
        np.where(gone, NAN, CODES).astype(np.float32),
        np.where(gone, None, CODES),
        np.where(gone, np.datetime64("NaT"), CODES.astype("M8[s]")),
        [NAN if missing else code for code, missing in zip(CODES.tolist(), gone, strict=True)],
        pd.Series(np.where(gone, pd.NaT, CODES.astype("M8[ns]"))),
        pl.Series(np.where(gone, NAN, CODES)),
        pa.array(np.where(gone, NAN, CODES)),
    ):
        assert sampler({"k": column, "c": OTHERS}).epoch_batches().tolist() == expected


@pytest.mark.parametrize(
    "arguments", [{}, {"temporal_enrichment": True}, {"condition_balanced": False}, {"leaky": 0.0}]
)
def test_it_is_the_table_without_these_rows(arguments):
    gone, also, too = gaps(7, 3), gaps(11, 5), gaps(5, 1)
    table = {"k": without(CODES, gone), "c": without(OTHERS, also), "t": without(STEPS, too)}
    keep = ~gone
    if arguments.get("condition_balanced", True):
        keep &= ~also
    if "temporal_enrichment" in arguments:
        keep &= ~too
        table["t"] = without(STEPS - STEPS[keep].min(), too)
    found = sampler(table, **arguments)
    assert found.epoch_batches().tolist() == reduced(keep, **arguments)
    assert found.num_batches == keep.sum() // 10
    assert f"{keep.sum()} of {ROWS} rows" in repr(found)


def test_only_columns_that_are_used_count(caplog):
    table = {"k": CODES, "c": [None] * ROWS, "t": [None] * ROWS}
    assert sampler(table, condition_balanced=False).num_batches == ROWS // 10
    assert not caplog.records


def test_nothing_missing_says_nothing(caplog):
    table = {"k": CODES, "c": OTHERS, "t": STEPS * 1.0}
    found = sampler(table, temporal_enrichment=True)
    assert not caplog.records
    assert (
        found.epoch_batches().tolist()
        == sampler(table, temporal_enrichment=True, missing="error").epoch_batches().tolist()
    )


def test_a_row_that_lacks_two_things_is_counted_once(caplog):
    gone = gaps(10, 0)
    table = {"k": without(CODES, gone), "c": without(OTHERS, gone)}
    sampler(table)
    assert caplog.messages == ["missing='exclude' leaves out 24 of 240 rows: column 'k' 24, column 'c' 24"]
    caplog.clear()
    sampler(table, condition_key="k")
    assert caplog.messages == ["missing='exclude' leaves out 24 of 240 rows: column 'k' 24"]
    caplog.clear()
    sampler({"k": without(STEPS * 1.0, gone)}, condition_key="k", time_key="k", temporal_enrichment=True, batch_size=2)
    assert caplog.messages[0] == "missing='exclude' leaves out 24 of 240 rows: column 'k' 24"


def test_keys_of_several_columns(caplog):
    gone, also = gaps(7, 3), gaps(5, 1)
    keep = ~gone & ~also
    table = {"k": without(CODES, gone), "c": without(OTHERS, also)}
    arguments = {"experiment_key": ["k", "c"], "condition_balanced": False}
    expected = reduced(keep, **arguments)
    arrow = pa.table(table)
    for source in (table, pd.DataFrame(table), pl.DataFrame(table), arrow, Stream(arrow)):
        caplog.clear()
        found = sampler(source, **arguments)
        assert found.epoch_batches().tolist() == expected
        assert None not in {part for label in found.experiments for part in label}
        assert caplog.messages == [
            f"missing='exclude' leaves out {ROWS - keep.sum()} of 240 rows: column 'k' {gone.sum()}, column 'c' {also.sum()}"
        ]


def test_dates_count_from_the_earliest_row_that_is_kept():
    # With the window at the last tick, hours from another start would round elsewhere.
    start = np.datetime64("2024-01-01", "ns").astype(np.int64)
    ticks = start + STEPS * 599_999_999_977
    first = gaps(7, 3)
    for lacks in ("k", "c", "t"):
        moments = np.where(first, start - 10**18, ticks)
        values = {"k": CODES.tolist(), "c": OTHERS.tolist()}
        if lacks != "t":
            values[lacks] = without(values[lacks], first)
        table = {**values, "t": pd.Series(moments.view("M8[ns]"))}
        if lacks == "t":
            table["t"][first] = pd.NaT
        kept = {"k": CODES[~first], "c": OTHERS[~first], "t": ticks[~first].view("M8[ns]")}
        arguments = {"temporal_enrichment": True, "temporal_window_hours": 599_999_999_977 / 3.6e12}
        expected = np.flatnonzero(~first)[sampler(kept, missing="error", **arguments).epoch_batches()].tolist()
        for source in (table, pl.DataFrame(table), Stream(pa.table(table))):
            assert sampler(source, **arguments).epoch_batches().tolist() == expected


def test_pools_that_vanish():
    lonely = np.where(np.arange(ROWS) == 17, 9, CODES)
    gone = np.arange(ROWS) == 17
    table = {"k": lonely, "c": without(OTHERS, gone)}
    found = sampler(table)
    assert found.experiments == (0, 1, 2)
    assert found.epoch_batches().tolist() == reduced(~gone)


@pytest.mark.parametrize("key", ["experiment_weights", "condition_ratio"])
def test_names_whose_rows_are_all_left_out(key):
    column, other = ("k", "c") if key == "experiment_weights" else ("c", "k")
    labels = np.array(["a", "b", "c"])[CODES]
    for gone in (labels == "c", (labels == "c") | gaps(7, 3)):
        table = {column: labels, other: without(OTHERS, gone), "t": np.where(gone, NAN, STEPS)}
        message = rf"{key} names 'c', without rows in column '{column}'. The labels are 'a', 'b'[.]$"
        with pytest.raises(ValueError, match=message):
            sampler(table, **{key: {"a": 1, "c": 1}})
        with pytest.raises(ValueError, match=message):
            sampler({**table, other: OTHERS}, **{key: {"a": 1, "c": 1}}, temporal_enrichment=True)
        assert sampler(table, **{key: {"a": 1, "b": 1}})
        with pytest.raises(ValueError, match=f"{key} names 'x', without rows"):
            sampler(table, **{key: {"a": 1, "x": 1}})


def test_other_refusals_stay_what_they_are():
    table = {"k": without(CODES, gaps(2, 0)), "c": OTHERS}
    with pytest.raises(ValueError, match="120 rows do not fill one batch of 121"):
        sampler(table, batch_size=121)
    with pytest.raises(ValueError, match="all weights are 0"):
        sampler(table, experiment_weights={0: 0})
    with pytest.raises(ValueError, match="leaves 0 without a condition"):
        sampler(table, condition_ratio={0: 0, 1: 0})


@pytest.mark.parametrize(
    ("k", "c", "t", "counts"),
    [
        ([None] * 4, [1] * 4, [1.0] * 4, "column 'k' 4"),
        ([1, 1, None, None], [None, None, 1, 1], [1.0] * 4, "column 'k' 2, column 'c' 2"),
        ([1, 1, 1, None], [1, 1, None, 1], [None, None, 1.0, 1.0], "column 'k' 1, column 'c' 1, column 't' 2"),
        ([1] * 4, [1] * 4, np.array(["NaT"] * 4, dtype="M8[ms]"), "column 't' 4"),
        (["a", None] * 2, [None, "a"] * 2, np.array([1, 2, 3, 4], dtype="M8[ms]"), "column 'k' 2, column 'c' 2"),
    ],
)
def test_no_row_left(k, c, t, counts):
    table = {"k": k, "c": c, "t": t}
    arrow = pa.table(table)
    for source in (table, pd.DataFrame(table), pl.DataFrame(table), arrow, Stream(arrow)):
        with pytest.raises(ValueError, match=f"^missing='exclude' leaves out all 4 rows: {counts}$") as caught:
            sampler(source, batch_size=1, temporal_enrichment=True)
        assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_no_row_left_of_several_columns():
    table = {"k": [None, "a"], "c": ["a", None]}
    with pytest.raises(ValueError, match="leaves out all 2 rows: column 'k' 1, column 'c' 1"):
        sampler(table, experiment_key=["k", "c"], condition_balanced=False, batch_size=1)


def test_the_error_names_the_way_out():
    for column in (without(CODES, gaps(7, 3)), pl.Series(without(CODES, gaps(7, 3)))):
        with pytest.raises(ValueError, match=r"column 'k' has 34 rows without a label .*missing='exclude'"):
            sampler({"k": column, "c": OTHERS}, missing="error")
        with pytest.raises(ValueError, match="column 'k' has 34 rows without a label"):
            FlexibleBatchSampler({"k": column}, experiment_key="k", condition_balanced=False)


@pytest.mark.parametrize("value", [None, "drop", True, ["exclude"]])
def test_what_missing_may_be(value):
    with pytest.raises(ValueError, match="missing must be one of 'error', 'exclude', got"):
        sampler({"k": CODES, "c": OTHERS}, missing=value)


def test_numbers_of_a_key():
    gone = gaps(7, 3)
    expected = np.where(gone, MISSING, CODES)
    for name, table in tables({"k": pa.array(CODES, mask=gone)}).items():
        column = open_table(table).read(["k"], None).columns["k"]
        np.testing.assert_array_equal(make_key([column], exclude=True).numbers(), expected, err_msg=name)
        pair = make_key([column, column], exclude=True)
        np.testing.assert_array_equal(pair.numbers(), expected, err_msg=name)
        assert pair.labels.all() == ((0, 0), (1, 1), (2, 2))
        assert pair.missing == {"column 'k'": gone.sum()}
