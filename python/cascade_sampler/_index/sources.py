"""What an index is built from: tables, and what is read piece by piece because it may be larger than memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from cascade_sampler._index import files
from cascade_sampler._tables import folders
from cascade_sampler._tables.libraries import loaded
from cascade_sampler._tables.open import Table, open_table, table_of_batches
from cascade_sampler._tables.shown import shown

Progress: TypeAlias = Callable[[int, int | None], object]


def open_source(source: Any, columns: files.Columns, progress: Progress | None = None) -> Table:
    """Recognise a table, paths of files, a dataset of Arrow, or record batches one after the other, without reading it.

    Parameters
    ----------
    source : object
        What the user gave.
    columns : Columns
        The columns that will be asked for.
    progress : callable, optional
        Is called with the rows that are read and those in all, None where nobody knows, after each piece.

    Raises
    ------
    TypeError
        For anything else.
    """
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable, or None, got {type(progress).__name__}")
    paths = _paths(source)
    if paths is not None:
        found = folders.files_in(paths)
        if files.are_parquet(found):
            return files.open_parquet(found, _watcher(progress))
        return _whole(open_table(files.read_whole(paths, columns), "table"), progress)
    dataset = loaded("pyarrow.dataset")
    if dataset and isinstance(source, dataset.Dataset):
        return _of_dataset(source, progress)
    if _yields_batches(source):
        return _of_batches(source, progress)
    table = open_table(source, "table", _watcher(progress)(None))
    return table if table.rows is None else _whole(table, progress)


def _paths(source: Any) -> list[Path] | None:
    """Return the paths that were given, one or several; None for anything else."""
    kinds = (str, os.PathLike)
    listed = [source] if isinstance(source, kinds) else source
    if not isinstance(listed, (list, tuple)) or not listed or not all(isinstance(one, kinds) for one in listed):
        return None
    return [*map(Path, listed)]


def _watcher(progress: Progress | None) -> Callable[[int | None], Callable[[Iterable[Any]], Iterable[Any]]]:
    """Return what makes, of the rows in all, what batches go through."""

    def of(rows: int | None) -> Callable[[Iterable[Any]], Iterable[Any]]:
        def watched(batches: Iterable[Any]) -> Iterator[Any]:
            done = 0
            for batch in batches:
                done += batch.num_rows
                yield batch
                if progress is not None:
                    progress(done, rows)

        return watched

    return of


def _whole(table: Table, progress: Progress | None) -> Table:
    """Return a table in memory that tells once that it was read."""

    def read(wanted: Sequence[Any], time: Any) -> Any:
        contents = table.read(wanted, time)
        if progress is not None:
            progress(contents.rows, contents.rows)
        return contents

    return Table(table.names, table.rows, read, table.index, table.shuffled_index)


def _of_dataset(dataset: Any, progress: Progress | None) -> Table:
    rows = dataset.count_rows() if progress is not None else None

    def read(wanted: Sequence[Any], time: Any) -> Any:
        columns = list(dict.fromkeys([*wanted, *([] if time is None else [time])]))
        # Of no columns at all a scan tells the rows of each batch none the less.
        batches = _watcher(progress)(rows)(dataset.to_batches(columns=columns))
        return table_of_batches(dataset.schema, batches).read(wanted, time)

    return Table(dataset.schema.names, None, read)


def _yields_batches(source: Any) -> bool:
    if hasattr(source, "__arrow_c_stream__") or not hasattr(source, "__iter__"):
        return False
    if isinstance(source, (list, tuple)):
        return bool(source) and all(hasattr(one, "num_rows") for one in source)
    return hasattr(source, "__next__")


def _of_batches(source: Iterable[Any], progress: Progress | None) -> Table:
    """Return record batches as a table; the first is asked for at once, since it tells the columns."""
    batches = _record_batches(source)
    first = next(batches, None)
    if first is None:
        raise ValueError("table yields no record batches, so it has no rows and no columns: there is nothing to index")

    def following() -> Iterator[Any]:
        yield first
        for batch in batches:
            if batch.schema.names != first.schema.names:
                raise ValueError(
                    f"table yields record batches of different columns: {_named(first)} first, then {_named(batch)}"
                )
            yield batch

    return table_of_batches(first.schema, _watcher(progress)(None)(following()))


def _record_batches(source: Iterable[Any]) -> Iterator[Any]:
    import pyarrow

    for piece in source:
        if isinstance(piece, pyarrow.Table):
            yield from piece.to_batches()
        elif isinstance(piece, pyarrow.RecordBatch):
            yield piece
        else:
            raise TypeError(f"table must yield record batches of pyarrow, got a {type(piece).__name__}")


def _named(batch: Any) -> str:
    return ", ".join(map(shown, batch.schema.names))
