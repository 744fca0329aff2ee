"""Several files, and folders of them, as one table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
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
        column plate, with the text 7.
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
    found = [(path, parts) for given in paths for path, parts in _files(given)]
    tables = [_read(path, parts, wanted, times, form) for path, parts in found]
    return tables[0] if len(tables) == 1 else _joined(tables, [path for path, _ in found])


def files_in(paths: Sequence[Path]) -> list[tuple[Path, dict[str, str | None]]]:
    """Return the files that `read` reads, in order, each with the columns that the names of its folders give."""
    return [(path, parts) for given in paths for path, parts in _files(given)]


def _files(given: Path) -> Iterator[tuple[Path, dict[str, str | None]]]:
    """Yield files, each with the columns that the names of its folders give."""
    if not given.is_dir():
        yield given, {}
        return
    inside = (path for path in given.rglob("*") if path.is_file())
    inside = (path for path in inside if not any(part[0] in "._" for part in path.relative_to(given).parts))
    found = sorted(inside, key=lambda path: path.relative_to(given).parts)
    if not found:
        raise ValueError(f"{given} has no files: name a folder with {', '.join(files.FORMATS)} files")
    for path in found:
        parts: dict[str, str | None] = {}
        for part in path.relative_to(given).parts[:-1]:
            name, equals, value = part.partition("=")
            if equals:
                parts[unquote(name)] = None if value == _NULL else unquote(value)
        yield path, parts


def _read(
    path: Path,
    parts: dict[str, str | None],
    wanted: Callable[[Sequence[str]], Sequence[str]],
    times: Collection[str],
    form: csv.Form | None,
) -> Any:
    import pyarrow

    chosen: list[str] = []

    def in_file(names: Sequence[str]) -> list[str]:
        doubled = [name for name in parts if name in names]
        if doubled:
            raise ValueError(
                f"{path.name} has a column {shown(doubled[0])}, and its folder's name gives one too: rename one of them"
            )
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
