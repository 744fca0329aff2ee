"""Tables in files: parquet, CSV, Arrow and Feather, of which only the columns that are asked for are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from cascade_sampler._tables import csv
from cascade_sampler._tables.errors import message_of

#: Format by the end of a file's name.
FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".tab": "csv",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}

_MAGIC = b"ARROW1"
_FEATHER_1 = b"FEA1"


def read(
    path: Path,
    wanted: Callable[[Sequence[str]], Sequence[str]],
    *,
    times: Collection[str] = (),
    form: csv.Form | None = None,
) -> Any:
    """Read some columns of a file.

    Parameters
    ----------
    path : Path
        The format goes by the end of its name; ``.csv.gz`` is unpacked on the way. Arrow and Feather files may be of
        Arrow's file format or of its stream format, whatever they are called.
    wanted : callable
        Is given the names of the file's columns, and returns those to read.
    times : collection of str
        Columns of a CSV that are numbers, dates or durations; all others are text as it stands.
    form : csv.Form, optional
        How a CSV is written. Default: as the end of the name says.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    ValueError
        For an end that is not known, a file that is not what its end says or is damaged, a column that is there twice.
    OSError
        For a file that cannot be read.

    Notes
    -----
    An empty field of a CSV is a missing value; what stands in it otherwise ("NA", "null") is taken as it is.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory, not a file")
    name = path.name.lower()
    kind = next((FORMATS[end] for end in sorted(FORMATS, key=len, reverse=True) if name.endswith(end)), None)
    if kind is None:
        raise ValueError(f"{path.name}: the end of the name must be one of {', '.join(FORMATS)}")
    if kind == "csv":
        return csv.read(path, wanted, times, form or csv.Form())
    import pyarrow

    try:
        table = _parquet(path, wanted) if kind == "parquet" else _arrow(path, wanted)
        # A damaged file may be read without an error, and crash the process once its values are looked at.
        table.validate(full=True)
    except (pyarrow.ArrowException, UnicodeDecodeError, EOFError) as error:
        raise ValueError(f"{path.name} is damaged, or no {kind.capitalize()} file: {message_of(error)}") from None
    except OSError as error:
        if error.errno is not None:
            raise
        # Arrow's own, for a file that ends too early.
        raise ValueError(f"{path.name} is damaged, or no {kind.capitalize()} file: {message_of(error)}") from None
    return table


def _parquet(path: Path, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Any:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
        return file.read(columns=_chosen(path, names, wanted), use_threads=True)


def _arrow(path: Path, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Any:
    import pyarrow
    import pyarrow.feather

    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
    if start.startswith(_FEATHER_1):
        table = pyarrow.feather.read_table(path)
        return table.select(_chosen(path, table.schema.names, wanted))
    is_file = start == _MAGIC
    # Read and not mapped: a mapping has no bytes of its own, and a file that shrinks beneath it is a crash.
    with pyarrow.OSFile(str(path)) as source:
        names = (pyarrow.ipc.open_file(source) if is_file else pyarrow.ipc.open_stream(source)).schema.names
    columns = _chosen(path, names, wanted)
    options = pyarrow.ipc.IpcReadOptions(included_fields=[names.index(column) for column in columns])
    with pyarrow.OSFile(str(path)) as source:
        if is_file:
            return pyarrow.ipc.open_file(source, options=options).read_all().select(columns)
        return pyarrow.ipc.open_stream(source, options=options).read_all().select(columns)


def _chosen(path: Path, names: Sequence[str], wanted: Callable[[Sequence[str]], Sequence[str]]) -> list[str]:
    columns = list(wanted(names))
    csv.refuse_doubled(path, names, columns)
    return columns
