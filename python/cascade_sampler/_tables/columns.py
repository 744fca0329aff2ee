"""Columns as codes: each kind of column read by its own library, without a copy where it holds codes already.

Why no dataframe library stands between: what differs most between pandas, polars and Arrow is what is needed most here,
the codes of a categorical column as they lie in memory and a fast factorisation, and neither is in the interface of
narwhals, the best kept of the go-betweens. Each column is therefore asked in its own library's words, a few lines each,
and everything else that speaks Arrow comes in through pyarrow.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables import labels as _labels

Codes = NDArray[Any]


@dataclass
class Dictionary:
    """What codes stand for: `size` labels, of which `take` returns those at the places it is given."""

    size: int
    take: Callable[[NDArray[np.intp]], list[Any]]


@dataclass
class Column:
    """Codes of the rows, negative where a label is missing, in chunks that each name their dictionary by its place."""

    name: Any
    ordered: bool = False
    chunks: list[tuple[Codes, int]] = field(default_factory=list)
    dictionaries: list[Dictionary] = field(default_factory=list)

    def add(self, codes: Codes, dictionary: Dictionary) -> None:
        """Append a chunk; where it shares the dictionary of the last one, that is kept once."""
        if not self.dictionaries or self.dictionaries[-1] is not dictionary:
            self.dictionaries.append(dictionary)
        # The core reads one-dimensional, aligned, native memory; what is that already is not copied.
        self.chunks.append((np.require(native(codes), requirements=["C", "A"]), len(self.dictionaries) - 1))

    def __len__(self) -> int:
        return sum(len(codes) for codes, _ in self.chunks)


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in this machine's byte order."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def loaded(module: str) -> Any:
    """Return a module where something has imported it: only then can an object of its types exist."""
    return sys.modules.get(module)


def library(values: Any) -> tuple[str, Any]:
    """Say whose column this is, "pandas", "polars", "pyarrow" or "numpy" for all else, and return it unwrapped."""
    if hasattr(values, "to_native") and loaded("narwhals"):
        values = values.to_native()
    pandas, polars, pyarrow = loaded("pandas"), loaded("polars"), loaded("pyarrow")
    if pandas and isinstance(values, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)):
        return "pandas", values
    if polars and isinstance(values, polars.Series):
        return "polars", values
    if pyarrow and isinstance(values, (pyarrow.ChunkedArray, pyarrow.Array)):
        return "pyarrow", values
    return "numpy", values


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
        return encode_arrow(name, values.type, _encoded_chunks(values) if hasattr(values, "chunks") else [values])
    return _encode_array(name, values)


def _encode_array(name: Any, values: Any) -> Column:
    # A list of mixed types would become text without a word if numpy chose the type.
    try:
        array = np.fromiter(values, object, len(values)) if isinstance(values, (list, tuple)) else np.asanyarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"column {name!r} cannot be read as an array: {error}") from None
    if array.ndim != 1:
        raise ValueError(f"column {name!r} must be one-dimensional, got shape {array.shape}")
    masked = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
    array = np.asarray(array)
    column = Column(name)
    codes, uniques = _factorize_array(name, array)
    if masked is not None:
        codes = np.where(masked, -1, codes)
    dictionary = Dictionary(len(uniques), lambda places: _labels.from_array(uniques[places]))
    column.add(_narrow(codes, dictionary.size), dictionary)
    return column


def _factorize_array(name: Any, array: NDArray[Any]) -> tuple[Codes, NDArray[Any]]:
    """Return a code for each entry, -1 for a missing one, and what the codes stand for."""
    kind = array.dtype.kind
    if kind in "mM":
        # As whole ticks, so that no library rounds them to a unit of its own.
        if np.datetime_data(array.dtype)[0] == "generic" or (kind == "m" and array.dtype.str[3:] in ("[Y]", "[M]")):
            raise TypeError(f"column {name!r} has times without a fixed unit ({array.dtype}): give it one, such as [D]")
        moments = native(array)
        codes, ticks = _factorize_array(name, moments.view(np.int64))
        return np.where(np.isnat(moments), -1, codes), ticks.view(moments.dtype)
    if kind not in "biufSUOT" or (kind == "f" and array.dtype.itemsize > 8):
        raise TypeError(f"column {name!r} has no labels to group by: its type is {array.dtype}")
    if kind == "f" and array.dtype.itemsize == 2:
        codes, wide = _factorize_array(name, array.astype(np.float32))
        return codes, wide.astype(array.dtype)
    array = native(array)
    try:
        import pandas
    except ImportError:
        return _factorize_by_sorting(name, array)
    if kind in "SUT":
        array = array.astype(object)
    try:
        codes, uniques = pandas.factorize(array)
    except TypeError as error:
        raise TypeError(f"column {name!r} holds values that cannot be labels: {error}") from None
    return codes, np.asarray(uniques)


def _narrow(codes: Codes, labels: int) -> Codes:
    """Return codes that were made here in the narrowest signed integers: they are read several times."""
    return codes.astype(np.min_scalar_type(-max(labels, 1)), copy=False)


def _factorize_by_sorting(name: Any, array: NDArray[Any]) -> tuple[Codes, NDArray[Any]]:
    """Do what `pandas.factorize` does where pandas is not installed: slower, with equal results."""
    missing = np.zeros(len(array), dtype=bool)
    try:
        if array.dtype.kind in "fO":
            missing = np.asarray((array == None) | (array != array), dtype=bool)  # noqa: E711
        uniques, codes = np.unique(array[~missing], return_inverse=True)
        if array.dtype.kind == "O":
            hash(tuple(uniques))
    except (TypeError, ValueError) as error:
        raise TypeError(f"column {name!r} holds values that cannot be labels, or that do not sort: {error}") from None
    if not missing.any():
        return codes, uniques
    all_codes = np.full(len(array), -1, dtype=np.intp)
    all_codes[~missing] = codes
    return all_codes, uniques


def _encode_pandas(pandas: Any, name: Any, values: Any) -> Column:
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return _encode_array(name, np.asarray(values))
    array = values.array if hasattr(values, "array") else values
    if isinstance(dtype, pandas.ArrowDtype):
        pyarrow = loaded("pyarrow")
        arrow = array.__arrow_array__()
        chunked = arrow if isinstance(arrow, pyarrow.ChunkedArray) else pyarrow.chunked_array([arrow])
        return encode_arrow(name, chunked.type, _encoded_chunks(chunked))
    column = Column(name)
    if isinstance(dtype, pandas.CategoricalDtype):
        column.ordered = True
        codes, uniques = array.codes, array.categories
    else:
        codes, uniques = pandas.factorize(array)
        codes = _narrow(codes, len(uniques))
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


def _encoded_chunks(column: Any) -> list[Any]:
    """Return the chunks of a chunked array, encoded all at once where they are not yet."""
    pyarrow = loaded("pyarrow")
    try:
        return list(column.chunks if pyarrow.types.is_dictionary(column.type) else column.dictionary_encode().chunks)
    except pyarrow.ArrowNotImplementedError:
        return list(column.chunks)


def encode_arrow(name: Any, kind: Any, chunks: Iterable[Any]) -> Column:
    """Return the codes of an Arrow column of the type `kind`, chunk by chunk."""
    column = ArrowColumn(name, kind)
    for chunk in chunks:
        column.append(chunk)
    return column.column


class ArrowColumn:
    """An Arrow column that is encoded as its chunks come.

    Parameters
    ----------
    name : object
        Name of the column, for errors.
    kind : pyarrow.DataType
        Its type.
    own : bool, default False
        Whether codes are copied out of the chunks, which can then go: a chunk of a stream shares its memory with the
        columns beside it.
    """

    def __init__(self, name: Any, kind: Any, own: bool = False) -> None:
        pyarrow = loaded("pyarrow")
        self.column = Column(name, ordered=pyarrow.types.is_dictionary(kind) and kind.ordered)
        self._own = own
        self._values: Any = None
        self._dictionary: Dictionary | None = None

    def append(self, chunk: Any) -> None:
        """Encode one more chunk."""
        import pyarrow
        import pyarrow.compute

        if not len(chunk):
            return
        chunk = _encoded_chunk(self.column.name, chunk)
        # Chunks of one column mostly share a dictionary: then its labels are looked at once.
        if self._dictionary is None or not chunk.dictionary.equals(self._values):
            self._values = chunk.dictionary
            self._dictionary = _arrow_dictionary(chunk.dictionary)
        indices = chunk.indices
        if indices.null_count:
            indices = pyarrow.compute.fill_null(indices.cast(pyarrow.int64()), -1)
        codes = indices.to_numpy(zero_copy_only=True)
        self.column.add(codes.copy() if self._own else codes, self._dictionary)


def _encoded_chunk(name: Any, chunk: Any) -> Any:
    import pyarrow
    import pyarrow.compute

    types = pyarrow.types
    found = chunk.type
    try:
        if isinstance(chunk, pyarrow.ExtensionArray):
            chunk = chunk.storage
        if types.is_run_end_encoded(chunk.type):
            chunk = pyarrow.compute.run_end_decode(chunk)
        if types.is_null(chunk.type) or _is_view(types, chunk.type):
            chunk = chunk.cast(pyarrow.large_string())
        if not types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_encode()
        elif _is_view(types, chunk.type.value_type):
            # Views have no kernel that takes some of them.
            values = chunk.dictionary.cast(pyarrow.large_string())
            chunk = pyarrow.DictionaryArray.from_arrays(chunk.indices, values, ordered=chunk.type.ordered)
    except pyarrow.ArrowNotImplementedError:
        raise TypeError(f"column {name!r} has no labels to group by: its type is {found}") from None
    if types.is_nested(chunk.type.value_type) or types.is_time(chunk.type.value_type):
        raise TypeError(f"column {name!r} has no labels to group by: its type is {found}")
    return chunk


def _is_view(types: Any, kind: Any) -> bool:
    return bool(getattr(types, "is_string_view", lambda _: False)(kind))


def _arrow_dictionary(values: Any) -> Dictionary:
    return Dictionary(len(values), lambda places: _arrow_labels(values.take(places)))


def _arrow_labels(dictionary: Any) -> list[Any]:
    import pyarrow

    types = pyarrow.types
    kind = dictionary.type
    if types.is_temporal(kind) or types.is_floating(kind):
        missing = dictionary.is_null().to_numpy(zero_copy_only=False)
        found = _labels.from_array(dictionary.to_numpy(zero_copy_only=False))
        return [None if gone else label for label, gone in zip(found, missing, strict=True)]
    return list(dictionary.to_pylist())


def one_order(column: Column, labels: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Return the category order of an ordered column, given all labels of each of its dictionaries.

    Raises
    ------
    ValueError
        Where chunks disagree on it.
    """
    longest = max(labels, key=len)
    if any(list(longest[: len(each)]) != list(each) for each in labels):
        raise ValueError(
            f"column {column.name!r} is an ordered dictionary whose chunks list different categories, so they have no "
            "common order: unify the dictionaries, for instance with pyarrow's Table.unify_dictionaries()"
        )
    return longest
