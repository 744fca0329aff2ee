"""Whatever is wrong is said at construction: which argument, which value, what is allowed, what to do."""

from __future__ import annotations

import datetime as dt
import decimal
import sys
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch

from cascade_sampler import FlexibleBatchSampler

TABLE = {"experiment": ["plate_1", "plate_2"] * 50, "condition": ["drug", "drug", "none", "none"] * 25}


def refuse(error: type[Exception], match: str, table: Any = TABLE, **arguments: Any) -> None:
    with pytest.raises(error, match=match):
        FlexibleBatchSampler(table, **{"batch_size": 10, **arguments})


NAN = float("nan")
INF = float("inf")


@pytest.mark.parametrize(
    ("error", "match", "arguments"),
    [
        (ValueError, "batch_size must be at least 1, got 0", {"batch_size": 0}),
        (ValueError, "batch_size must be at least 1, got -3", {"batch_size": -3}),
        (ValueError, r"batch_size must be below 2\^32", {"batch_size": 10**12}),
        (TypeError, "batch_size must be an integer, got 2.0", {"batch_size": 2.0}),
        (TypeError, "batch_size must be an integer, got True", {"batch_size": True}),
        (TypeError, "batch_size must be an integer, got np.True_", {"batch_size": np.True_}),
        (TypeError, "batch_size must be an integer, got '8'", {"batch_size": "8"}),
        (ValueError, "num_replicas must be at least 1, got 0", {"num_replicas": 0}),
        (ValueError, "num_replicas and rank must both be integers, or both None", {"num_replicas": None}),
        (ValueError, "rank must be at least 0, got -1", {"rank": -1}),
        (ValueError, "rank must be below 3, got 3", {"rank": 3, "num_replicas": 3}),
        (ValueError, "rank must be below 1, got 1", {"rank": 1}),
        (ValueError, "num_batches must be at least 1, got 0", {"num_batches": 0}),
        (ValueError, r"num_batches must be below 2\^63", {"num_batches": 2**63}),
        (TypeError, "num_batches must be an integer", {"num_batches": 1.5}),
        (ValueError, "seed must be at least 0, got -1", {"seed": -1}),
        (ValueError, r"seed must be below 2\^64", {"seed": 2**64}),
        (TypeError, "seed must be an integer", {"seed": 1.0}),
        (ValueError, r"leaky must be a fraction in \[0, 1\], got 1.1", {"leaky": 1.1}),
        (ValueError, r"leaky must be a fraction in \[0, 1\], got -0.1", {"leaky": -0.1}),
        (ValueError, r"leaky must be a fraction in \[0, 1\], got nan", {"leaky": NAN}),
        (ValueError, r"leaky must be a fraction in \[0, 1\], got 2", {"leaky": 2, "experiment_aware": False}),
        (TypeError, "leaky must be a number", {"leaky": "0.2"}),
        (TypeError, "leaky must be a number", {"leaky": True}),
        (TypeError, "leaky must be a number", {"leaky": decimal.Decimal("0.5")}),
        (TypeError, "experiment_aware must be True or False, got 1", {"experiment_aware": 1}),
        (TypeError, "condition_balanced must be True or False", {"condition_balanced": "no"}),
        (TypeError, "drop_last must be True or False", {"drop_last": None}),
        (ValueError, "index_dtype must be one of 'int64', 'int32', 'uint32', 'list', got 'float'", {"index_dtype": "float"}),
        (ValueError, "index_dtype must be one of", {"index_dtype": np.int64}),
        (TypeError, "experiment_key must be a column name or a list of column names", {"experiment_key": None}),
        (ValueError, "condition_key names no column", {"condition_key": []}),
        (TypeError, "condition_key must be a column name", {"condition_key": [["a"]]}),
        (TypeError, "unexpected keyword argument 'leeky'", {"leeky": 0.1}),
        (TypeError, "experiment_weights must be a mapping", {"experiment_weights": [1, 2]}),
        (TypeError, "experiment_weights must be a mapping", {"experiment_weights": [1, 2], "experiment_aware": False}),
        (ValueError, "experiment_weights is an empty mapping", {"experiment_weights": {}}),
        (ValueError, r"experiment_weights\['plate_1'\] must be finite and not negative", {"experiment_weights": {"plate_1": -1}}),
        (ValueError, r"experiment_weights\['plate_1'\] must be finite", {"experiment_weights": {"plate_1": NAN}}),
        (ValueError, r"experiment_weights\['plate_1'\] must be finite", {"experiment_weights": {"plate_1": INF}}),
        (ValueError, r"experiment_weights\['plate_1'\] must be finite", {"experiment_weights": {"plate_1": 10**400}}),
        (TypeError, r"experiment_weights\['plate_1'\] must be a number", {"experiment_weights": {"plate_1": "1"}}),
        (ValueError, "all weights are 0", {"experiment_weights": {"plate_1": 0, "plate_2": 0.0}}),
        (ValueError, "their sum is not finite", {"experiment_weights": {"plate_1": 1e308, "plate_2": 1e308}}),
        (ValueError, "names 'plate_3', without rows in column 'experiment'. The nearest labels are 'plate_2', 'plate_1'",
         {"experiment_weights": {"plate_1": 1, "plate_3": 1}}),
        (ValueError, "names 'x', without rows in column 'experiment'. The labels are 'plate_1', 'plate_2'",
         {"experiment_weights": {"x": 1}}),
        (ValueError, "names 1, 2, without rows", {"experiment_weights": {1: 1, 2: 2}}),
        (ValueError, "names np.timedelta64.*, without rows", {"experiment_weights": {np.timedelta64(3, "M"): 1}}),
        (TypeError, "condition_ratio must be a mapping", {"condition_ratio": 0.5}),
        (ValueError, r"condition_ratio\['drug'\] must be finite", {"condition_ratio": {"drug": -0.5}}),
        (ValueError, r"condition_ratio\['drug'\] must be finite", {"condition_ratio": {"drug": -0.5}, "condition_balanced": False}),
        (ValueError, "condition_ratio names 'drugs', .* nearest labels are 'drug'", {"condition_ratio": {"drugs": 1}}),
        (ValueError, "leaves 'plate_1' without a condition to draw from", {"condition_ratio": {"drug": 0, "none": 0}}),
        (ValueError, "their sum is not finite", {"condition_ratio": {"drug": 1e308, "none": 1e308}}),
        (ValueError, "100 rows do not fill one batch of 101: lower batch_size, set drop_last=False", {"batch_size": 101}),
        (KeyError, "experiment_key: valid_anchors has no column 'plate'; its columns are .*'experiment', 'condition'",
         {"experiment_key": "plate"}),
        (KeyError, "condition_key: valid_anchors has no column 'x'", {"condition_key": ["condition", "x"]}),
    ],
)  # fmt: skip
def test_arguments(error, match, arguments):
    refuse(error, match, **arguments)


def with_label(label: Any) -> dict[str, Any]:
    return {"experiment": [*TABLE["experiment"][:-1], label], "condition": TABLE["condition"]}


@pytest.mark.parametrize(
    ("error", "match", "table"),
    [
        (ValueError, "no rows", {"experiment": [], "condition": []}),
        (ValueError, "no rows", {"experiment": np.array([], dtype="U1"), "condition": np.array([], dtype=np.int64)}),
        (KeyError, "no column 'experiment'", {}),
        (TypeError, "valid_anchors must be a pandas or polars DataFrame.*got NoneType", None),
        (TypeError, "valid_anchors must be .*got list", [1, 2, 3]),
        (TypeError, "valid_anchors must be .*got ndarray", np.zeros((3, 2))),
        (TypeError, "valid_anchors must be .*got the path 'table.csv': pass", "table.csv"),
        (ValueError, "must be equally long, got 'experiment': 100, 'condition': 99",
         {"experiment": TABLE["experiment"], "condition": TABLE["condition"][:-1]}),
        (ValueError, r"column 'experiment' must be one-dimensional, got shape \(100, 1\)",
         {"experiment": np.zeros((100, 1)), "condition": TABLE["condition"]}),
        (ValueError, "column 'experiment' must be one-dimensional, got shape", {"experiment": 3, "condition": [1]}),
        (ValueError, "column 'experiment' must be one-dimensional, got shape", {"experiment": "abc", "condition": [1]}),
        (TypeError, "labels of column 'experiment' do not sort.*int and str", with_label(5)),
        (TypeError, "labels of column 'experiment' do not sort.*str and tuple", with_label((1, 2))),
        (TypeError, "column 'experiment' holds values that cannot be labels", with_label([1])),
        (ValueError, r"column 'experiment' has 1 rows without a label \(null or NaN\)", with_label(None)),
        (ValueError, "column 'experiment' has 1 rows without a label", with_label(NAN)),
        (ValueError, "column 'condition' has 2 rows without a label",
         {"experiment": [1.0] * 4, "condition": np.array([1.0, NAN, NAN, 2.0])}),
        (ValueError, "column 'condition' has 1 rows without a label",
         {"experiment": [1] * 3, "condition": np.array(["2024-01-01", "NaT", "2024-01-01"], dtype="M8[s]")}),
        (ValueError, "column 'condition' has 1 rows without a label",
         {"experiment": [1] * 3, "condition": np.ma.array([1, 2, 3], mask=[0, 0, 1])}),
        (TypeError, "labels of column 'experiment' do not sort.*date and datetime",
         {"experiment": [dt.date(2020, 1, 1), dt.datetime(2020, 1, 1)], "condition": [1] * 2}),
        (TypeError, "labels of column 'experiment' do not sort.*frozenset",
         {"experiment": [frozenset({1}), frozenset({2})], "condition": [1] * 2}),
        (ValueError, "column 'experiment' has 1 rows without a label",
         {"experiment": [(NAN, 2), (1.0, 2)], "condition": [1] * 2}),
        (TypeError, "its type is longdouble|its type is float128", {"experiment": np.ones(4, np.longdouble), "condition": [1] * 4}),
        (TypeError, r"without a fixed unit \(timedelta64\[M\]\)",
         {"experiment": np.array([1, 2], "m8[M]"), "condition": [1] * 2}),
        (TypeError, r"without a fixed unit \(timedelta64\)", {"experiment": np.array([1, 2], "m8"), "condition": [1] * 2}),
        (TypeError, "column 'experiment' cannot be read as an array",
         {"experiment": torch.ones(4, requires_grad=True), "condition": [1] * 4}),
        (TypeError, "no labels to group by: its type is complex", {"experiment": np.ones(4, complex), "condition": [1] * 4}),
    ],
)  # fmt: skip
def test_tables(error, match, table):
    refuse(error, match, table=table)


def test_nulls_in_every_library():
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    values = ["a", None, "b", None, None, "a"]
    arrow = pa.array(values)
    columns = [
        pd.Series(values),
        pd.Series(values, dtype="category"),
        pd.Series(arrow, dtype=pd.ArrowDtype(pa.string())),
        pd.Series([1, None, 2, None, None, 1], dtype="Int64"),
        pd.Series(pd.to_datetime(["2024-01-01", None, "2024-01-01", None, None, "2024-01-01"])),
        pl.Series(values),
        pl.Series(values, dtype=pl.Categorical),
        pl.Series(values, dtype=pl.Enum(["a", "b"])),
        pl.Series([1, None, 2, None, None, 1]),
        pl.Series([1.0, float("nan"), 2.0, None, None, 1.0]),
        arrow,
        pa.chunked_array([arrow[:2], arrow[2:]]),
        arrow.dictionary_encode(),
        arrow.dictionary_encode(null_encoding="encode"),
        pa.array([1.0, float("nan"), 2.0, None, None, 1.0]),
        pa.array([1, None, 2, None, None, 1]),
        pa.nulls(3),
        pl.Series([None] * 3),
        pd.Series([None] * 3),
    ]
    for column in columns:
        refuse(
            ValueError,
            "column 'k' has 3 rows without a label",
            {"k": column},
            experiment_key="k",
            condition_balanced=False,
        )


def test_one_label_under_two_names():
    column = np.array([0.1, 0.5] * 20, dtype=np.float32)
    names = {0.1: 1, np.float32(0.1): 5}
    refuse(ValueError, "names the label .*0.1.* twice", {"k": column}, experiment_key="k", experiment_weights=names,
           condition_balanced=False)  # fmt: skip


@pytest.mark.parametrize("values", [[[1], [2, 3]], [np.zeros(2), np.ones(2)], [1, "a"]])
def test_values_that_are_no_labels_without_pandas(monkeypatch, values):
    monkeypatch.setitem(sys.modules, "pandas", None)
    column = np.empty(2, dtype=object)
    column[:] = values
    refuse(TypeError, "column 'k' holds values that cannot be labels", {"k": column}, experiment_key="k",
           condition_balanced=False)  # fmt: skip


def test_frames_of_the_wrong_kind():
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    refuse(TypeError, "lazy .*collect it first", pl.LazyFrame(TABLE))
    refuse(TypeError, "valid_anchors must be .*got Series", pd.Series([1, 2]))
    refuse(TypeError, "valid_anchors must be", pl.Series([1, 2]))
    refuse(TypeError, "valid_anchors must be", pa.array([1, 2]))
    refuse(ValueError, "no rows", pd.DataFrame(TABLE).iloc[:0])
    refuse(ValueError, "no rows", pa.table(TABLE).slice(0, 0).to_reader())
    twice = pd.DataFrame(np.zeros((4, 2)), columns=["experiment", "experiment"])
    refuse(ValueError, "several columns of that name", twice, condition_balanced=False)
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([1])], names=["experiment", "experiment"])
    refuse(ValueError, "several columns of that name", twice, condition_balanced=False)
    refuse(ValueError, "several columns of that name", twice.to_reader(), condition_balanced=False)
    refuse(KeyError, "no column 'experiment'", pl.DataFrame({"x": [1]}))


def test_too_many_rows_are_refused_before_anything_is_allocated():
    column = np.broadcast_to(np.int8(0), 2**32)
    tracemalloc.start()
    try:
        for off in ({}, {"experiment_aware": False, "condition_balanced": False}):
            refuse(
                ValueError, r"fewer than 2\^32 rows, got 4294967296", {"experiment": column, "condition": column}, **off
            )
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_int32_is_refused_beyond_its_range():
    column = np.broadcast_to(np.int8(0), 2**31 + 1)
    off = {"experiment_aware": False, "condition_balanced": False}
    refuse(
        ValueError,
        r"index_dtype='int32' tells at most 2\^31 rows apart, got 2147483649",
        {"x": column},
        index_dtype="int32",
        **off,
    )
    at_most = FlexibleBatchSampler({"x": column[:-1]}, index_dtype="int32", num_batches=1, **off)
    assert next(iter(at_most)).min() >= 0


@pytest.mark.slow
def test_the_largest_table():
    column = np.broadcast_to(np.int8(0), 2**32 - 1)
    off = {"experiment_aware": False, "condition_balanced": False}
    sampler = FlexibleBatchSampler({"x": column}, batch_size=1000, **off)
    batch = next(iter(sampler))
    assert len(sampler) == 4294967 and 2**31 < batch.max() < 2**32 - 1


def test_numpy_integers_are_integers():
    sampler = FlexibleBatchSampler(
        TABLE, batch_size=np.int32(10), seed=np.uint64(2**64 - 1), rank=np.int8(0), leaky=np.float32(0.5)
    )
    assert sampler.batch_size == 10 and sampler.seed == 2**64 - 1
    assert len(sampler.batch(np.int64(3))) == 10


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (TypeError, "epoch must be an integer", lambda s: s.set_epoch(1.0)),
        (TypeError, "epoch must be an integer", lambda s: s.set_epoch(None)),
        (ValueError, "epoch must be at least 0, got -1", lambda s: s.set_epoch(-1)),
        (ValueError, r"epoch must be below 2\^64", lambda s: s.set_epoch(2**64)),
        (ValueError, "k must be below 10, got 10", lambda s: s.batch(10)),
        (ValueError, "k must be at least 0, got -1", lambda s: s.batch(-1)),
        (TypeError, "k must be an integer", lambda s: s.batch("0")),
        (ValueError, "epoch must be at least 0", lambda s: s.batch(0, -2)),
        (ValueError, "epoch must be at least 0", lambda s: s.epoch_batches(-2)),
    ],
)
def test_methods(error, match, call):
    sampler = FlexibleBatchSampler(TABLE, batch_size=10)
    with pytest.raises(error, match=match):
        call(sampler)


def test_what_does_not_fit_into_memory_is_a_memory_error():
    sampler = FlexibleBatchSampler(TABLE, batch_size=10, num_batches=10**12)
    with pytest.raises(MemoryError):
        sampler.epoch_batches()
    sampler = FlexibleBatchSampler(TABLE, batch_size=2**32 - 1, num_batches=2**63 - 1)
    with pytest.raises(MemoryError):
        sampler.epoch_batches()
    sampler = FlexibleBatchSampler(TABLE, batch_size=2**32 - 1, num_batches=1)
    with pytest.raises(MemoryError):
        next(iter(sampler))


def test_the_core_refuses_what_the_checks_would_catch():
    from cascade_sampler import _core

    column = [(np.zeros(4, np.int8), None)], 1
    good = [4, column, None, None, 2, 0.0, None, None, True, None, 2.0, 0.3]

    def plan(*arguments):
        _core.Plan(_core.Index(*arguments[:4]), *arguments[4:])

    plan(*good)
    for place, value, error in [
        (0, 5, ValueError),
        (0, 2**40, ValueError),
        (1, ([(np.array([0, 1, 2, 3]), None)], 3), ValueError),
        (1, ([(np.array([0, 0, 0, 0]), np.array([7], np.uint32))], 3), ValueError),
        (1, ([(np.zeros(4), None)], 1), TypeError),
        (3, [np.zeros(3)], ValueError),
        (3, [np.array([0.0, 1.0, np.inf, 2.0])], ValueError),
        (3, [np.zeros(4, np.int64)], TypeError),
        (4, 0, ValueError),
        (5, NAN, ValueError),
        (7, [1.0], ValueError),
        (9, 0, ValueError),
        (10, NAN, ValueError),
        (10, -1.0, ValueError),
        (11, 1.5, ValueError),
    ]:
        with pytest.raises(error):
            plan(*[value if at == place else argument for at, argument in enumerate(good)])
    with pytest.raises(ValueError, match="bound"):
        _core.Generator(0).below(0)
    with pytest.raises(ValueError, match="code"):
        _core.count(np.array([0, 5]), 5)
    for labels in (2**64 - 1, 2**64 - 2, 2**61):
        with pytest.raises(MemoryError):
            _core.count(np.array([0, 5]), labels)


@pytest.mark.parametrize("kind", [KeyError, ValueError])
@pytest.mark.parametrize("keys", [{"experiment_key": "site"}, {"condition_key": ["condition", "site"]},
                                  {"temporal_enrichment": True, "time_key": "site"}])  # fmt: skip
def test_a_missing_column_is_a_missing_key_and_a_wrong_value(kind, keys):
    with pytest.raises(kind, match="valid_anchors has no column 'site'") as caught:
        FlexibleBatchSampler(TABLE, 10, **keys)
    # Shown as a sentence, not in the quotes that a KeyError puts around its key.
    assert not str(caught.value).startswith(("'", '"'))


@pytest.mark.parametrize("labels", [6, 2**17])
def test_a_table_that_is_written_to_while_it_is_read(labels):
    from cascade_sampler import _core

    # With many labels rows are sorted by condition first.
    rows = 400_000
    codes = np.arange(rows, dtype=np.int32) % 6
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            codes[:] = (codes + 1) % 6
            codes[rows // 2 :] = 5 - codes[rows // 2 :]

    refusals = set()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(30):
            column = [(codes, None)], labels
            try:
                index = _core.Index(rows, column, column, None, pools=True)
                plan = _core.Plan(index, 2, 0.5, None, None, True, 10, 2.0, 0.3)
            except ValueError as error:
                refusals.add(str(error))
            else:
                assert plan.kept == rows
                feed = _core.Feed(plan, 0, 1, 0, "int64")
                assert all(len(batch) == 2 for batch in feed)
    finally:
        done.set()
        writer.join()
    assert refusals <= {"a column holds a code that stands for no label, or was changed while it was read"}
