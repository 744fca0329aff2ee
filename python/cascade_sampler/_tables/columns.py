"""Columns as codes: each kind of column read by its own library, without a copy where it holds codes already.

Why no dataframe library stands between: what differs most between pandas, polars and Arrow is what is needed most here,
the codes of a categorical column as they lie in memory and a fast factorisation, and neither is in the interface of
narwhals, the best kept of the go-betweens. Each column is therefore asked in its own library's words, a few lines each,
and everything else that speaks Arrow comes in through pyarrow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cascade_sampler._tables import labels as _labels
from cascade_sampler._tables.arrays import encode_array
from cascade_sampler._tables.arrow import encode_arrow
from cascade_sampler._tables.codes import Column, Dictionary, narrow
from cascade_sampler._tables.libraries import library, loaded


def encode(name: Any, values: Any) -> Column:
    """Return the codes of one column of any library.

    Raises
    ------
    ValueError
        For a column that is not one-dimensional.
    TypeError
        For a column of a type that has no labels, such as lists or complex numbers.
    """
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
    if isinstance(dtype, pandas.ArrowDtype):
        pyarrow = loaded("pyarrow")
        arrow = array.__arrow_array__()
        return encode_arrow(name, arrow if isinstance(arrow, pyarrow.ChunkedArray) else pyarrow.chunked_array([arrow]))
    column = Column(name)
    if isinstance(dtype, pandas.CategoricalDtype):
        column.ordered = True
        codes, uniques = array.codes, array.categories
    else:
        codes, uniques = pandas.factorize(array)
        codes = narrow(codes, len(uniques))
    index = pandas.Index(uniques)
    column.add(codes, Dictionary(len(index), lambda places: _pandas_labels(pandas, index.take(places))))
    return column


def _pandas_labels(pandas: Any, index: Any) -> list[Any]:
    if isinstance(index, pandas.DatetimeIndex) and index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    # The type beneath a nullable one: its floats must not be widened, or their text is another.
    dtype = getattr(index.dtype, "numpy_dtype", index.dtype)
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        return _labels.from_array(index.to_numpy(dtype=dtype))
    return list(index.tolist())


def _encode_polars(polars: Any, name: Any, series: Any) -> Column:
    column = Column(name)
    kind = series.dtype
    if kind.is_nested() or kind in (polars.Object, polars.Time):
        raise TypeError(f"column {name!r} has no labels to group by: its type is {kind}")
    if isinstance(kind, polars.Enum):
        column.ordered = True
        codes, dictionary = series.to_physical(), _polars_dictionary(kind.categories)
    elif isinstance(kind, polars.Categorical):
        # The codes are the process's: labels of other columns may lie between, and only those that occur are read.
        codes, distinct = series.to_physical(), series.unique().drop_nulls()
        texts = dict(zip(distinct.to_physical().to_list(), distinct.cast(polars.String).to_list(), strict=True))
        dictionary = Dictionary(max(texts, default=-1) + 1, lambda places: [texts[code] for code in places.tolist()])
    elif kind in (polars.String, polars.Null):
        series = series.cast(polars.String)
        distinct = series.unique().drop_nulls()
        codes, dictionary = series.cast(polars.Enum(distinct)).to_physical(), _polars_dictionary(distinct)
    else:
        distinct = series.unique().drop_nulls()
        numbers = polars.int_range(len(distinct), dtype=polars.UInt32, eager=True)
        codes = series.replace_strict(distinct, numbers, default=None, return_dtype=polars.UInt32)
        dictionary = _polars_dictionary(distinct)
    if codes.null_count():
        codes = codes.cast(polars.Int64).fill_null(-1)
    for chunk in codes.get_chunks():
        column.add(chunk.to_numpy(allow_copy=False), dictionary)
    return column


def _polars_dictionary(series: Any) -> Dictionary:
    return Dictionary(len(series), lambda places: _polars_labels(series.gather(places)))


def _polars_labels(series: Any) -> list[Any]:
    if series.dtype.is_temporal() or series.dtype.is_float():
        return _labels.from_array(series.to_numpy())
    return list(series.to_list())
