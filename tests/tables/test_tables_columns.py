"""Columns of odd types, and libraries that raise what is theirs: read, or refused with the column's name."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._tables.errors import column_errors
from streams import Stream

pytestmark = pytest.mark.frames

ROWS = 40


def grouped(values: Any) -> FlexibleBatchSampler:
    return FlexibleBatchSampler({"k": values}, 4, experiment_key="k", condition_balanced=False)


def timed(values: Any) -> list[list[int]]:
    table = {"k": np.arange(ROWS) // 20, "t": values}
    arguments = {"experiment_key": "k", "condition_balanced": False, "time_key": "t", "temporal_enrichment": True}
    return FlexibleBatchSampler(table, 4, **arguments).epoch_batches().tolist()


HOURS = np.array([1.5, 2.5, 9.0, 20.25] * 10)


@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_decimals_of_every_width(width):
    make = getattr(pa, f"decimal{width}", None)
    if make is None:
        pytest.skip("this pyarrow has none")
    values = [Decimal(str(hour)) for hour in HOURS]
    column = pa.array([*values[:-1], None], make(8, 2))
    whole = pa.array(values, make(8, 2))
    for each in (whole, pa.chunked_array([whole[:7], whole[7:]]), whole.cast(pa.decimal128(8, 2)).dictionary_encode()):
        assert grouped(each).experiments == tuple(sorted(set(values)))
        assert timed(each) == timed(HOURS)
    with pytest.raises(ValueError, match="column 'k' has 1 rows without a label"):
        grouped(column)
    with pytest.raises(ValueError, match="column 't' has 1 rows without a time"):
        timed(column)


def test_decimals_elsewhere():
    values = [Decimal(str(hour)) for hour in HOURS]
    for column in (
        values,
        np.array(values, dtype=object),
        pl.Series(values),
        pd.Series(pa.array(values), dtype=pd.ArrowDtype(pa.decimal128(4, 2))),
    ):
        assert grouped(column).experiments == tuple(sorted(set(values)))
        assert timed(column) == timed(HOURS)
    # The nearest double, which a division by a power of ten would miss.
    odd = [Decimal("0.1") * place + Decimal("1e-17") for place in range(ROWS)]
    assert timed(odd) == timed(pa.array(odd)) == timed([float(each) for each in odd])


def test_integers_of_128_bits():
    numbers = np.arange(ROWS) % 4
    for kind in (pl.Int128, *([pl.UInt128] if hasattr(pl, "UInt128") else [])):
        assert timed(pl.Series(numbers).cast(kind)) == timed(numbers)
        assert grouped(pl.Series(numbers).cast(kind)).experiments == (0, 1, 2, 3)


def test_run_ends_and_extensions():
    numbers = np.arange(ROWS) // 10
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([10, 20, 30, 40], pa.int32()), pa.array([0.0, 1.0, 2.0, 3.0]))
    inner = pa.array(["d", "b", "a", "c"]).dictionary_encode()
    encoded = pa.RunEndEncodedArray.from_arrays(pa.array([10, 20, 30, 40], pa.int32()), inner)
    assert timed(runs) == timed(numbers * 1.0)
    assert timed(pa.chunked_array([runs.slice(10), runs.slice(0, 10)])) == timed(np.roll(numbers, -10) * 1.0)
    assert grouped(runs.slice(15)).experiments == (1.0, 2.0, 3.0)
    assert grouped(encoded).experiments == ("a", "b", "c", "d")
    assert (
        grouped(encoded).epoch_batches().tolist() == grouped(np.array([3, 1, 0, 2])[numbers]).epoch_batches().tolist()
    )
    in_dictionary = pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array([0.0, 1.0, 2.0, 3.0]))
    assert timed(in_dictionary) == timed(numbers * 1.0)


class NoLength:
    """An array as zarr's are: with a shape, and without a length."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.dtype, self.ndim = self.values.shape, self.values.dtype, self.values.ndim

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype)


def test_arrays_are_known_by_their_shape():
    table = {"k": NoLength(np.arange(ROWS) % 3), "t": NoLength(HOURS), "image": NoLength(np.zeros((ROWS, 2, 2)))}
    arguments = {"experiment_key": "k", "condition_balanced": False, "time_key": "t", "temporal_enrichment": True}
    found = FlexibleBatchSampler(table, 4, **arguments)
    plain = {"k": np.arange(ROWS) % 3, "t": HOURS}
    assert np.array_equal(found.epoch_batches(), FlexibleBatchSampler(plain, 4, **arguments).epoch_batches())
    with pytest.raises(ValueError, match="equally long, got 'k': 40, 'c': 39"):
        FlexibleBatchSampler({"k": NoLength(np.zeros(ROWS)), "c": NoLength(np.zeros(ROWS - 1))}, 4)
    assert FlexibleBatchSampler({**plain, "one": NoLength(np.array(3))}, 4, **arguments).num_batches == 10


def test_tensors():
    numbers = torch.arange(ROWS) % 4
    for dtype in (torch.int32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn):
        assert grouped(numbers.to(torch.float32).to(dtype)).experiments == (0, 1, 2, 3)
        assert timed(numbers.to(torch.float32).to(dtype)) == timed(numbers.numpy())
    assert grouped(torch._neg_view(-numbers.double())).experiments == (0, 1, 2, 3)
    assert timed(torch._neg_view(-numbers.double())) == timed(numbers.numpy())
    gradient = numbers.double().requires_grad_()
    for tensor, said in (
        (gradient, "detach"),
        (numbers.to_sparse(), "to_dense"),
        (torch.ones(ROWS, dtype=torch.complex64).conj(), "complex64"),
        (torch.ones((ROWS, 1)), "one-dimensional"),
        (torch.empty(ROWS, device="meta"), "column"),
    ):
        for name, read in (("k", grouped), ("t", timed)):
            with pytest.raises((TypeError, ValueError), match=rf"column '{name}'.*{said}|column '{name}'"):
                read(tensor)


def bad_utf8(rows: int = ROWS) -> pa.Array:
    offsets = pa.py_buffer(np.arange(rows + 1, dtype=np.int32) * 2)
    return pa.Array.from_buffers(pa.string(), rows, [None, offsets, pa.py_buffer(b"\xff\xfe" * rows)])


@pytest.mark.parametrize(
    "wrap", [lambda a: {"k": a}, lambda a: pa.table({"k": a}), lambda a: Stream(pa.table({"k": a}))]
)
def test_text_of_arrow_that_is_no_utf8(wrap):
    with pytest.raises(ValueError, match=r"(?i)column 'k' cannot be read.*utf-?8"):
        FlexibleBatchSampler(wrap(bad_utf8()), 4, experiment_key="k", condition_balanced=False)


class Raises:
    """A column whose own methods raise."""

    ndim = 1

    def __init__(self, where: str) -> None:
        self.where = where

    def _raise(self, what: str) -> None:
        if self.where == what:
            raise RuntimeError("out of\norder \x1b[1m")

    @property
    def shape(self) -> tuple[int]:
        self._raise("shape")
        return (ROWS,)

    def __len__(self) -> int:
        self._raise("len")
        return ROWS

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        self._raise("array")
        return np.zeros(ROWS if self.where != "short" else ROWS - 1)


@pytest.mark.parametrize("where", ["shape", "array", "short"])
def test_columns_whose_own_methods_raise(where):
    for name, read in (("k", grouped), ("t", timed)):
        with pytest.raises((TypeError, ValueError), match=rf"column '{name}'") as caught:
            read(Raises(where))
        assert str(caught.value).isprintable()


def test_a_column_that_is_shorter_than_it_said():
    class Frame(dict):
        def __getitem__(self, name):
            return super().__getitem__(name)[:5]

    with pytest.raises(ValueError, match="column 'k' has 5 rows, and the table has 12"):
        FlexibleBatchSampler(Frame(k=np.zeros(12)), 4, experiment_key="k", condition_balanced=False)


class PanicException(BaseException):
    """Called as pyo3's is."""


@pytest.mark.parametrize("error", [RuntimeError, RecursionError, AttributeError, IndexError, pa.ArrowInvalid,
                                   pl.exceptions.ComputeError, UnicodeDecodeError, PanicException, StopIteration,
                                   NotImplementedError, OverflowError, pa.ArrowNotImplementedError])  # fmt: skip
def test_one_place_turns_every_error_into_ours(error):
    arguments = ("utf-8", b"\xff", 0, 1, "bad") if error is UnicodeDecodeError else ("something\n",)
    with (
        pytest.raises((TypeError, ValueError), match="column 'a\\\\nb' cannot be read: ") as caught,
        column_errors("a\nb"),
    ):
        raise error(*arguments)
    assert type(caught.value) in (TypeError, ValueError)
    assert isinstance(caught.value.__cause__, error)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit])
def test_what_is_not_the_columns_fault_passes(error):
    with pytest.raises(error), column_errors("k"):
        raise error


def test_times_at_the_end_of_the_calendar():
    west = dt.timezone(dt.timedelta(hours=-12))
    moments = [dt.datetime.max.replace(tzinfo=west) - dt.timedelta(hours=hour) for hour in HOURS.tolist()]
    shifted = [moment.replace(year=2024) for moment in moments]
    assert timed(moments) == timed(shifted)


def test_times_in_a_dictionary_that_is_too_short():
    outside = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 9] * 10), pa.array([0.0, 1.0]), safe=False)
    for name, read in (("k", grouped), ("t", timed)):
        with pytest.raises((TypeError, ValueError), match=rf"column '{name}'"):
            read(outside)


class Bare:
    """An array that tells neither its shape nor its length."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values


def test_an_array_without_shape_and_length():
    values = ["b", "a", "c"] * 4
    for column in (Bare(values), Bare(np.array(values, dtype=object))):
        assert FlexibleBatchSampler({"k": column}, 4, experiment_key="k", condition_balanced=False).experiments == (
            "a",
            "b",
            "c",
        )
    with pytest.raises(ValueError, match="equally long, got 'k': 12, 'x': 3"):
        FlexibleBatchSampler({"k": Bare(values), "x": [1, 2, 3]}, 4, experiment_key="k", condition_balanced=False)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ((row for row in range(9)), "of type generator"),
        (map(str, range(9)), "of type map"),
        ("abcabc", "of type str"),
        (7, "of type int"),
        (np.array(3), "an array of shape ()"),
        (Bare(3), "of type Bare"),
        (None, "of type NoneType"),
    ],
)
def test_what_has_no_rows_is_refused_by_name(values, what):
    message = f"no column of valid_anchors has rows: each must be a one-dimensional array or a list, and 'k' is {what}"
    with pytest.raises(ValueError, match=re.escape(message)):
        FlexibleBatchSampler({"k": values}, 4, experiment_key="k", condition_balanced=False)
    # Beside columns it is a note, unless it is asked for.
    FlexibleBatchSampler({"e": [0, 1] * 6, "k": values}, 4, experiment_key="e", condition_balanced=False)
