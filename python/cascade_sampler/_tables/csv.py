"""CSV files: labels are text as it stands, times are numbers, dates or durations."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cascade_sampler._tables.clock import read_clock
from cascade_sampler._tables.errors import message_of
from cascade_sampler._tables.libraries import major
from cascade_sampler._tables.shown import shown

_MOST_TIMES = 200
"""How many times its packed size a file may have unpacked, where no limit is given: gzip reaches a thousand."""
_ALWAYS = 1 << 30
"""Bytes that every file may have unpacked."""
_GUESSED = 1 << 16
"""Bytes that an encoding is guessed from."""
_THREADS_SINCE = 24
"""In pyarrow before it threads wait for each other after an error, and the process never ends (apache/arrow#48741)."""


@dataclass(frozen=True)
class Form:
    """How a CSV is written.

    Parameters
    ----------
    delimiter : str, optional
        One character. Default: a tab where the file's name says so, else a comma.
    encoding : str, default "utf-8"
        Any that Python knows.
    typed : bool, default False
        Whether labels are read as the numbers, dates or bools that they look like; "01" and "1" are then one.
    most_bytes : int, optional
        Bytes that a ``.gz`` may have unpacked. Default: 200 times its size, at least 1 GiB.
    """

    delimiter: str | None = None
    encoding: str = "utf-8"
    typed: bool = False
    most_bytes: int | None = None


def read(path: Path, wanted: Callable[[Sequence[str]], Sequence[str]], times: Collection[str], form: Form) -> Any:
    """Read some columns of a CSV; see `files.read`."""
    import pyarrow
    import pyarrow.csv

    delimiter = _delimiter(path, form)
    try:
        utf8 = codecs.lookup(form.encoding).name in ("utf-8", "utf-8-sig", "ascii")
    except LookupError:
        raise ValueError(
            f"encoding must be one that Python knows, such as utf-8 or latin-1, got {form.encoding!r}"
        ) from None
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    threads = major(pyarrow) >= _THREADS_SINCE
    options = pyarrow.csv.ReadOptions(encoding="utf8" if utf8 else form.encoding, use_threads=threads)
    try:
        names = _read(path, form, options, lambda source: _names(source, options, parse))
        columns = list(wanted(names))
        refuse_doubled(path, names, columns)
        text = [column for column in columns if column in times or not form.typed]
        convert = pyarrow.csv.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(text, pyarrow.string()),
            strings_can_be_null=True,
            null_values=[""],
        )
        table = _read(path, form, options, lambda source: pyarrow.csv.read_csv(source, options, parse, convert))
        # A column without a type of its own becomes bytes where it is no UTF-8.
        broken = [name for name in columns if pyarrow.types.is_binary(table.schema.field(name).type)]
        if broken:
            raise ValueError(_not_encoded(path, form))
    except UnicodeError:
        raise ValueError(_not_encoded(path, form)) from None
    except pyarrow.ArrowInvalid as error:
        if "UTF8" in str(error) or "UTF-8" in str(error) or (utf8 and _starts_as_utf16(path, form)):
            raise ValueError(_not_encoded(path, form)) from None
        raise ValueError(f"{path.name} cannot be read: {message_of(error)}") from None
    for name in columns:
        if name in times:
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, read_clock(name, table.column(name)))
    return table


def _names(source: Any, options: Any, parse: Any) -> list[str]:
    import pyarrow.csv

    with pyarrow.csv.open_csv(source, options, parse) as reader:
        names: list[str] = reader.schema.names
        return names


def refuse_doubled(path: Path, names: Sequence[str], columns: Sequence[str]) -> None:
    """Raise a ValueError for a column that is asked for and is there twice."""
    for column in columns:
        if names.count(column) > 1:
            raise ValueError(
                f"{path.name} has {names.count(column)} columns named {shown(column)}: rename all but one of them"
            )


def _delimiter(path: Path, form: Form) -> str:
    if form.delimiter is None:
        return "\t" if path.name.lower().endswith((".tsv", ".tsv.gz", ".tab")) else ","
    delimiter = {"\\t": "\t", "tab": "\t"}.get(form.delimiter, form.delimiter)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise ValueError(f"delimiter must be one character, such as ; or tab, got {form.delimiter!r}")
    return delimiter


def _not_encoded(path: Path, form: Form) -> str:
    if _starts_as_utf16(path, form):
        guess = "utf-16"
    else:
        with _opened(path, form) as source:
            # Latin-1 has no letters from 0x80 to 0x9f; Windows does.
            guess = "cp1252" if any(0x80 <= byte < 0xA0 for byte in source.read(_GUESSED)) else "latin-1"
    return f"{path.name} is not encoded in {form.encoding}: give its encoding, for instance {guess}"


def _starts_as_utf16(path: Path, form: Form) -> bool:
    with _opened(path, form) as source:
        return source.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _read(path: Path, form: Form, options: Any, work: Callable[[Any], Any]) -> Any:
    """Return what is read of the file from its beginning."""
    import pyarrow

    try:
        with _opened(path, form) as source:
            return work(source)
    except pyarrow.ArrowInvalid as error:
        if "straddl" not in str(error):
            raise
    # A field, or a row, is longer than what is parsed at a time.
    options.block_size = (1 << 31) - 1
    with _opened(path, form) as source:
        return work(source)


def _opened(path: Path, form: Form) -> Any:
    if path.name.lower().endswith(".gz"):
        limit = max(_ALWAYS, _MOST_TIMES * path.stat().st_size) if form.most_bytes is None else form.most_bytes
        return _Unpacked(path, limit)
    return path.open("rb")


class _Unpacked(gzip.GzipFile):
    """A packed file that does not fill the memory: what a few kilobytes become may be gigabytes."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path, "rb")
        self._path, self._limit, self._left = path, limit, limit

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(min(self._left + 1, 1 << 24) if size is None or size < 0 else size)
        self._left -= len(found)
        if self._left < 0:
            raise ValueError(
                f"{self._path.name} is longer than {self._limit} bytes unpacked: if that is right, raise max_unpacked"
            )
        return found
