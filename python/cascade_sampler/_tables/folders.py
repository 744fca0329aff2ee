"""Several files, and folders of them, as one table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

from cascade_sampler._tables import csv, files
from cascade_sampler._tables.clock import read_clock
from cascade_sampler._tables.errors import message_of
from cascade_sampler._tables.shown import shown

_NULL = "__HIVE_DEFAULT_PARTITION__"


def read(
    paths: Sequence[Path],
    wanted: Callable[[Sequence[str]], Sequence[str]],
    *,
    times: Collection[str] = (),
    form: csv.Form | None = None,
) -> Any:
    """Read some columns of files, one after the other.

    Parameters
    ----------
    paths : sequence of Path
        Files, and folders, whose files are taken in the order of their names, those in folders beneath too. What begins
        with ``.`` or ``_`` is passed over, as Hive, Spark and Arrow do. A folder called ``plate=7`` gives its files a
        column plate, with the text 7. So do the folders that a path itself names, such as
        ``plates/plate=7/rows.parquet``, for files that have no column plate of their own.
    wanted, times, form
        As `files.read` takes them.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    ValueError
        For a folder without files, files whose columns differ in name or type, and whatever a file is refused for.
    OSError
        For a file that cannot be read.
    """
    found = [(path, above, beneath) for given in paths for path, above, beneath in _files(given)]
    tables = [_read(path, above, beneath, wanted, times, form) for path, above, beneath in found]
    return tables[0] if len(tables) == 1 else _joined(tables, [path for path, *_ in found])


_Parts: TypeAlias = dict[str, str | None]


def files_in(paths: Sequence[Path]) -> list[tuple[Path, _Parts, _Parts]]:
    """Return the files that `read` reads, in order, each with the columns that the names of its folders give.

    First those of the path that was given, which count only where the file has no such column; then those beneath.
    """
    return [found for given in paths for found in _files(given)]


def _files(given: Path) -> Iterator[tuple[Path, _Parts, _Parts]]:
    """Yield files, each with the columns that the names of its folders give: those of the path, and those beneath."""
    if not given.is_dir():
        yield given, _parts(given.parent), {}
        return
    inside = (path for path in given.rglob("*") if path.is_file())
    inside = (path for path in inside if not any(part[0] in "._" for part in path.relative_to(given).parts))
    found = sorted(inside, key=lambda path: path.relative_to(given).parts)
    if not found:
        raise ValueError(f"{given} has no files: name a folder with {', '.join(files.FORMATS)} files")
    for path in found:
        yield path, _parts(given), _parts(path.relative_to(given).parent)


def _parts(folder: Path) -> _Parts:
    """Return the columns that the names of a folder and of those above it give."""
    parts: _Parts = {}
    for part in folder.parts:
        name, equals, value = part.partition("=")
        if equals:
            parts[unquote(name)] = None if value == _NULL else unquote(value)
    return parts


def _read(
    path: Path,
    above: _Parts,
    beneath: _Parts,
    wanted: Callable[[Sequence[str]], Sequence[str]],
    times: Collection[str],
    form: csv.Form | None,
) -> Any:
    import pyarrow

    chosen: list[str] = []
    parts = {**above, **beneath}

    def in_file(names: Sequence[str]) -> list[str]:
        doubled = [name for name in beneath if name in names]
        if doubled:
            raise ValueError(
                f"{path.name} has a column {shown(doubled[0])}, and its folder's name gives one too: rename one of them"
            )
        for name in above.keys() & set(names):
            parts.pop(name, None)
        chosen[:] = wanted([*names, *parts])
        # A file tells how many rows it has, if only by a column that nobody asked for.
        return [name for name in chosen if name not in parts] or [*names[:1]]

    table = files.read(path, in_file, times=times, form=form)
    for name, value in parts.items():
        if name in chosen:
            column = pyarrow.repeat(pyarrow.scalar(value, pyarrow.string()), len(table))
            table = table.append_column(
                name, read_clock(name, pyarrow.chunked_array([column])) if name in times else column
            )
    return table.select(chosen)


def _joined(tables: Sequence[Any], paths: Sequence[Path]) -> Any:
    import pyarrow

    first = tables[0]
    same = []
    for table, path in zip(tables, paths, strict=True):
        try:
            same.append(table.select(first.schema.names).cast(first.schema))
        except (KeyError, pyarrow.ArrowException) as error:
            raise ValueError(
                f"{path} does not fit {paths[0]}, whose columns are {_columns(first)}; its own are {_columns(table)}: "
                f"{message_of(error)}"
            ) from None
    return pyarrow.concat_tables(same)


def _columns(table: Any) -> str:
    return ", ".join(f"{shown(field.name)} ({field.type})" for field in table.schema)
