"""Arrow columns as codes, chunk by chunk: those of pyarrow, of streams, and of all that speaks Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np

from cascade_sampler._tables.arrays import encode_array, text_column
from cascade_sampler._tables.codes import Codes, Column, Dictionary, Labels
from cascade_sampler._tables.joined import Texts
from cascade_sampler._tables.libraries import loaded
from cascade_sampler._tables.numeric import are_many, mostly_differ
from cascade_sampler._tables.shown import shown


def encode_arrow(name: Any, values: Any) -> Column:
    """Return the codes of a pyarrow array, chunked or not."""
    chunks = list(values.chunks) if hasattr(values, "chunks") else [values]
    if values.type in text_types() and mostly_differ(values, lambda some: some.to_pylist()):
        missing = values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None
        return text_column(name, Texts.joined([texts_of(chunk.drop_null()) for chunk in chunks]), missing)
    if values.type in _word_types() and not values.null_count:
        words = values.to_numpy()
        if are_many(words):
            return encode_array(name, words)
    column = ArrowColumn(name, values.type)
    for chunk in _encoded_chunks(values) if hasattr(values, "chunks") else chunks:
        column.append(chunk)
    return column.column


def texts_of(array: Any) -> Texts:
    """Return an Arrow array of texts or bytes without nulls, neither views nor of fixed size, as it lies in memory."""
    # Bytes that are no UTF-8 are an error here, and not when somebody asks for the label.
    array.validate(full=True)
    types = loaded("pyarrow").types
    long = types.is_large_string(array.type) or types.is_large_binary(array.type)
    _, bounds, data = array.buffers()
    found: Any = np.zeros(1, dtype=np.int64)
    if len(array):
        found = np.frombuffer(bounds, np.int64 if long else np.int32)[array.offset : array.offset + len(array) + 1]
    kind = str if types.is_string(array.type) or types.is_large_string(array.type) else bytes
    return Texts(np.frombuffer(data or b"", dtype=np.uint8), found.astype(np.uint64), kind)


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
        self.column.add(_copied(codes, self._dictionary.size) if self._own else codes, self._dictionary)


def _copied(codes: Codes, labels: int) -> Codes:
    """Return codes in memory of their own, in as few bytes each as the labels need."""
    least = np.min_scalar_type(-max(labels, 1))
    return codes.astype(least if least.itemsize < codes.dtype.itemsize else codes.dtype)


def simple(array: Any) -> Any:
    """Return an Arrow array as one that has kernels: no extension, runs, views, narrow decimals or nothing but nulls.

    A dictionary stays one; its values are made simple.
    """
    import pyarrow
    import pyarrow.compute

    types = pyarrow.types
    if isinstance(array, pyarrow.ExtensionArray):
        return simple(array.storage)
    if types.is_run_end_encoded(array.type):
        return simple(_without_runs(array))
    if types.is_dictionary(array.type):
        values = simple(array.dictionary)
        if types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if values is array.dictionary:
            return array
        return pyarrow.DictionaryArray.from_arrays(array.indices, values, ordered=array.type.ordered)
    if types.is_null(array.type) or _is(types, "is_string_view", array.type):
        return array.cast(pyarrow.large_string())
    if _is(types, "is_binary_view", array.type):
        return array.cast(pyarrow.large_binary())
    if _is(types, "is_decimal32", array.type) or _is(types, "is_decimal64", array.type):
        return array.cast(pyarrow.decimal128(38, array.type.scale))
    return array


def _without_runs(array: Any) -> Any:
    """Return a run-end encoded array row by row, whatever its values are."""
    import pyarrow

    ends = array.run_ends.to_numpy()
    rows = np.arange(array.offset, array.offset + len(array))
    # The runs of a slice are those of the whole.
    places = np.searchsorted(ends, rows, side="right")
    values = simple(array.values)
    if pyarrow.types.is_dictionary(values.type):
        indices = values.indices.take(pyarrow.array(places))
        return pyarrow.DictionaryArray.from_arrays(indices, values.dictionary, ordered=values.type.ordered)
    return values.take(pyarrow.array(places))


def _encoded_chunk(name: Any, chunk: Any) -> Any:
    import pyarrow

    types = pyarrow.types
    found = chunk.type
    try:
        chunk = simple(chunk)
        if not types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_encode()
    except pyarrow.ArrowNotImplementedError:
        raise TypeError(f"column {shown(name)} has no labels to group by: its type is {found}") from None
    kind = chunk.type.value_type
    if types.is_nested(kind) or types.is_time(kind) or _is(types, "is_interval", kind):
        raise TypeError(f"column {shown(name)} has no labels to group by: its type is {found}")
    return chunk


def _is(types: Any, question: str, kind: Any) -> bool:
    # Older versions have neither the type nor the question.
    return bool(getattr(types, question, lambda _: False)(kind))


def text_types() -> list[Any]:
    """Return the types whose texts, or bytes, lie one behind the other."""
    pyarrow = loaded("pyarrow")
    return [pyarrow.string(), pyarrow.large_string(), pyarrow.binary(), pyarrow.large_binary()]


def _word_types() -> list[Any]:
    pyarrow = loaded("pyarrow")
    names = ("int16", "int32", "int64", "uint16", "uint32", "uint64", "float32", "float64")
    return [getattr(pyarrow, name)() for name in names]


def _arrow_dictionary(values: Any) -> Dictionary:
    return Dictionary(len(values), lambda places: _arrow_labels(values.take(loaded("pyarrow").array(places))))


def _arrow_labels(dictionary: Any) -> Labels:
    types = loaded("pyarrow").types
    kind = dictionary.type
    if kind in text_types() and not dictionary.null_count:
        return texts_of(dictionary)
    if types.is_temporal(kind) or types.is_floating(kind) or (types.is_integer(kind) and not dictionary.null_count):
        # What is null becomes NaN or NaT.
        labels: Labels = dictionary.to_numpy(zero_copy_only=False)
        return labels
    return list(dictionary.to_pylist())


def _encoded_chunks(column: Any) -> list[Any]:
    """Return the chunks of a chunked array, encoded all at once where they are not yet."""
    pyarrow = loaded("pyarrow")
    try:
        return list(column.chunks if pyarrow.types.is_dictionary(column.type) else column.dictionary_encode().chunks)
    except pyarrow.ArrowNotImplementedError:
        return list(column.chunks)
