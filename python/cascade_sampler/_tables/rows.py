"""What a table says about its rows, of the columns that a sampler uses."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.keys import Key, make_key, refuse_missing
from cascade_sampler._tables.names import one_column, require
from cascade_sampler._tables.numbering import MISSING
from cascade_sampler._tables.open import Table
from cascade_sampler._tables.shown import shown
from cascade_sampler._tables.times import Times

ROWS = 2**32
"""No table has as many."""

OFF = {
    "experiment_key": "pass {key}=, or experiment_aware=False",
    "condition_key": "pass {key}=, or condition_balanced=False",
    "time_key": "pass {key}=, or temporal_enrichment=False",
}
"""What to pass where a column is missing, by the argument that names it."""


_logger = logging.getLogger("cascade_sampler")


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
    instead: Mapping[str, str] = OFF,
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
    instead : mapping of argument to str
        What else to pass where the column is missing that the argument names.

    Raises
    ------
    NoColumnError
        For a column that the table does not have.
    ValueError
        For no rows or too many, and for rows without a label or a time.
    TypeError
        For a column of a type that has no labels, or no times.
    """
    experiment_columns = one_column(experiment_columns, table.names)
    condition_columns = one_column(condition_columns, table.names)
    arguments = dict.fromkeys(experiment_columns, "experiment_key")
    arguments.update({name: "condition_key" for name in condition_columns if name not in arguments})
    wanted = list(arguments)
    if time_column is not None:
        arguments.setdefault(time_column, "time_key")
    for name, key in arguments.items():
        require(name, table.names, f"{key}: {argument}", instead.get(key, "").format(key=key), table.index)
    if table.shuffled_index:
        _logger.warning(
            "The index of %s holds the numbers 0 to %d in another order. Batches hold positions, not labels of the "
            "index: take rows with .iloc, not .loc, or call reset_index(drop=True) first",
            argument,
            (table.rows or 1) - 1,
        )
    if table.rows is not None:
        check_number(argument, table.rows, index_dtype)
    contents = table.read(wanted, time_column)
    check_number(argument, contents.rows, index_dtype)
    columns = contents.columns
    experiments = make_key([columns[name] for name in experiment_columns], exclude) if experiment_columns else None
    conditions = make_key([columns[name] for name in condition_columns], exclude) if condition_columns else None
    missing = {name: count for key in (experiments, conditions) if key for name, count in key.missing.items()}
    hours = None
    if contents.times is not None:
        named, without = f"column {shown(time_column)}", contents.times.missing()
        if without and not exclude:
            raise refuse_missing(named, without, "time")
        if without:
            missing[named] = without
        hours = _hours(contents.times, [key for key in (experiments, conditions) if key and key.missing])
    return Rows(contents.rows, experiments, conditions, hours, missing)


def _hours(times: Times, keys_with_gaps: list[Key]) -> list[NDArray[Any]]:
    """Return the hours, those of dates counted from the earliest row that has all its labels."""
    kept = _with_labels(keys_with_gaps) if times.depends_on_others and keys_with_gaps else None
    return times.hours(kept)


def _with_labels(keys: list[Key]) -> NDArray[np.bool_]:
    """Return which rows have a label in each of the keys."""
    kept: NDArray[np.bool_] = np.logical_and.reduce([key.numbers() != MISSING for key in keys])
    return kept


def check_number(argument: str, rows: int, index_dtype: str) -> None:
    """Raise where there are no rows, or more than can be told apart."""
    if rows == 0:
        raise ValueError(f"{argument} has no rows: there is nothing to draw from")
    if rows >= ROWS:
        raise ValueError(f"{argument} must have fewer than 2^32 rows, got {rows}: split the table")
    if index_dtype == "int32" and rows > 2**31:
        raise ValueError(f"index_dtype='int32' tells at most 2^31 rows apart, got {rows}: take 'int64'")
