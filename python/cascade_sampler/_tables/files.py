"""Tables in files: parquet, CSV, Arrow and Feather, of which only the columns that are asked for are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

#: Format by the end of a file's name.
FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


def read(path: Path, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Any:
    """Read some columns of a file.

    Parameters
    ----------
    path : Path
        The format goes by the end of its name; ``.csv.gz`` is unpacked on the way.
    wanted : callable
        Is given the names of the file's columns, and returns those to read.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    ValueError
        For an end that is not known, or a file that is not what its end says.
    OSError
        For a file that cannot be read.

    Notes
    -----
    An empty field of a CSV is a missing value; what stands in it otherwise ("NA", "null") is taken as it is.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory, not a file")
    name = path.name.lower()
    form = next((FORMATS[end] for end in sorted(FORMATS, key=len, reverse=True) if name.endswith(end)), None)
    if form is None:
        raise ValueError(f"{path.name}: the end of the name must be one of {', '.join(FORMATS)}")
    if form == "csv":
        return _csv(path, wanted)
    return _dataset(path, form, wanted)


def _csv(path: Path, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Any:
    import pyarrow.csv

    with pyarrow.csv.open_csv(path) as reader:
        names = reader.schema.names
    columns = list(wanted(names))
    options = pyarrow.csv.ConvertOptions(include_columns=columns, strings_can_be_null=True, null_values=[""])
    return pyarrow.csv.read_csv(path, convert_options=options)


def _dataset(path: Path, form: str, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Any:
    import pyarrow.dataset

    source = pyarrow.dataset.dataset(path, format=form)
    return source.to_table(columns=list(wanted(source.schema.names)))
