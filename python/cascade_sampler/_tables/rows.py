"""What a table says about its rows, of the columns that a sampler uses."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.keys import MISSING, Key, make_key, refuse_missing
from cascade_sampler._tables.open import Table
from cascade_sampler._tables.times import Times

ROWS = 2**32
"""No table has as many."""
_MOST = 10


class NoColumnError(KeyError, ValueError):
    """A table lacks a column: a key that is not there, and an argument of the wrong value."""

    def __str__(self) -> str:
        # A KeyError would show its message in quotes, as if it were the key.
        return str(self.args[0])


@dataclass(frozen=True)
class Rows:
    """The keys and times of all rows, where they are used."""

    rows: int
    experiments: Key | None
    conditions: Key | None
    times: list[NDArray[Any]] | None
    """Hours."""
    missing: Mapping[str, int]
    """Rows to be left out by column, of the columns that have such rows."""

    def listed_missing(self) -> str:
        """Return the columns with gaps, and how many rows each leaves out."""
        return ", ".join(f"{name} {count}" for name, count in self.missing.items())

    def kept(self) -> NDArray[np.bool_]:
        """Return which rows have all that is used."""
        keys = [key for key in (self.experiments, self.conditions) if key]
        kept = _with_labels(keys) if keys else np.ones(self.rows, dtype=bool)
        if self.times is not None:
            kept &= ~np.isnan(np.concatenate(self.times))
        return kept


def read_rows(
    table: Table,
    argument: str,
    experiment_columns: Sequence[Any],
    condition_columns: Sequence[Any],
    time_column: Any,
    *,
    index_dtype: str,
    exclude: bool,
) -> Rows:
    """Read the columns that are used.

    Parameters
    ----------
    table : Table
        Read once, and not again.
    argument : str
        Name under which the user gave the table, for errors.
    experiment_columns, condition_columns : sequence of column names
        Empty where the key is not used.
    time_column : column name or None
        None where times are not used.
    index_dtype : str
        Type of the row numbers, which must tell the rows apart.
    exclude : bool
        Whether rows without a label or a time are left out; otherwise they are an error.

    Raises
    ------
    NoColumnError
        For a column that the table does not have.
    ValueError
        For no rows or too many, and for rows without a label or a time.
    TypeError
        For a column of a type that has no labels, or no times.
    """
    arguments = dict.fromkeys(experiment_columns, "experiment_key")
    arguments.update({name: "condition_key" for name in condition_columns if name not in arguments})
    wanted = list(arguments)
    if time_column is not None:
        arguments.setdefault(time_column, "time_key")
    for name, key in arguments.items():
        if name not in table.names:
            raise NoColumnError(f"{key}: {argument} has no column {name!r}{_nearest(name, table.names)}")
    if table.rows is not None:
        _check_number(argument, table.rows, index_dtype)
    contents = table.read(wanted, time_column)
    _check_number(argument, contents.rows, index_dtype)
    columns = contents.columns
    experiments = make_key([columns[name] for name in experiment_columns], exclude) if experiment_columns else None
    conditions = make_key([columns[name] for name in condition_columns], exclude) if condition_columns else None
    missing = {name: count for key in (experiments, conditions) if key for name, count in key.missing.items()}
    hours = None
    if contents.times is not None:
        named, without = f"column {time_column!r}", contents.times.missing()
        if without and not exclude:
            raise refuse_missing(named, without, "time")
        if without:
            missing[named] = without
        hours = _hours(contents.times, [key for key in (experiments, conditions) if key and key.missing])
    return Rows(contents.rows, experiments, conditions, hours, missing)


def _nearest(name: Any, names: Sequence[Any]) -> str:
    """Return the columns whose names are like one that is not there, or where there are none, the columns."""
    texts = {str(other): other for other in names}
    near = [texts[match] for match in difflib.get_close_matches(str(name), list(texts), n=2)]
    listed = ", ".join(map(repr, near or names[:_MOST]))
    if near:
        return f"; the nearest is {listed}" if len(near) == 1 else f"; the nearest are {listed}"
    return f"; its columns are {listed}" + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


def _hours(times: Times, keys_with_gaps: list[Key]) -> list[NDArray[Any]]:
    """Return the hours, those of dates counted from the earliest row that has all its labels."""
    kept = _with_labels(keys_with_gaps) if times.depends_on_others and keys_with_gaps else None
    return times.hours(kept)


def _with_labels(keys: list[Key]) -> NDArray[np.bool_]:
    """Return which rows have a label in each of the keys."""
    kept: NDArray[np.bool_] = np.logical_and.reduce([key.numbers() != MISSING for key in keys])
    return kept


def _check_number(argument: str, rows: int, index_dtype: str) -> None:
    if rows == 0:
        raise ValueError(f"{argument} has no rows: there is nothing to draw from")
    if rows >= ROWS:
        raise ValueError(f"{argument} must have fewer than 2^32 rows, got {rows}: split the table")
    if index_dtype == "int32" and rows > 2**31:
        raise ValueError(f"index_dtype='int32' tells at most 2^31 rows apart, got {rows}: take 'int64'")
