"""Columns as codes: each kind of column read by its own library, without a copy where it holds codes already.

Why no dataframe library stands between: what differs most between pandas, polars and Arrow is what is needed most here,
the codes of a categorical column as they lie in memory and a fast factorisation, and neither is in the interface of
narwhals, the best kept of the go-betweens. Each column is therefore asked in its own library's words, a few lines each,
and everything else that speaks Arrow comes in through pyarrow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.arrays import dictionary_of, encode_array, text_column
from cascade_sampler._tables.arrow import encode_arrow, text_types, texts_of
from cascade_sampler._tables.codes import Column, Dictionary, Labels, narrow
from cascade_sampler._tables.errors import column_errors
from cascade_sampler._tables.joined import Texts
from cascade_sampler._tables.libraries import library, loaded
from cascade_sampler._tables.numeric import are_many, mostly_differ, number_all
from cascade_sampler._tables.shown import shown

_POLARS_WORDS = {f"{kind}{bits}" for kind in ("Int", "UInt", "Float") for bits in (16, 32, 64)} - {"Float16"}
_LONGEST = 1 << 32
"""Bytes that a text of polars may have."""


def encode(name: Any, values: Any) -> Column:
    """Return the codes of one column of any library.

    Raises
    ------
    ValueError
        For a column that is not one-dimensional.
    TypeError
        For a column of a type that has no labels, such as lists or complex numbers.
    """
    with column_errors(name):
        kind, values = library(values)
        if kind == "pandas":
            return _encode_pandas(loaded("pandas"), name, values)
        if kind == "polars":
            return _encode_polars(loaded("polars"), name, values)
        if kind == "pyarrow":
            return encode_arrow(name, values)
        return encode_array(name, values)


def _encode_pandas(pandas: Any, name: Any, values: Any) -> Column:
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return encode_array(name, np.asarray(values))
    array = values.array if hasattr(values, "array") else values
    if isinstance(dtype, pandas.SparseDtype):
        return encode_array(name, _dense(array))
    arrow = _arrow_of(pandas, array)
    if arrow is not None:
        return encode_arrow(name, arrow)
    if isinstance(dtype, pandas.StringDtype):
        # pandas takes texts for equal that are so up to a NUL.
        return encode_array(name, array.to_numpy(dtype=object, na_value=None).tolist())
    if isinstance(dtype, pandas.CategoricalDtype):
        index = array.categories
        column = Column(name, ordered=True)
        # pandas sees to it that no two are equal, by an equality that takes more for equal than is so here.
        column.add(array.codes, _pandas_dictionary(pandas, index, different=True))
        return column
    column = Column(name)
    numbers = getattr(dtype, "numpy_dtype", None)
    if isinstance(numbers, np.dtype) and numbers.kind in "SU":
        return encode_array(name, np.asarray(array))
    if isinstance(numbers, np.dtype) and numbers.kind in "iuf":
        missing = np.asarray(array.isna())
        words = array.to_numpy(dtype=numbers, na_value=0)
        if are_many(words):
            codes, labels = number_all(words, missing)
            column.add(codes, dictionary_of(labels, in_order=True))
            return column
    codes, uniques = pandas.factorize(array)
    column.add(narrow(codes, len(uniques)), _pandas_dictionary(pandas, pandas.Index(uniques)))
    return column


def _dense(array: Any) -> NDArray[Any]:
    """Return a sparse array with its gaps filled. pandas makes doubles of integers for it, which merge large ones."""
    numbers, fill = array.dtype.subtype, array.fill_value
    places = array.sp_index.to_int_index().indices
    is_whole = isinstance(fill, (int, np.integer))
    if numbers.kind not in "iu" or not (is_whole or len(places) == len(array)):
        dense: NDArray[Any] = np.asarray(array)
        return dense
    values = np.full(len(array), fill if is_whole else 0, dtype=numbers)
    values[places] = array.sp_values
    return values


def _pandas_dictionary(pandas: Any, index: Any, different: bool = False) -> Dictionary:
    arrow = _arrow_of(pandas, index.array)
    if arrow is not None and arrow.type in text_types() and len(arrow) and not arrow.null_count:
        # Texts that lie one behind the other need not become objects.
        return dictionary_of(Texts.joined([texts_of(chunk) for chunk in arrow.chunks]), different=different)
    return Dictionary(len(index), lambda places: _pandas_labels(pandas, index.take(places)), different=different)


def _arrow_of(pandas: Any, array: Any) -> Any:
    """Return what a pandas array is made of where that is Arrow's; None for all others."""
    dtype = array.dtype
    in_arrow = isinstance(dtype, pandas.ArrowDtype) or (
        isinstance(dtype, pandas.StringDtype) and str(dtype.storage).startswith("pyarrow")
    )
    if not in_arrow:
        return None
    pyarrow = loaded("pyarrow")
    arrow = array.__arrow_array__()
    return arrow if isinstance(arrow, pyarrow.ChunkedArray) else pyarrow.chunked_array([arrow])


def _pandas_labels(pandas: Any, index: Any) -> Labels:
    if isinstance(index, pandas.DatetimeIndex) and index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    # The type beneath a nullable one: its floats must not be widened, or their text is another.
    dtype = getattr(index.dtype, "numpy_dtype", index.dtype)
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        labels: Labels = index.to_numpy(dtype=dtype)
        return labels
    return list(index.tolist())


def _encode_polars(polars: Any, name: Any, series: Any) -> Column:
    column = Column(name)
    kind = series.dtype
    if kind.is_nested() or kind in (polars.Object, polars.Time):
        raise TypeError(f"column {shown(name)} has no labels to group by: its type is {kind}")
    if isinstance(kind, polars.Enum):
        column.ordered = True
        codes, dictionary = series.to_physical(), _polars_dictionary(kind.categories)
    elif isinstance(kind, polars.Categorical):
        # The codes are the process's: labels of other columns may lie between, and only those that occur are read.
        codes, distinct = series.to_physical(), series.unique().drop_nulls()
        numbers = distinct.to_physical().to_numpy().astype(np.intp)
        texts = _polars_texts(distinct.cast(polars.String))
        place = np.zeros(numbers.max() + 1 if len(numbers) else 0, dtype=np.intp)
        place[numbers] = np.arange(len(numbers))
        dictionary = Dictionary(len(place), lambda places: texts.take(place[places]))
    elif kind in (polars.String, polars.Null):
        series = series.cast(polars.String)
        if mostly_differ(series, lambda some: some.to_list()):
            return text_column(
                name, _polars_texts(series), series.is_null().to_numpy() if series.null_count() else None
            )
        distinct = series.unique().drop_nulls()
        codes, dictionary = series.cast(polars.Enum(distinct)).to_physical(), _polars_dictionary(distinct)
    elif str(kind) in _POLARS_WORDS and not series.null_count() and are_many(series.to_numpy()):
        return encode_array(name, series.to_numpy())
    else:
        distinct = series.unique().drop_nulls()
        numbers = polars.int_range(len(distinct), dtype=polars.UInt32, eager=True)
        try:
            codes = series.replace_strict(distinct, numbers, default=None, return_dtype=polars.UInt32)
        except polars.exceptions.ComputeError:
            # Older versions do not look up numbers of 128 bits.
            return encode_array(name, series.to_list())
        dictionary = _polars_dictionary(distinct)
    if codes.null_count():
        codes = codes.cast(polars.Int64).fill_null(-1)
    for chunk in codes.get_chunks():
        column.add(chunk.to_numpy(allow_copy=False), dictionary)
    return column


def _polars_texts(series: Any) -> Texts:
    """Return texts one behind the other, without those that are null."""
    series = series.drop_nulls()
    lengths = series.str.len_bytes().to_numpy()
    bounds = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(lengths, dtype=np.uint64)])
    if bounds[-1] >= _LONGEST:
        return Texts.of(series.to_list())
    return Texts(np.frombuffer((series.str.join("").item() or "").encode(), dtype=np.uint8), bounds)


def _polars_dictionary(series: Any) -> Dictionary:
    if str(series.dtype) == "String" and not series.null_count():
        return dictionary_of(_polars_texts(series), different=True)
    return Dictionary(len(series), lambda places: _polars_labels(series.gather(places)))


def _polars_labels(series: Any) -> Labels:
    kind = series.dtype
    wide = kind.is_integer() and str(kind) not in ("Int128", "UInt128")
    if kind.is_temporal() or kind.is_float() or (wide and not series.null_count()):
        labels: Labels = series.to_numpy()
        return labels
    return list(series.to_list())
