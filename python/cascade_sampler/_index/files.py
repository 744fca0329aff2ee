"""Files as a table: parquet piece by piece, and others whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from cascade_sampler._tables import folders
from cascade_sampler._tables.clock import read_clock
from cascade_sampler._tables.errors import message_of
from cascade_sampler._tables.names import require
from cascade_sampler._tables.open import Contents, Table, table_of_batches
from cascade_sampler._tables.shown import shown

_BATCH = 1 << 18
"""Rows of a piece: a few megabytes, and so many that what each costs beside its rows is little."""
_PARQUET = (".parquet", ".pq")

Watched: TypeAlias = Callable[[int | None], Callable[[Iterable[Any]], Iterable[Any]]]
"""What makes, of the rows in all, what pieces go through on their way."""
Parts: TypeAlias = Mapping[str, str | None]
Found: TypeAlias = Sequence[tuple[Path, Parts, Parts]]
"""Files, and the columns that the names of their folders give: those of the path that was given, and those beneath."""


@dataclass(frozen=True)
class Columns:
    """Columns that are asked for, with the argument that names each, and which of them is that of the times."""

    arguments: Mapping[Any, str]
    time: Any = None

    def wanted(self, names: Sequence[str]) -> list[str]:
        """Return the columns to read of a file that has some names.

        Raises
        ------
        NoColumnError
            Where the file lacks one.
        """
        for name, argument in self.arguments.items():
            require(name, names, f"{argument}: table", f"pass {argument}=")
        return list(self.arguments)


def read_whole(paths: Sequence[Path], columns: Columns) -> Any:
    """Return files of any format as one table in memory."""
    times = [] if columns.time is None else [columns.time]
    return folders.read(paths, lambda names: columns.wanted(names) or [*names[:1]], times=times)


def are_parquet(found: Found) -> bool:
    """Whether all of the files are."""
    return all(path.name.lower().endswith(_PARQUET) for path, *_ in found)


def open_parquet(found: Found, watched: Watched) -> Table:
    """Return files, and all files of folders, as one table that is read piece by piece, in the order that they have.

    Raises
    ------
    ValueError
        For files that are damaged, or whose columns differ.
    OSError
        For a file that cannot be read.
    """
    import pyarrow.parquet

    schemas, rows = [], 0
    for path, *_ in found:
        with _errors(path):
            # Only its end is read.
            tail = pyarrow.parquet.read_metadata(path)
            schemas.append(tail.schema.to_arrow_schema())
        rows += tail.num_rows
    parts = [{**above, **beneath} for _, above, beneath in found]
    first = schemas[0]

    def read(wanted: Sequence[Any], time: Any) -> Contents:
        columns = list(dict.fromkeys([*wanted, *([] if time is None else [time])]))
        if not columns:
            return Contents(rows, {}, None)
        for (path, _, beneath), own, schema in zip(found, parts, schemas, strict=True):
            doubled = [name for name in beneath if name in schema.names]
            if doubled:
                raise ValueError(
                    f"{path.name} has a column {shown(doubled[0])}, and its folder's name gives one too: rename one of "
                    "them"
                )
            _check(path, own, schema, columns, found[0][0], first)
        pieces = (
            piece
            for (path, *_), own, schema in zip(found, parts, schemas, strict=True)
            for piece in _pieces(path, own, schema, columns, time)
        )
        one = next(iter(pieces), None)
        if one is None:
            return Contents(0, {}, None)

        def following() -> Iterator[Any]:
            yield one
            yield from pieces

        return table_of_batches(one.schema, watched(rows)(following())).read(wanted, time)

    return Table([*first.names, *(name for name in parts[0] if name not in first.names)], rows, read)


def _check(
    path: Path, own: Mapping[str, Any], schema: Any, columns: Sequence[Any], first_path: Path, first: Any
) -> None:
    """Raise where a file lacks a column that the first one has, or has it of another type."""
    for name in columns:
        if name not in own and schema.names.count(name) > 1:
            raise ValueError(f"{path.name} has several columns {shown(name)}: rename them")
        here = _type(schema, own, name)
        there = _type(first, own, name)
        if here is None or (there is not None and here != there):
            what = "none" if here is None else str(here)
            raise ValueError(
                f"{path} does not fit {first_path}: its column {shown(name)} is {what}, and there it is {there}"
            )


def _type(schema: Any, own: Mapping[str, Any], name: Any) -> Any:
    import pyarrow

    if name not in schema.names:
        return pyarrow.string() if name in own else None
    kind = schema.field(name).type
    return kind.value_type if pyarrow.types.is_dictionary(kind) else kind


def _pieces(path: Path, own: Mapping[str, str | None], schema: Any, columns: Sequence[Any], time: Any) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    named = [name for name in columns if name in schema.names]
    # Texts that were written with a dictionary are read with it, and are then codes already.
    texts = [name for name in named if name != time and _is_text(schema.field(name).type)]
    with _errors(path), pyarrow.parquet.ParquetFile(path, read_dictionary=texts) as file:
        for piece in file.iter_batches(_BATCH, columns=named):
            # A damaged file may be read without an error, and crash the process once its values are looked at.
            piece.validate(full=True)
            yield pyarrow.RecordBatch.from_arrays(
                [
                    piece.column(name) if name in named else _repeated(name, own[name], piece.num_rows, name == time)
                    for name in columns
                ],
                names=list(columns),
            )


def _is_text(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def _repeated(name: Any, value: str | None, rows: int, is_time: bool) -> Any:
    """Return a column that the name of a folder gives."""
    import pyarrow

    column = pyarrow.repeat(pyarrow.scalar(value, pyarrow.string()), rows)
    if not is_time:
        return column.dictionary_encode()
    return read_clock(name, pyarrow.chunked_array([column])).combine_chunks()


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, UnicodeDecodeError, EOFError) as error:
        raise ValueError(f"{path.name} is damaged, or no Parquet file: {message_of(error)}") from None
    except OSError as error:
        if error.errno is not None:
            raise
        # Arrow's own, for a file that ends too early.
        raise ValueError(f"{path.name} is damaged, or no Parquet file: {message_of(error)}") from None


def is_index(path: Path) -> bool:
    """Whether a file begins as that of an index does, whatever it is called: the length of a header, and the header."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(64)
    length = int.from_bytes(start[:8], "little")
    return 8 + length <= path.stat().st_size and start[8:].lstrip().startswith(b'{"__metadata__"')
