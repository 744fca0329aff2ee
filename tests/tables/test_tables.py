"""Every kind of table gives the same labels in the same order, and so the same batches."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cascade_sampler import FlexibleBatchSampler
from streams import Stream

ROWS = 240
RANDOM = np.random.default_rng(1)


def sampler(table: Any, **arguments: Any) -> FlexibleBatchSampler:
    return FlexibleBatchSampler(table, **{"batch_size": 12, "leaky": 0.25, **arguments})


def epoch(table: Any, **arguments: Any) -> list[list[int]]:
    return sampler(table, **arguments).epoch_batches().tolist()


def grouped(table: Any, **arguments: Any) -> FlexibleBatchSampler:
    """The sampler whose experiments are the labels of the column k."""
    return sampler(table, experiment_key="k", condition_balanced=False, **arguments)


def grouped_epoch(table: Any) -> list[list[int]]:
    return grouped(table).epoch_batches().tolist()


def by_codes(codes: np.ndarray) -> list[list[int]]:
    """The batches where the labels' order is that of the codes."""
    return grouped_epoch({"k": codes})


def column(values: Any) -> dict[str, Any]:
    """The one-column table, through each library that can hold the values."""
    series = pd.Series(values)
    arrow = pa.array(series)
    chunked = pa.chunked_array([arrow[:100], arrow[100:101], arrow[101:101], arrow[101:]])
    return {
        "mapping of lists": {"k": list(values)},
        "mapping of arrays": {"k": np.asarray(values)},
        "mapping of pandas": {"k": series},
        "mapping of polars": {"k": pl.Series(arrow)},
        "mapping of arrow": {"k": chunked},
        "pandas": pd.DataFrame({"k": series.array}, index=np.arange(ROWS)[::-1]),
        "pandas on arrow": pd.DataFrame({"k": pd.Series(arrow, dtype=pd.ArrowDtype(arrow.type))}),
        "pandas, category": pd.DataFrame({"k": series.astype("category")}),
        "polars": pl.DataFrame({"k": arrow}),
        "polars, chunked": pl.concat([pl.DataFrame({"k": arrow[:77]}), pl.DataFrame({"k": arrow[77:]})], rechunk=False),
        "arrow": pa.table({"k": chunked}),
        "arrow batch": pa.RecordBatch.from_pydict({"k": arrow}),
        "arrow, dictionary": pa.table({"k": chunked.dictionary_encode()}),
        "stream": Stream(pa.table({"k": chunked})),
        "stream of dictionaries": Stream(pa.table({"k": chunked.dictionary_encode()})),
        "reader": pa.table({"k": chunked}).to_reader(),
    }


LABELS = {
    "text": ["é", "Z", "a", "aa", "", "😀", "z", "\uffff"],
    "integers": [-5, 3, 2**40, 0, 11, 100],
    "floats": [0.1, -2.5, float("inf"), 1e300, 0.0, 3.0],
    "bools": [True, False],
    "dates and times": [dt.datetime(2024, 2, 29, 12, 0, 0, 5), dt.datetime(1969, 7, 20), dt.datetime(2024, 2, 29)],
    "durations": [dt.timedelta(hours=2), dt.timedelta(0), dt.timedelta(minutes=-30)],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_are_ordered_by_value_in_every_table(kind):
    labels = sorted(LABELS[kind])
    codes = RANDOM.integers(0, len(labels), ROWS)
    codes[: len(labels)] = RANDOM.permutation(len(labels))
    expected = by_codes(codes)
    for name, table in column([labels[code] for code in codes]).items():
        if name == "mapping of arrays" and kind in ("dates and times", "durations"):
            table = {"k": np.asarray(table["k"], dtype="M8[us]" if kind == "dates and times" else "m8[us]")}
        found = grouped_epoch(table)
        assert found == expected, name


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_integers_of_every_width(dtype):
    low = np.iinfo(dtype).min
    high = np.iinfo(dtype).max
    labels = np.array([low, low + 1, 7, high - 1, high], dtype=dtype)
    codes = RANDOM.integers(0, 5, ROWS)
    expected = by_codes(codes)
    values = labels[codes]
    swapped = values.astype(values.dtype.newbyteorder(">"))
    strided = np.repeat(values, 3)[::3]
    for column in (values, swapped, strided, pd.Series(values), pl.Series(values), pa.array(values)):
        assert grouped_epoch({"k": column}) == expected
        assert grouped({"k": column}).experiments == tuple(labels.tolist())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_of_every_width(dtype):
    labels = np.array([-0.5, 0.0, 0.1, 3.0], dtype=dtype)
    codes = RANDOM.integers(0, 4, ROWS)
    expected = by_codes(codes)
    values = labels[codes]
    values[(codes == 1) & (np.arange(ROWS) % 2 == 0)] = -0.0
    tables = [values, pd.Series(values), pa.array(values)]
    if dtype != "float16":
        tables.append(pl.Series(values))
    for column in tables:
        assert grouped_epoch({"k": column}) == expected
        named = grouped({"k": column}, experiment_weights={0.1: 1, -0.5: 2})
        assert named._feed.plan.weights.tolist() == [2 / 3, 0, 1 / 3, 0]


@pytest.mark.parametrize("values", [np.array(["b", "a", "b"] * 5), np.array([b"b", b"a", b"b"] * 5)])
def test_fixed_width_text(values):
    assert grouped({"k": values}).experiments == tuple(sorted(set(values.tolist())))


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="numpy 1 has no such type")
def test_numpy_variable_width_text():
    values = np.array(["bb", "a", "ccc"] * 5, dtype=np.dtypes.StringDType())
    assert grouped({"k": values}).experiments == ("a", "bb", "ccc")


CODES = np.array([2, 0, 1, 1, 2, 0, 0, 2] * 30)
NAMES = np.array(["low", "mid", "high"])  # not the order of their text


@pytest.mark.parametrize("ordered", [True, False])
def test_pandas_categories_keep_their_order(ordered):
    values = pd.Categorical.from_codes(CODES, NAMES, ordered=ordered)
    for table in (
        pd.DataFrame({"k": values}),
        {"k": values},
        {"k": pd.Series(values)},
        {"k": pd.CategoricalIndex(values)},
    ):
        assert grouped(table).experiments == ("low", "mid", "high")
        assert grouped_epoch(table) == by_codes(CODES)


def test_polars_enums_keep_their_order():
    series = pl.Series("k", NAMES[CODES], dtype=pl.Enum(["unused", *NAMES]))
    for table in (pl.DataFrame([series]), {"k": series}):
        assert grouped_epoch(table) == by_codes(CODES)


def test_polars_categoricals_are_ordered_by_value_whatever_the_process_did():
    kept = pl.Series(["zz", "mid", "yy", "low", "a"], dtype=pl.Categorical)
    series = pl.Series("k", NAMES[CODES]).cast(pl.Categorical)
    by_value = np.array([1, 2, 0])[CODES]
    pieces = pl.concat([series[:100].to_frame(), series[100:].to_frame()], rechunk=False)
    for table in (series.to_frame(), pieces, {"k": series}, Stream(series.to_frame().to_arrow())):
        assert grouped_epoch(table) == by_codes(by_value)
    assert kept.len() == 5
    assert grouped(series.to_frame()).experiments == ("high", "low", "mid")


def test_polars_own_stream():
    class Frame:
        def __init__(self, frame: pl.DataFrame) -> None:
            self.frame = frame

        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return self.frame.__arrow_c_stream__(requested_schema)

    text = pl.Series("k", NAMES[CODES])
    by_value = by_codes(np.array([1, 2, 0])[CODES])
    assert grouped_epoch(Frame(text.to_frame())) == by_value
    assert grouped_epoch(Frame(text.cast(pl.Categorical).to_frame())) == by_value
    assert grouped_epoch(Frame(text.cast(pl.Enum(NAMES)).to_frame())) == by_codes(CODES)


def dictionary(codes: list[int | None], values: list[Any], ordered: bool = False) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(values), ordered=ordered)


def test_arrow_dictionaries_that_differ_between_chunks():
    chunks = [dictionary([0, 1, 0, 1] * 10, ["b", "a"]), dictionary([0, 1, 1, 0] * 10, ["c", "a"])]
    expected = by_codes(np.array([1, 0, 1, 0] * 10 + [2, 0, 0, 2] * 10))
    chunked = pa.chunked_array(chunks)
    batches = [pa.RecordBatch.from_arrays([chunk], ["k"]) for chunk in chunks]
    for table in (
        pa.table({"k": chunked}),
        {"k": chunked},
        pa.RecordBatchReader.from_batches(pa.schema([("k", chunked.type)]), batches),
        pd.DataFrame({"k": pd.Series(chunked, dtype=pd.ArrowDtype(chunked.type))}),
    ):
        found = grouped(table)
        assert found.experiments == ("a", "b", "c")
        assert found.epoch_batches().tolist() == expected


def test_arrow_dictionaries_marked_ordered():
    one = dictionary([0, 1, 0, 2] * 10, ["low", "mid", "high"], ordered=True)
    longer = dictionary([0, 3, 0, 2] * 10, ["low", "mid", "high", "top"], ordered=True)
    found = grouped(pa.table({"k": pa.chunked_array([one, longer])}))
    assert found.experiments == ("low", "mid", "high", "top")
    other = dictionary([0, 1] * 10, ["mid", "low"], ordered=True)
    with pytest.raises(ValueError, match="unify_dictionaries"):
        grouped(pa.table({"k": pa.chunked_array([one, other])}))


def test_a_dictionary_that_holds_a_label_twice():
    twice = dictionary([0, 1, 2, 1] * 10, ["b", "a", "b"])
    found = grouped({"k": twice})
    assert found.experiments == ("a", "b")
    assert found.epoch_batches().tolist() == by_codes(np.array([1, 0, 1, 0] * 10))


def test_categories_without_rows_are_no_experiments():
    values = pd.Categorical.from_codes(CODES, NAMES).set_categories(["none", "low", "mid", "high", "last"])
    found = grouped({"k": values})
    assert found.experiments == ("low", "mid", "high")
    assert found.epoch_batches().tolist() == by_codes(CODES)


def test_other_arrow_types():
    text = NAMES[CODES]
    expected = grouped_epoch({"k": text})
    encoded = pa.array(text)
    for array in (encoded.cast(pa.large_string()), encoded.cast(pa.string_view()), pa.compute.run_end_encode(encoded)):
        assert grouped_epoch(pa.table({"k": array})) == expected
    with pytest.raises(TypeError, match="no labels"):
        grouped(pa.table({"k": pa.array([[1], [2]] * 20)}))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_to_the_nanosecond_in_every_table(unit):
    ticks = np.array([5, -3, 5_000_000_000, 6])
    codes = RANDOM.integers(0, 4, ROWS)
    ranks = np.array([1, 0, 3, 2])[codes]
    moments = ticks[codes].astype(f"M8[{unit}]")
    tables = [moments, pd.Series(moments), pa.array(moments)]
    if unit != "s":
        tables += [
            pl.Series(moments),
            pl.Series(moments).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
        ]
    tables.append(pd.Series(moments).dt.tz_localize("UTC").dt.tz_convert("America/New_York"))
    for column in tables:
        found = grouped({"k": column})
        assert found.epoch_batches().tolist() == by_codes(ranks)
        names = {np.datetime64(5, unit): 1, pd.Timestamp(np.datetime64(-3, unit)): 3}
        named = grouped({"k": column}, experiment_weights=names)
        assert named._feed.plan.weights.tolist() == [0.75, 0.25, 0, 0]


def test_a_python_datetime_names_a_time():
    day = dt.datetime(2024, 5, 1)
    table = pd.DataFrame({"k": pd.to_datetime(["2024-05-01", "2024-05-02"] * 20)})
    names = {day.replace(tzinfo=dt.timezone.utc): 1.0}
    assert grouped(table, experiment_weights=names)
    assert grouped(table, experiment_weights={day.date(): 1.0})


def test_masked_arrays_and_pandas_nullables():
    values = CODES.astype(np.int64)
    expected = by_codes(CODES)
    assert grouped_epoch({"k": np.ma.array(values, mask=False)}) == expected
    assert grouped_epoch({"k": pd.Series(values, dtype="Int64")}) == expected
    assert grouped_epoch({"k": pd.arrays.SparseArray(values)}) == expected


def test_only_the_key_columns_are_read():
    class Frame(dict):
        def __getitem__(self, name):
            assert name in ("a", "b"), f"column {name} was read"
            return super().__getitem__(name)

    table = Frame(a=CODES, b=CODES, image=np.zeros((240, 2, 2)), other=[None] * 240)
    assert len(sampler(table, experiment_key="a", condition_key="b")) == 20


def test_the_table_is_not_kept():
    import gc
    import weakref

    table = pd.DataFrame({"experiment": CODES, "condition": NAMES[CODES]})
    made = sampler(table)
    gone = weakref.ref(table)
    del table
    gc.collect()
    assert gone() is None and len(made) == 20


def test_a_note_beside_the_columns_is_no_column():
    assert grouped_epoch({"k": CODES, "note": "plate reader 2", "version": 3}) == by_codes(CODES)


def test_without_keys_any_column_gives_the_length():
    off = {"experiment_aware": False, "condition_balanced": False, "leaky": 0.0}
    expected = epoch({"x": np.zeros(50)}, **off)
    for table in (
        pd.DataFrame(index=range(50)),
        pl.DataFrame({"x": [[1]] * 50}),
        pa.table({"x": [None] * 50}),
        Stream(pa.table({"x": range(50)})),
        {"image": np.zeros((50, 3, 3)), "name": ["a"] * 50},
    ):
        assert epoch(table, **off) == expected


# Keys of several columns


def test_several_columns_are_ordered_by_joined_text():
    table = {"plate": ["p", "p|q", "p", "p0"] * 20, "well": ["q|r", "r", "a", "z"] * 20}
    found = sampler(table, experiment_key=["plate", "well"], condition_balanced=False)
    # "p|a", "p|q|r" twice (kept apart, by the tuple), "p0|z": the bar comes after the digit
    assert found.experiments == (("p0", "z"), ("p", "a"), ("p", "q|r"), ("p|q", "r"))
    ranks = np.array([2, 3, 1, 0] * 20)
    assert found.epoch_batches().tolist() == by_codes(ranks)


def test_texts_of_the_parts():
    table = {
        "float": np.array([0.1, 1e16, 10.0, 1e-5]),
        "narrow": np.array([0.1, 1e16, 16777216, 1e-5], dtype=np.float32),
        "int": np.array([3, -4, 20, 100]),
        "bool": np.array([True, False, True, False]),
        "time": np.array(["2024-01-01T00:00:00.5", "1969-01-01", "2024-01-01", "2024-02-01"], dtype="M8[ms]"),
    }
    texts = [
        "0.1|0.1|3|True|2024-01-01 00:00:00.500000",
        "1e+16|1e+16|-4|False|1969-01-01 00:00:00.000000",
        "10.0|16777216.0|20|True|2024-01-01 00:00:00.000000",
        "1e-05|1e-05|100|False|2024-02-01 00:00:00.000000",
    ]
    from cascade_sampler._tables.labels import text

    columns = [list(column) if column.dtype == np.float32 else column for column in table.values()]
    assert ["|".join(map(text, row)) for row in zip(*columns, strict=True)] == texts
    repeated = {name: np.tile(column, 20) for name, column in table.items()}
    arguments = {"experiment_key": list(table), "condition_balanced": False}
    expected = by_codes(np.tile([sorted(texts).index(one) for one in texts], 20))
    for frame in (repeated, pd.DataFrame(repeated), pl.DataFrame(repeated), pa.table(repeated)):
        assert epoch(frame, **arguments) == expected


def test_either_zero_has_one_text():
    for zeros in ([-0.0, 0.0], [0.0, -0.0]):
        for dtype in (np.float64, np.float32):
            table = {"a": np.array([*zeros, -1.0] * 20, dtype=dtype), "b": ["k"] * 60}
            found = sampler(table, experiment_key=["a", "b"], condition_balanced=False)
            assert found.experiments == ((-1.0, "k"), (0.0, "k"))


def test_nullable_floats_keep_their_width():
    values = np.array([0.1, 0.15] * 20, dtype=np.float32)
    text = ["k"] * 40
    for column in (values, pd.array(values, dtype="Float32"), pd.Categorical(pd.array(values, dtype="Float32"))):
        found = sampler({"a": column, "b": text}, experiment_key=["a", "b"], condition_balanced=False)
        # "0.15|k" comes before "0.1|k", since a bar comes after a digit.
        assert [float(label) for label, _ in found.experiments] == [float(np.float32(0.15)), float(np.float32(0.1))]
        named = grouped({"k": column}, experiment_weights={0.1: 1.0})
        assert named._feed.plan.weights.tolist() == [1.0, 0.0]


def test_names_for_several_columns_are_tuples():
    table = pd.DataFrame({"a": CODES, "b": NAMES[CODES % 2]})
    weights = {(0, "low"): 1.0, (1, "mid"): 3.0}
    found = sampler(table, experiment_key=["a", "b"], condition_key="b", experiment_weights=weights)
    assert found.experiments == ((0, "low"), (1, "mid"), (2, "low"))
    assert found._feed.plan.weights.tolist() == [0.25, 0.75, 0.0]


def test_one_column_in_a_list_is_that_column():
    table = {"a": CODES, "b": CODES}
    assert sampler(table, experiment_key=["a"], condition_key=("b",)).experiments == (0, 1, 2)


def test_several_columns_with_many_values():
    rows = 100_000
    table = {"a": np.arange(rows) // 3, "b": np.arange(rows) % 50_000, "c": CODES[np.arange(rows) % 240]}
    found = sampler(table, experiment_key=["c"], condition_key=["a", "b"], condition_balanced=True)
    assert len(found.conditions) == rows
    assert len(found.batch(5)) == 12


def test_the_same_column_as_both_keys():
    table = {"a": CODES}
    found = sampler(table, experiment_key="a", condition_key="a")
    assert found.experiments == found.conditions == (0, 1, 2)
    assert len(next(iter(found))) == 12


def test_narwhals_frames():
    import narwhals as nw

    expected = by_codes(CODES)
    for frame in (pd.DataFrame({"k": CODES}), pl.DataFrame({"k": CODES}), pa.table({"k": CODES})):
        assert grouped_epoch(nw.from_native(frame)) == expected
    with pytest.raises(TypeError, match="collect"):
        sampler(nw.from_native(pl.LazyFrame({"k": CODES})), experiment_key="k")


def test_without_pandas_numpy_sorts(monkeypatch):
    import sys

    tables = {
        "text": np.array(["b", "a", "é"])[CODES],
        "object": np.array(["b", "a", "é"], dtype=object)[CODES],
        "float": np.array([0.5, -1.0, 0.0])[CODES],
        "time": np.array([5, 3, 9], dtype="M8[ns]")[CODES],
    }
    expected = {name: grouped_epoch({"k": column}) for name, column in tables.items()}
    monkeypatch.setitem(sys.modules, "pandas", None)
    for name, column in tables.items():
        assert grouped_epoch({"k": column}) == expected[name]
    missing = tables["object"].copy()
    missing[[3, 5]] = None
    missing[7] = float("nan")
    with pytest.raises(ValueError, match="3 rows without a label"):
        grouped({"k": missing})
