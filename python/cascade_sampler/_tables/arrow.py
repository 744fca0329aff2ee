"""Arrow columns as codes, chunk by chunk: those of pyarrow, of streams, and of all that speaks Arrow."""

from __future__ import annotations

from typing import Any

from cascade_sampler._tables import labels as _labels
from cascade_sampler._tables.codes import Column, Dictionary
from cascade_sampler._tables.libraries import loaded


def encode_arrow(name: Any, values: Any) -> Column:
    """Return the codes of a pyarrow array, chunked or not."""
    column = ArrowColumn(name, values.type)
    for chunk in _encoded_chunks(values) if hasattr(values, "chunks") else [values]:
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


def _encoded_chunks(column: Any) -> list[Any]:
    """Return the chunks of a chunked array, encoded all at once where they are not yet."""
    pyarrow = loaded("pyarrow")
    try:
        return list(column.chunks if pyarrow.types.is_dictionary(column.type) else column.dictionary_encode().chunks)
    except pyarrow.ArrowNotImplementedError:
        return list(column.chunks)
