"""Labels are told apart by what they are, whatever a library or Python's own ``==`` makes of them."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._tables.columns import encode
from cascade_sampler._tables.joined import Texts
from cascade_sampler._tables.keys import make_key
from cascade_sampler._tables.labels import order
from cascade_sampler._tables.open import refuse_views
from streams import Stream

pytestmark = pytest.mark.frames

ZONE = ZoneInfo("Europe/Zurich")
NAN = float("nan")

# Of numpy 2.
NUMPY_TEXT = getattr(getattr(np, "dtypes", None), "StringDType", None)


def grouped(values: Any, **arguments: Any) -> FlexibleBatchSampler:
    return FlexibleBatchSampler({"k": values}, 4, experiment_key="k", condition_balanced=False, **arguments)


ODD = ["A\0B", "A\0C", "A", "A\0", "\0", "", "caf\udce9", "caf\udcea", "\udce9", "'\\udce9'", "\U0001f600", "\uffff"]


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        lambda values: np.array(values, dtype=object),
        lambda values: pd.Series(values, dtype=object),
        lambda values: pd.Index(values, dtype=object),
    ],
)
@pytest.mark.parametrize("turn", [1, -1])
def test_text_is_told_apart_by_its_own_letters(make, turn):
    assert grouped(make((ODD * 5)[::turn])).experiments == tuple(sorted(ODD))


@pytest.mark.parametrize(
    "make",
    [
        np.array,
        lambda values: np.array(values, dtype=NUMPY_TEXT()) if NUMPY_TEXT else values,
        lambda values: pd.array(values, dtype="string[python]"),
        lambda values: pd.array(values, dtype="string[pyarrow]"),
        lambda values: pd.Series(values, dtype="string"),
        lambda values: pd.Series(values),
        lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.string())),
        pl.Series,
        pa.array,
        lambda values: pa.array(values).dictionary_encode(),
        lambda values: pd.Categorical.from_codes(np.arange(len(values)) % 4, ["A", "A\0B", "A\0C", "é"]),
    ],
)
def test_a_nul_ends_no_text(make):
    values = ["A", "A\0B", "A\0C", "é"] * 10
    assert grouped(make(values)).experiments == ("A", "A\0B", "A\0C", "é")


MANY = 70_000
SHUFFLED = [row * 7919 % MANY for row in range(MANY)]


def of_libraries(values: list[Any]) -> list[Any]:
    """The same column of all libraries, where they have such."""
    return [
        values,
        np.array(values, dtype=object),
        np.array(values),
        pd.Series(values),
        pd.Series(values, dtype=object),
        pd.array(values),
        pl.Series(values),
        pa.array(values),
        pa.chunked_array([values[: MANY // 3], values[MANY // 3 :]]),
        Stream(pa.table({"k": values})),
    ]


@pytest.mark.parametrize(
    "values",
    [
        [f"{row:06}\0{'é' * (row % 3)}\0." for row in SHUFFLED],
        [f"a beginning that all of these texts have {row:06}" for row in SHUFFLED],
        [row * 10**9 - 10**13 for row in SHUFFLED],
        [row * 1.5 - 1e4 for row in SHUFFLED],
        [f"{row:06}".encode() + b"\xff" for row in SHUFFLED],
    ],
    ids=["text", "long text", "integers", "floats", "bytes"],
)
def test_many_labels_are_those_of_few(values):
    expected = tuple(sorted(values))
    rows = np.argsort(SHUFFLED)
    for column in of_libraries(values):
        table = column if isinstance(column, Stream) else {"k": column}
        sampler = FlexibleBatchSampler(table, 4, experiment_key="k", condition_balanced=False)
        assert sampler.experiments == expected
        assert {type(label) for label in sampler.experiments} == {type(expected[0])}
        # Labels name rows, and not only each other.
        for place in (0, 1, MANY // 2, MANY - 1):
            of_one = FlexibleBatchSampler(
                table if not isinstance(column, Stream) else {"k": values},
                1,
                experiment_key="k",
                condition_balanced=False,
                experiment_weights={expected[place]: 1},
            )
            assert of_one.batch(0).tolist() == [rows[place]]


@pytest.mark.parametrize(
    "make",
    [
        list,
        pd.Series,
        pl.Series,
        pa.array,
        lambda values: pd.Series(values, dtype="Int64" if isinstance(values[1], int) else "string"),
        lambda values: pa.chunked_array([values[:7], [], values[7:]]),
    ],
)
@pytest.mark.parametrize("values", [[*map(str, SHUFFLED)], [row * 10**6 for row in SHUFFLED]], ids=["text", "integers"])
def test_many_labels_with_gaps(make, values):
    gaps = {0, 5, MANY - 1}
    column = make([None if row in gaps else value for row, value in enumerate(values)])
    sampler = grouped(column, missing="exclude")
    assert sampler.experiments == tuple(sorted(value for row, value in enumerate(values) if row not in gaps))
    with pytest.raises(ValueError, match="column 'k' has 3 rows without a label"):
        grouped(column)


@pytest.mark.parametrize("kind", ["f4", "f8", "u8", "i2", "M8[s]", "m8[ms]"])
def test_many_numbers_keep_their_type_and_order(kind):
    numbers = np.array(SHUFFLED, dtype="i8")
    values = (numbers % 2**16 - 2**15 if kind == "i2" else numbers * 10**6).astype(kind)
    if kind[0] == "f":
        values[:4] = [-np.inf, -1.5, np.nan, -0.0]
    expected = np.unique(values)
    found = grouped(values, missing="exclude").experiments
    np.testing.assert_array_equal(np.array(found, dtype=kind), expected[expected == expected])


@pytest.mark.parametrize(
    "make",
    [
        lambda values, order: pd.Categorical(values, order),
        lambda values, order: pd.Categorical(values, pd.Index(order, dtype="str")),
        lambda values, order: pl.Series(values, dtype=pl.Enum(order)),
        lambda values, order: pa.DictionaryArray.from_arrays([*map(order.index, values)], order, ordered=True),
    ],
)
def test_categories_are_in_their_own_order(make):
    order = ["b\0", "b", "unused", "a", "é"]
    assert grouped(make(["é", "a", "b", "b\0"] * 5, order)).experiments == ("b\0", "b", "a", "é")


def test_labels_outlive_the_table():
    texts = [f"label {row:09}" for row in SHUFFLED]
    for make in (pa.array, lambda some: pa.array(some).dictionary_encode(), pd.Categorical, pl.Series):
        column = make(texts)
        key = make_key([encode("k", column)])
        held = key.labels._labels
        if not isinstance(held, Texts):
            # pandas before 3 has objects as categories.
            assert isinstance(column, pd.Categorical)
            continue
        assert held.data.base is None or not np.shares_memory(held.data, _data_of(column))


def _data_of(column: Any) -> Any:
    arrow = column.dictionary if isinstance(column, pa.DictionaryArray) else column
    buffers = arrow.buffers() if isinstance(arrow, pa.Array) else [b""]
    return np.frombuffer(buffers[-1], dtype=np.uint8)


TEXTS = st.lists(st.text(st.sampled_from("ab\0é\uffff\ud800\udfff\U0001f600"), max_size=12), min_size=1, max_size=60)


@given(TEXTS)
def test_texts_in_memory_are_as_python_sorts_them(texts):
    joined = Texts.of(texts)
    numbers, places = joined.numbered()
    distinct = sorted(set(texts))
    assert [texts[place] for place in places] == distinct
    assert [distinct[number] for number in numbers] == texts
    assert joined.tolist() == texts == [joined[place] for place in range(len(texts))]
    assert joined.take(places).tolist() == distinct
    assert Texts.joined([joined.take(places[:3]), joined]).tolist() == distinct[:3] + texts
    as_bytes = [text.encode("utf-8", "surrogatepass") for text in texts]
    assert Texts.of(as_bytes, bytes).tolist() == as_bytes


FOLDS = [dt.datetime(2023, 10, 29, 2, 30, tzinfo=ZONE, fold=fold) for fold in (0, 1)]


def test_the_two_moments_of_a_doubled_hour():
    assert FOLDS[0] == FOLDS[1]
    for values in (FOLDS, FOLDS[::-1], [pd.Timestamp(moment) for moment in FOLDS]):
        found = grouped(values * 10).experiments
        assert [moment.astimezone(dt.timezone.utc).hour for moment in found] == [0, 1]
        assert len(grouped([(moment, 1) for moment in values] * 10).experiments) == 2
    weights = grouped(FOLDS * 10, experiment_weights={FOLDS[1]: 1.0})._feed.plan.weights
    assert weights.tolist() == [0.0, 1.0]


def test_one_moment_in_several_zones_is_one_label():
    noon = dt.datetime(2024, 7, 1, 12, tzinfo=dt.timezone.utc)
    values = [noon, noon.astimezone(ZONE), noon.astimezone(ZoneInfo("Asia/Tokyo")), noon + dt.timedelta(hours=1)]
    assert len(grouped(values * 5).experiments) == 2


def test_the_ends_of_the_calendar_with_a_zone():
    west, east = dt.timezone(dt.timedelta(hours=-12)), dt.timezone(dt.timedelta(hours=12))
    values = [dt.datetime.max.replace(tzinfo=west), dt.datetime.min.replace(tzinfo=east)]
    assert grouped(values * 10).experiments == tuple(values[::-1])


def test_numbers_that_are_equal_are_one_label_whichever_comes_first():
    for values in ([1, 1.0, 2.5], [1.0, 2.5, 1], [decimal.Decimal("1.00"), 2.5, 1, fractions.Fraction(5, 2)]):
        first, second = grouped(values * 6).experiments
        assert (type(first), first, second) == (int, 1, 2.5)


def test_integers_beyond_the_doubles_stay_apart():
    high = 2**53
    labels = [high, high + 1, 2**63]
    wide = np.array(labels * 8, dtype=np.uint64)
    for values in (
        wide,
        labels * 8,
        [*labels[:2], 2**70] * 8,
        pd.Series(wide),
        pd.Series(wide).astype(pd.SparseDtype("uint64")),
        pd.Series(wide).astype("UInt64"),
        pd.Series(wide).astype("category"),
        pl.Series(wide),
        pl.Series(labels * 8, dtype=pl.Int128),
        pa.array(wide),
    ):
        found = grouped(values)
        assert found.experiments[:2] == (high, high + 1) and len(found.experiments) == 3


@pytest.mark.parametrize("fill", [0, 2**53 + 1, np.nan])
@pytest.mark.parametrize("dtype", ["uint64", "int64"])
def test_sparse_integers_beyond_the_doubles_stay_apart(dtype, fill):
    # Of which pandas makes doubles, wherever it fills their gaps.
    labels = [0, 2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1]
    column = pd.arrays.SparseArray(np.array(labels * 8, dtype=dtype), dtype=pd.SparseDtype(dtype, fill))
    assert column.dtype.subtype == dtype
    found = grouped(pd.Series(column))
    assert found.experiments == tuple(labels)
    assert found._feed.plan.index.experiment_positions().tolist() == [0, 1, 2, 3, 4] * 8


def test_classes_of_the_users_are_asked_nothing():
    class Odd(str):
        __slots__ = ()

        def __eq__(self, other):
            raise RuntimeError("asked")

        def __hash__(self):
            raise RuntimeError("asked")

        __lt__ = __eq__

    class Colour(str, enum.Enum):
        RED = "red"
        BLUE = "blue"

    class Level(enum.IntEnum):
        LOW = 1
        HIGH = 2

    assert grouped([Odd("b"), Odd("a")] * 10).experiments == ("a", "b")
    named = grouped([Colour.RED, Colour.BLUE] * 10, experiment_weights={Colour.RED: 1.0, "blue": 2.0})
    assert named.experiments == ("blue", "red") and {type(label) for label in named.experiments} == {str}
    assert grouped([Level.HIGH, Level.LOW] * 10, experiment_weights={Level.LOW: 1, 2: 1}).experiments == (1, 2)


class Hostile:
    def __eq__(self, other):
        raise ZeroDivisionError

    def __hash__(self):
        raise ZeroDivisionError

    def __repr__(self):
        raise ZeroDivisionError

    __lt__ = __eq__


@pytest.mark.parametrize(
    "label",
    [Hostile(), (1, Hostile()), {1: 2}, [1], {1}, frozenset({1}), object(), 1j, print, memoryview(b"a"), range(3)],
)
def test_what_is_no_label_is_refused(label):
    for values in ([label] * 10, [label, "a"] * 5):
        with pytest.raises(TypeError, match="column 'k'"):
            grouped(values)


def test_missing_labels_of_every_kind():
    gaps = [None, NAN, np.nan, pd.NA, pd.NaT, np.datetime64("NaT"), np.float32("nan"), decimal.Decimal("NaN"),
            decimal.Decimal("sNaN"), (1, None)]  # fmt: skip
    for gap in gaps:
        with pytest.raises(ValueError, match="column 'k' has 2 rows without a label"):
            grouped([1, gap, 2, gap, 1])
    if NUMPY_TEXT:
        for gap in (NAN, None, pd.NA):
            values = np.array(["a", "b", gap, "b"] * 3, dtype=NUMPY_TEXT(na_object=gap))
            assert grouped(values, missing="exclude").experiments == ("a", "b")
            with pytest.raises(ValueError, match="column 'k' has 3 rows without a label"):
                grouped(values)


def test_kinds_that_have_no_order_together():
    day = dt.datetime(2024, 1, 1)
    for labels in (["a", 1], [b"a", "a"], [day, day.replace(tzinfo=ZONE)], [day.date(), day], [dt.timedelta(1), 1],
                   [dt.timedelta(1), day], [(1, "a"), ("a", 1)], [True, "True"], [(day, 1), (1, 1)]):  # fmt: skip
        for turned in (labels, labels[::-1]):
            with pytest.raises(TypeError, match="do not sort"):
                grouped(turned * 5)
            with pytest.raises(TypeError, match="column k do not sort"):
                order(turned, "column k")


def test_views_are_refused_where_reading_a_stream_of_them_would_end_the_process():
    schema = pa.schema({"k": pa.int8(), "name": pa.dictionary(pa.int8(), pa.string_view())})
    with pytest.raises(TypeError, match=r"column 'name' is of dictionary.*install pyarrow 25 or newer"):
        refuse_views(schema, "24.0.0")
    refuse_views(pa.schema({"k": pa.string()}), "24.0.0")


def test_streams_and_dictionaries_of_views():
    for values, kind in ((["b", "a\0", "a"], pa.string_view()), ([b"b", b"a\0", b"a"], pa.binary_view())):
        plain_array = pa.array(values * 10)
        views = plain_array.cast(kind)
        encoded = plain_array.dictionary_encode()
        in_dictionary = pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary.cast(kind))
        expected = tuple(sorted(set(values)))
        for column in (views, in_dictionary, pa.chunked_array([views[:7], views[7:]]), views[3:]):
            assert grouped(column).experiments == expected
            stream = Stream(pa.table({"k": column}))
            if int(pa.__version__.partition(".")[0]) < 25:
                with pytest.raises(TypeError, match="install pyarrow 25 or newer"):
                    FlexibleBatchSampler(stream, 4, experiment_key="k", condition_balanced=False)
                continue
            found = FlexibleBatchSampler(stream, 4, experiment_key="k", condition_balanced=False)
            assert found.experiments == expected
    frame = pl.DataFrame({"k": [b"a", b"b"] * 20})
    assert grouped(frame["k"]).experiments == (b"a", b"b")
    table = FlexibleBatchSampler(pa.table(frame), 4, experiment_key="k", condition_balanced=False)
    assert table.experiments == (b"a", b"b")
