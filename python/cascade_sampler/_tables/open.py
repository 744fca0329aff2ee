"""Tables: how many rows, which columns, and the codes of the columns that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cascade_sampler._tables.arrow import ArrowColumn
from cascade_sampler._tables.codes import Column
from cascade_sampler._tables.columns import encode
from cascade_sampler._tables.libraries import loaded
from cascade_sampler._tables.times import Times, arrow_times, read_times

_ACCEPTED = (
    "a pandas or polars DataFrame, a pyarrow Table, a Hugging Face Dataset, anything with the Arrow stream interface, "
    "or a mapping of column names to one-dimensional arrays"
)


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


def open_table(source: Any, argument: str = "valid_anchors") -> Table:
    """Recognise a table without reading it; errors call it by the name of the argument it was given as.

    Raises
    ------
    TypeError
        For anything that is no table, or a lazy one.
    ValueError
        For a mapping whose columns are not equally long.
    """
    torch = loaded("torch")
    if torch and isinstance(source, torch.utils.data.Sampler):
        raise TypeError(
            f"{argument} must be {_ACCEPTED}, got the sampler {type(source).__name__}: a framework has rebuilt the "
            "batch sampler around one of its own. Lightning: pass Trainer(use_distributed_sampler=False); "
            "trainer.predict rebuilds even so, there take DataLoader(dataset, sampler=sampler, batch_size=None)"
        )
    if loaded("narwhals") and hasattr(source, "to_native"):
        source = source.to_native()
    pandas, polars, pyarrow = loaded("pandas"), loaded("polars"), loaded("pyarrow")
    if isinstance(source, Mapping):
        return _from_mapping(source, argument)
    if pandas and isinstance(source, pandas.DataFrame):
        return _from_columns(list(source.columns), len(source.index), lambda name: _pandas_column(source, name))
    if polars and isinstance(source, polars.DataFrame):
        return _from_columns(source.columns, source.height, source.get_column)
    if pyarrow and isinstance(source, (pyarrow.Table, pyarrow.RecordBatch)):
        return _from_columns(source.schema.names, source.num_rows, lambda name: _arrow_column(source, name))
    datasets = loaded("datasets")
    if datasets and isinstance(source, datasets.Dataset):
        return _from_columns(source.column_names, len(source), lambda name: _dataset_column(source, name))
    if _is_lazy(source):
        raise TypeError(
            f"{argument} is lazy ({type(source).__module__}.{type(source).__name__}): collect it first, "
            "for instance with .collect() or .compute(), and hand over the result"
        )
    if hasattr(source, "__arrow_c_stream__"):
        return _from_stream(source, argument)
    raise TypeError(f"{argument} must be {_ACCEPTED}, got {type(source).__name__}")


def _is_lazy(source: Any) -> bool:
    polars = loaded("polars")
    if polars and isinstance(source, polars.LazyFrame):
        return True
    methods = ("collect", "compute")
    return not hasattr(source, "__arrow_c_stream__") and any(callable(getattr(source, name, None)) for name in methods)


def _from_columns(names: Sequence[Any], rows: int, get: Callable[[Any], Any]) -> Table:
    def read(wanted: Sequence[Any], time: Any) -> Contents:
        columns = {name: encode(name, get(name)) for name in wanted}
        return Contents(rows, columns, None if time is None else read_times(time, get(time)))

    return Table(names, rows, read)


def _pandas_column(frame: Any, name: Any) -> Any:
    column = frame[name]
    if column.ndim != 1:
        raise ValueError(f"column {name!r} must be one-dimensional: the table has several columns of that name")
    return column


def _arrow_column(table: Any, name: Any) -> Any:
    if table.schema.names.count(name) > 1:
        raise ValueError(f"column {name!r} must be one-dimensional: the table has several columns of that name")
    return table.column(name)


def _dataset_column(dataset: Any, name: Any) -> Any:
    # Asked in this way it heeds the rows that were selected; dataset.data does not.
    return dataset.select_columns([name]).with_format("arrow")[:].column(name)


def _from_mapping(source: Mapping[Any, Any], argument: str) -> Table:
    # What has no rows, a note beside the columns, is no column; asked for as one it is refused when it is read.
    lengths = {name: len(values) for name, values in source.items() if _has_rows(values)}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name!r}: {length}" for name, length in list(lengths.items())[:10])
        raise ValueError(f"the columns of {argument} must be equally long, got {shown}")
    return _from_columns(list(source), next(iter(lengths.values()), 0), source.__getitem__)


def _has_rows(values: Any) -> bool:
    return hasattr(values, "__len__") and not isinstance(values, (str, bytes)) and getattr(values, "ndim", 1) > 0


def _from_stream(source: Any, argument: str) -> Table:
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

    def read(wanted: Sequence[Any], time: Any) -> Contents:
        for name in [*wanted, *([] if time is None else [time])]:
            if reader.schema.names.count(name) > 1:
                raise ValueError(f"column {name!r} must be one-dimensional: the table has several columns of that name")
        rows = 0
        columns = {name: ArrowColumn(name, reader.schema.field(name).type, own=True) for name in wanted}
        moments: list[NDArray[Any]] = []
        for batch in reader:
            rows += batch.num_rows
            for name, column in columns.items():
                column.append(batch.column(name))
            if time is not None:
                # A chunk shares its memory with the columns beside it, which are let go.
                moments += [chunk.copy() for chunk in arrow_times(time, [batch.column(time)]).chunks]
        encoded = {name: column.column for name, column in columns.items()}
        return Contents(rows, encoded, None if time is None else Times(time, moments))

    return Table(reader.schema.names, None, read)
