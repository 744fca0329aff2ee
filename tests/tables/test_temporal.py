"""Every kind of table of times gives the same batches, and the sampler's arguments about times are checked."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from streams import Stream
from time_columns import ROWS, libraries, sampler

RANDOM = np.random.default_rng(7)
NAN = float("nan")
INF = float("inf")


def tables(array: pa.Array) -> dict[str, Any]:
    """Tables whose column `hours_post_infection` holds the times."""
    name = "hours_post_infection"
    chunked = pa.chunked_array([array[:100], array[100:101], array[101:101], array[101:]])
    arrow = pa.table({name: chunked})
    return {
        **{f"mapping of {kind}": {name: column} for kind, column in libraries(array).items()},
        "mapping of lists": {name: array.to_pylist()},
        "pandas": pd.DataFrame({name: array.to_pandas().array}, index=np.arange(len(array))[::-1]),
        "polars": pl.DataFrame({name: array}),
        "arrow": arrow,
        "arrow batch": pa.RecordBatch.from_pydict({name: array}),
        "stream": Stream(arrow),
        "stream of dictionaries": Stream(pa.table({name: chunked.dictionary_encode()})),
        "reader": arrow.to_reader(),
    }


def epochs(table: Any, **arguments: Any) -> list[list[int]]:
    return sampler(table, **arguments).epoch_batches().tolist()


@pytest.mark.parametrize("kind", ["floats", "narrow floats", "integers", "dates", "days", "durations"])
def test_every_table_gives_the_same_batches(kind):
    steps = RANDOM.integers(0, 60, ROWS)
    array = {
        "floats": pa.array(steps / 4),
        "narrow floats": pa.array((steps / 4).astype(np.float32)),
        "integers": pa.array(steps.astype(np.uint8)),
        "dates": pa.array(steps * 900_000 + 1_700_000_000_000, pa.timestamp("ms", tz="UTC")),
        "days": pa.array(steps.astype(np.int32), pa.date32()),
        "durations": pa.array(steps * 900_000_000, pa.duration("us")),
    }[kind]
    each = {"integers": 1.0, "days": 24.0}.get(kind, 0.25)
    expected = epochs({"hours_post_infection": (steps - (steps.min() if kind in ("dates", "days") else 0)) * each})
    assert expected != epochs({"hours_post_infection": steps * 0.0})
    for name, table in tables(array).items():
        assert epochs(table) == expected, name


def test_narrow_floats_are_compared_as_such():
    frames = (np.arange(300) / 6).astype(np.float32)
    time = RANDOM.permutation(np.repeat(frames, 4))
    narrow = epochs({"hours_post_infection": time})
    assert narrow != epochs({"hours_post_infection": time.astype(np.float64)})


def test_either_zero_is_one_time():
    zeros = np.array([0.0, -0.0, 1.0] * 40)
    assert epochs({"hours_post_infection": zeros}) == epochs({"hours_post_infection": np.abs(zeros)})


def test_the_time_column_can_be_a_key_as_well():
    steps = RANDOM.integers(0, 5, ROWS)
    expected = epochs({"t": steps, "c": steps}, condition_balanced=True, condition_key="c", time_key="t")
    arrow = pa.table({"t": pa.chunked_array([steps[:100], steps[100:]])})
    for table in ({"t": steps}, pd.DataFrame({"t": steps}), pl.DataFrame({"t": steps}), arrow, Stream(arrow)):
        assert epochs(table, condition_balanced=True, condition_key="t", time_key="t") == expected


def test_narwhals():
    import narwhals as nw

    name = "hours_post_infection"
    steps = RANDOM.integers(0, 60, ROWS)
    expected = epochs({name: steps})
    for frame in (pd.DataFrame({name: steps}), pl.DataFrame({name: steps}), pa.table({name: steps})):
        held = nw.from_native(frame)
        assert epochs(held) == epochs({name: held[name]}) == expected


def test_the_time_column_is_read_only_where_it_is_used():
    class Frame(dict):
        def __getitem__(self, name):
            assert name == "k", f"column {name} was read"
            return super().__getitem__(name)

    table = Frame(k=[0, 1] * 20, hours_post_infection=["text"] * 40)
    sampler(table, experiment_aware=True, experiment_key="k", temporal_enrichment=False)


def test_several_columns_of_that_name():
    twice = pa.Table.from_arrays([pa.array([1.0]), pa.array([1.0])], names=["t", "t"])
    for table in (twice, twice.to_reader(), pd.DataFrame(np.zeros((4, 2)), columns=["t", "t"])):
        with pytest.raises(ValueError, match="several columns of that name"):
            sampler(table, time_key="t")


@pytest.mark.parametrize(
    ("error", "match", "arguments"),
    [
        (TypeError, "temporal_enrichment must be True or False, got 1", {"temporal_enrichment": 1}),
        (ValueError, "temporal_window_hours must be a number of hours, at least 0, got -1", {"temporal_window_hours": -1}),
        (ValueError, "temporal_window_hours must be .*, got nan", {"temporal_window_hours": NAN}),
        (TypeError, "temporal_window_hours must be a number", {"temporal_window_hours": "2"}),
        (TypeError, "temporal_window_hours must be a number", {"temporal_window_hours": dt.timedelta(hours=2)}),
        (ValueError, r"temporal_global_fraction must be a fraction in \[0, 1\], got 1.5", {"temporal_global_fraction": 1.5}),
        (ValueError, "temporal_global_fraction must be a fraction", {"temporal_global_fraction": NAN}),
        (TypeError, "temporal_global_fraction must be a number", {"temporal_global_fraction": None}),
        (TypeError, r"time_key must be the name of one column, got \['t'\]", {"time_key": ["t"]}),
        (TypeError, "time_key must be", {"time_key": None}),
        (KeyError, "time_key: valid_anchors has no column 'x'; its columns are .*'t'", {"time_key": "x"}),
        (KeyError, "time_key: valid_anchors has no column 'hours_post_infection'", {}),
    ],
)  # fmt: skip
def test_arguments(error, match, arguments):
    with pytest.raises(error, match=match):
        sampler({"t": [0.0, 1.0] * 20}, **arguments)
    if error is not KeyError and not {"temporal_enrichment", "time_key"} & set(arguments):
        with pytest.raises(error, match=match):
            sampler({"t": [0.0, 1.0] * 20}, temporal_enrichment=False, **arguments)


def test_windows_of_nothing_and_of_everything():
    table = {"hours_post_infection": np.arange(40) % 4}
    for batch in sampler(table, temporal_window_hours=0, temporal_global_fraction=0):
        assert len({row % 4 for row in batch.tolist()}) == 1
    assert len(sampler(table, temporal_window_hours=INF)) == 3


def test_missing_times_are_an_error_that_counts_them():
    for column in (
        [0.0, None, NAN, 1.0],
        pa.array([0, None, None, 1], pa.timestamp("s")),
        pl.Series([0, None, None, 1]),
    ):
        with pytest.raises(ValueError, match=r"column 't' has 2 rows without a time .*missing='exclude'"):
            sampler({"t": column}, time_key="t", batch_size=1)


def test_what_has_no_effect_is_said(caplog):
    table = {"hours_post_infection": [0.0, 1.0] * 20}
    sampler(table)
    sampler(table, temporal_enrichment=False)
    assert not caplog.records
    sampler(
        table,
        temporal_enrichment=False,
        temporal_window_hours=3,
        temporal_global_fraction=0.5,
        time_key="no such column",
    )
    (record,) = caplog.records
    assert record.getMessage() == (
        "These arguments have no effect: temporal_window_hours (temporal_enrichment=False), "
        "temporal_global_fraction (temporal_enrichment=False), time_key (temporal_enrichment=False)"
    )


def test_the_sampler_shows_its_window():
    shown = repr(sampler({"hours_post_infection": [0.0, 1.0] * 20}))
    assert "window of 2.0 h and 0.3 of the seats outside" in shown
    assert "window" not in repr(sampler({"t": [0.0] * 40}, temporal_enrichment=False))
