"""Tables of every kind and any labels, which hypothesis invents: the batches that the labels' order gives, or an error
that names the column."""

from __future__ import annotations

import datetime as dt
import decimal
import faulthandler
import math
import random
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hostile
from budget import attempts
from cascade_sampler import CascadeSampler, FlexibleBatchSampler
from oracle import Oracle

PROFILE = settings.get_profile("attack")
SEATS = 7

LABELS = {
    "text": st.text(max_size=6),
    "odd text": st.sampled_from(
        ["", " ", "\0", "a\0", "a", "A", "é", "e\u0301", "\u202ea", "\x1b[31m", "nan", "None", "1", "1.0"]
    ),
    "integers": st.integers(-(2**63), 2**63 - 1),
    "large integers": st.integers(2**53 - 3, 2**53 + 3),
    "unsigned": st.integers(2**63 - 2, 2**64 - 1),
    "floats": st.floats(allow_nan=False),
    "booleans": st.booleans(),
    "bytes": st.binary(max_size=4),
    "dates": st.dates(),
    "times": st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2250, 1, 1)),
    "decimals": st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**6), max_value=10**6),
    "tuples": st.tuples(st.integers(-3, 3), st.text(max_size=2)),
}


def frames(values: list[Any]) -> dict[str, Any]:
    """The values as one column, through every library that takes them; what a library refuses is left out."""
    plain = objects(values)
    makers = {
        "list": lambda: {"k": values},
        "tuple": lambda: {"k": tuple(values)},
        "objects": lambda: {"k": plain},
        "array": lambda: {"k": np.array(values)} if not isinstance(values[0], tuple) else {"k": plain},
        "pandas": lambda: pd.DataFrame({"k": pd.Series(values)}),
        "pandas objects": lambda: pd.DataFrame({"k": pd.Series(plain)}),
        "pandas category": lambda: pd.DataFrame({"k": pd.Categorical(values, categories=sorted(set(values)))}),
        "pandas string": lambda: pd.DataFrame({"k": pd.array(values, dtype="string")}),
        "pandas nullable": lambda: pd.DataFrame({"k": pd.array(values).astype(pd.array(values).dtype)}),
        "polars": lambda: pl.DataFrame({"k": pl.Series(values, strict=True)}),
        "polars category": lambda: pl.DataFrame({"k": pl.Series(values, dtype=pl.Categorical)}),
        "arrow": lambda: pa.table({"k": pa.array(values)}),
        "arrow dictionary": lambda: pa.table({"k": pa.array(values).dictionary_encode()}),
        "arrow chunks": lambda: pa.table({"k": pa.chunked_array([pa.array(values)[:3], pa.array(values)[3:]])}),
        "arrow runs": lambda: pa.table({"k": pa.compute.run_end_encode(pa.array(values))}),
        "arrow view": lambda: pa.table({"k": pa.array(values, pa.string_view())}),
    }
    found = {}
    for name, make in makers.items():
        try:
            table = make()
            column = table["k"]
            given = (
                column
                if isinstance(column, list | tuple)
                else column.tolist()
                if hasattr(column, "tolist")
                else column.to_list()
            )
        except Exception:
            continue
        # numpy ends texts at NUL, pandas rounds dates: what comes out otherwise is another table.
        if len(given) == len(values) and all(type(a) is type(b) and a == b for a, b in zip(given, values, strict=True)):
            found[name] = table
    return found


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.filterwarnings("ignore")
def test_labels_in_every_library(kind: str) -> None:
    @settings(PROFILE, max_examples=max(20, PROFILE.max_examples // 25))
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        distinct = data.draw(st.lists(LABELS[kind], min_size=1, max_size=5, unique=True))
        values = data.draw(st.lists(st.sampled_from(distinct), min_size=SEATS, max_size=40))
        order = {label: number for number, label in enumerate(sorted(set(values)))}
        codes = [order[value] for value in values]
        expected = Oracle(len(codes), codes, None, batch_size=SEATS, leaky=0.3, seed=1, num_batches=3).epoch(0)
        found = frames(values)
        assert "list" in found or kind == "floats"
        for name, table in found.items():
            made = FlexibleBatchSampler(
                table, SEATS, experiment_key="k", condition_balanced=False, leaky=0.3, seed=1, num_batches=3
            )
            assert (made.epoch_batches(0) == np.array(expected)).all(), name

    agree()


def label(draw: random.Random) -> Any:
    kinds: list[Any] = [
        lambda: hostile.value(draw),
        hostile.Raises,
        lambda: hostile.Lies(draw),
        lambda: draw.choice(["a", 1, 2.0, b"x", None, math.nan, True, (1, "a"), ((1,), 2), (1, decimal.Decimal(1))]),
        lambda: draw.choice([decimal.Decimal("sNaN"), decimal.Decimal("NaN"), dt.date.max, dt.timedelta.max]),
        lambda: draw.choice(
            [dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-14))), dt.time.min, 10**30]
        ),
        lambda: draw.choice(
            [np.datetime64("NaT"), np.timedelta64(3, "D"), np.float16(1), np.void(b"abc"), pd.NaT, pd.NA]
        ),
        lambda: draw.choice([frozenset(), pd.Interval(0, 1), pd.Period("2024"), "\udc80", float, ...]),
    ]
    return draw.choice(kinds)()


class Column:
    """A column that is no array of any library, and whose methods raise or lie."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.raises = draw.choice(
            [None, None, hostile.HostileError, ValueError, KeyError, AttributeError, ArithmeticError]
        )

    def __len__(self) -> int:
        if self.raises and self.draw.random() < 0.3:
            raise self.raises("__len__")
        return self.draw.choice([6, 6, 6, 0, 5, 2**40])

    def __getitem__(self, item: Any) -> Any:
        if self.raises and self.draw.random() < 0.3:
            raise self.raises("__getitem__")
        if isinstance(item, int) and item >= 6:
            raise IndexError(item)
        return label(self.draw)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self.raises and self.draw.random() < 0.5:
            raise self.raises("__array__")
        return self.draw.choice([np.arange(6), np.arange(5), np.zeros((2, 3)), np.array(["a"] * 6), None, [1, 2]])


def objects(values: list[Any]) -> np.ndarray:
    """An array of just these objects, of which numpy asks nothing."""
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def column(draw: random.Random) -> Any:
    rows = draw.choice([6, 6, 6, 5])
    kinds: list[Any] = [
        lambda: [label(draw) for _ in range(rows)],
        lambda: [draw.choice(["a", "b"]) for _ in range(rows - 1)] + [label(draw)],
        lambda: np.arange(rows) % 2,
        lambda: hostile.array(draw),
        lambda: Column(draw),
        lambda: hostile.value(draw),
        lambda: objects([label(draw) for _ in range(rows)]),
        lambda: pd.Series(objects([label(draw) for _ in range(rows)])),
        lambda: pd.arrays.SparseArray([0, 1] * 3),
        lambda: pa.array([[1], [2]] * 3),
        lambda: pl.Series([{"a": 1}] * rows),
    ]
    return draw.choice(kinds)()


class Table(dict):  # type: ignore[type-arg]
    """A mapping whose own methods raise now and then."""

    def __init__(self, draw: random.Random, columns: dict[str, Any]) -> None:
        super().__init__(columns)
        self.draw = draw

    def __getitem__(self, name: Any) -> Any:
        if self.draw.random() < 0.1:
            raise hostile.HostileError("__getitem__ of the table")
        return super().__getitem__(name)


CAN_COME_OUT = (ValueError, TypeError, KeyError, MemoryError, OverflowError, hostile.HostileError)


@pytest.mark.filterwarnings("ignore")
def test_hostile_objects() -> None:
    for number, draw, outcomes in attempts("hostile tables", 0.4, least=200):
        faulthandler.dump_traceback_later(20, exit=True)
        try:
            columns = {
                name: column(draw) if draw.random() < 0.6 else np.arange(6) % 2
                for name in ("experiment", "condition", "hours")
            }
        except (hostile.HostileError, ValueError, TypeError):
            outcomes["no column to begin with"] += 1
            continue
        table = draw.choice([columns, columns, Table(draw, columns), hostile.value(draw)])
        timed = draw.random() < 0.4
        arguments: dict[str, Any] = {"experiment_key": draw.choice(["experiment", ["experiment", "condition"]])}
        if draw.random() < 0.1:
            arguments[
                draw.choice(["experiment_weights", "experiment_key", "leaky", "seed", "missing", "num_batches"])
            ] = hostile.value(draw)
        if draw.random() < 0.3:
            arguments["missing"] = "exclude"
        try:
            if draw.random() < 0.5:
                made = (
                    FlexibleBatchSampler(
                        table, 2, leaky=0.5, temporal_enrichment=timed, time_key="hours", **{"leaky": 0.5, **arguments}
                    )
                    if "leaky" not in arguments
                    else FlexibleBatchSampler(table, 2, temporal_enrichment=timed, time_key="hours", **arguments)
                )
            else:
                made = CascadeSampler(table, 2, **({"time_key": "hours"} if timed else {}), **arguments)
            str(made.audit(batches=min(made.num_batches, 3)))
            next(iter(made))
        except CAN_COME_OUT as error:
            outcomes[type(error).__name__] += 1
            str(error)
        except BaseException as error:
            if isinstance(error, RuntimeError) and "torch.distributed" in str(error):
                continue
            pytest.fail(f"attempt {number}: {type(error).__name__}: {error}")
        else:
            outcomes["accepted"] += 1
    faulthandler.cancel_dump_traceback_later()
