"""Tables: how many rows, which columns, and the codes of the columns that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.arrow import ArrowColumn
from cascade_sampler._tables.codes import Column
from cascade_sampler._tables.columns import encode
from cascade_sampler._tables.errors import column_errors
from cascade_sampler._tables.libraries import loaded, major
from cascade_sampler._tables.refused import refuse
from cascade_sampler._tables.shown import shown
from cascade_sampler._tables.times import Times, arrow_times, read_times

_ACCEPTED = (
    "a pandas or polars DataFrame, a pyarrow Table, a Hugging Face Dataset, anything with the Arrow stream interface, "
    "or a mapping of column names to one-dimensional arrays"
)
_VIEWS_SINCE = 25


@dataclass(frozen=True)
class Contents:
    """What was asked of a table: its number of rows, a column of codes a name, and the times."""

    rows: int
    columns: dict[Any, Column]
    times: Times | None


@dataclass(frozen=True)
class Table:
    """A table that can be read once: its names, its rows where they are known before, and its columns."""

    names: Sequence[Any]
    rows: int | None
    read: Callable[[Sequence[Any], Any], Contents]
    """Encode the named columns, and read the times of the one that is named last (None: of none)."""
    index: Sequence[Any] = ()
    """Names of an index, which are no columns."""
    shuffled_index: bool = False
    """Whether the index holds the row numbers in another order than that of the rows."""


def open_table(
    source: Any, argument: str = "valid_anchors", watched: Callable[[Iterable[Any]], Iterable[Any]] = iter
) -> Table:
    """Recognise a table without reading it.

    Parameters
    ----------
    source : table
        Of any library.
    argument : str
        The argument it was given as, for errors.
    watched : callable
        Of a stream the record batches go through it.

    Raises
    ------
    TypeError
        For anything that is no table, or a lazy one.
    ValueError
        For a mapping whose columns are not equally long.
    """
    refuse(source, argument, _ACCEPTED)
    if loaded("narwhals") and hasattr(source, "to_native"):
        source = source.to_native()
    pandas, polars, pyarrow = loaded("pandas"), loaded("polars"), loaded("pyarrow")
    if isinstance(source, Mapping):
        return _from_mapping(source, argument)
    if pandas and isinstance(source, pandas.DataFrame):
        return _from_pandas(pandas, source)
    if polars and isinstance(source, polars.DataFrame):
        return _from_columns(source.columns, source.height, source.get_column)
    if pyarrow and isinstance(source, (pyarrow.Table, pyarrow.RecordBatch)):
        return _from_columns(source.schema.names, source.num_rows, lambda name: _arrow_column(source, name))
    datasets = loaded("datasets")
    if datasets and isinstance(source, datasets.Dataset):
        return _from_columns(source.column_names, len(source), lambda name: _dataset_column(source, name))
    if hasattr(source, "__arrow_c_stream__"):
        return _from_stream(source, argument, watched)
    raise TypeError(f"{argument} must be {_ACCEPTED}, got {type(source).__name__}")


def _from_columns(names: Sequence[Any], rows: int, get: Callable[[Any], Any], **more: Any) -> Table:
    def read(wanted: Sequence[Any], time: Any) -> Contents:
        columns = {}
        for name in wanted:
            with column_errors(name):
                columns[name] = encode(name, get(name))
                _check_rows(name, len(columns[name]), rows)
        if time is None:
            return Contents(rows, columns, None)
        with column_errors(time):
            times = read_times(time, get(time))
            _check_rows(time, sum(map(len, times.chunks)), rows)
        return Contents(rows, columns, times)

    return Table(names, rows, read, **more)


def _check_rows(name: Any, found: int, rows: int) -> None:
    if found != rows:
        raise ValueError(f"column {shown(name)} has {found} rows, and the table has {rows}")


def _from_pandas(pandas: Any, frame: Any) -> Table:
    def column(name: Any) -> Any:
        found = frame[name]
        if found.ndim != 1:
            raise _doubled(name)
        return found

    index = frame.index
    names = [name for name in index.names if name is not None]
    return _from_columns(
        list(frame.columns), len(index), column, index=names, shuffled_index=_is_shuffled(pandas, index)
    )


def _is_shuffled(pandas: Any, index: Any) -> bool:
    """Whether an index is a permutation of 0 .. N-1 other than 0 .. N-1 itself."""
    rows = len(index)
    if isinstance(index, pandas.RangeIndex):
        return rows > 1 and index.step == -1 and index.start == rows - 1
    if index.nlevels > 1 or not isinstance(index.dtype, np.dtype) or index.dtype.kind not in "iu" or not rows:
        return False
    numbers = np.asarray(index)
    if numbers.min() != 0 or numbers.max() != rows - 1 or np.array_equal(numbers, np.arange(rows)):
        return False
    seen = np.zeros(rows, dtype=bool)
    seen[numbers] = True
    return bool(seen.all())


def _doubled(name: Any) -> ValueError:
    return ValueError(f"column {shown(name)} must be one-dimensional: the table has several columns of that name")


def _arrow_column(table: Any, name: Any) -> Any:
    if table.schema.names.count(name) > 1:
        raise _doubled(name)
    return table.column(name)


def _dataset_column(dataset: Any, name: Any) -> Any:
    # Asked in this way it heeds the rows that were selected; dataset.data does not.
    column = dataset.select_columns([name]).with_format("arrow")[:].column(name)
    feature = dataset.features[name]
    return _class_labels(name, column, feature.names) if type(feature).__name__ == "ClassLabel" else column


def _class_labels(name: Any, column: Any, names: Sequence[str]) -> Any:
    """Return numbers of classes as a dictionary of their names, in the order of the numbers; -1 is no label there."""
    import pyarrow
    import pyarrow.compute

    found = pyarrow.compute.min_max(column).as_py()
    if found["max"] is not None and not (found["min"] >= -1 and found["max"] < len(names)):
        raise ValueError(
            f"column {shown(name)} is a ClassLabel of {len(names)} names and holds the numbers {found['min']} to "
            f"{found['max']}"
        )
    chunks = [
        pyarrow.DictionaryArray.from_arrays(
            pyarrow.compute.if_else(pyarrow.compute.less(chunk, 0), None, chunk).cast(pyarrow.int32()),
            pyarrow.array(names, pyarrow.string()),
            ordered=True,
        )
        for chunk in column.chunks
    ]
    kind = pyarrow.dictionary(pyarrow.int32(), pyarrow.string(), ordered=True)
    return pyarrow.chunked_array(chunks, kind)


def _from_mapping(source: Mapping[Any, Any], argument: str) -> Table:
    # What has no rows, a note beside the columns, is no column; asked for as one it is refused when it is read.
    lengths = {}
    for name, values in source.items():
        with column_errors(name):
            found = _rows_of(values)
        if found is not None:
            lengths[name] = found
    if source and not lengths:
        name, values = next(iter(source.items()))
        raise ValueError(
            f"no column of {argument} has rows: each must be a one-dimensional array or a list, and {shown(name)} is "
            f"{_what(values)}"
        )
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{shown(name)}: {length}" for name, length in list(lengths.items())[:10])
        raise ValueError(f"the columns of {argument} must be equally long, got {listed}")
    return _from_columns(list(source), next(iter(lengths.values()), 0), source.__getitem__)


def _rows_of(values: Any) -> int | None:
    """Return how many rows a column has: by its shape where it has one, since not every array has a length."""
    if isinstance(values, (str, bytes, Mapping)):
        return None
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple):
        return int(shape[0]) if shape and isinstance(shape[0], (int, np.integer)) else None
    if hasattr(values, "__len__"):
        return len(values)
    return _rows_of(np.asarray(values)) if hasattr(values, "__array__") else None


def _what(values: Any) -> str:
    kind = type(values).__name__
    return f"an array of shape {values.shape}" if hasattr(values, "shape") else f"of type {kind}"


def _from_stream(source: Any, argument: str, watched: Callable[[Iterable[Any]], Iterable[Any]]) -> Table:
    try:
        import pyarrow
    except ImportError:
        raise ImportError(
            f"a {type(source).__name__} is read through the Arrow stream interface, which takes pyarrow: "
            "install it, or hand over a mapping of column names to arrays"
        ) from None
    try:
        reader = pyarrow.RecordBatchReader.from_stream(source)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, TypeError) as error:
        raise TypeError(f"{argument} must be {_ACCEPTED}, got {type(source).__name__}: {error}") from None
    if major(pyarrow) < _VIEWS_SINCE:
        refuse_views(reader.schema, pyarrow.__version__)
    return table_of_batches(reader.schema, watched(reader))


def refuse_views(schema: Any, version: str) -> None:
    """Raise where a stream has a column of views, whose import ends the process in older versions of pyarrow."""
    views = [name for name, kind in zip(schema.names, schema.types, strict=True) if "_view" in str(kind)]
    if views:
        raise TypeError(
            f"column {shown(views[0])} is of {schema.field(views[0]).type}, which pyarrow {version} cannot read from a "
            f"stream: install pyarrow {_VIEWS_SINCE} or newer, or hand the column over as string or binary"
        )


def table_of_batches(schema: Any, batches: Iterable[Any]) -> Table:
    """Return record batches of Arrow as a table, which is read once and batch by batch: each is let go of."""

    def read(wanted: Sequence[Any], time: Any) -> Contents:
        for name in [*wanted, *([] if time is None else [time])]:
            if schema.names.count(name) > 1:
                raise _doubled(name)
        rows = 0
        columns = {name: ArrowColumn(name, schema.field(name).type, own=True) for name in wanted}
        moments: list[NDArray[Any]] = []
        for batch in batches:
            rows += batch.num_rows
            for name, column in columns.items():
                with column_errors(name):
                    column.append(batch.column(name))
            if time is not None:
                with column_errors(time):
                    # A chunk shares its memory with the columns beside it, which are let go.
                    moments += [chunk.copy() for chunk in arrow_times(time, [batch.column(time)]).chunks]
        encoded = {name: column.column for name, column in columns.items()}
        return Contents(rows, encoded, None if time is None else Times(time, moments))

    return Table(schema.names, None, read)
