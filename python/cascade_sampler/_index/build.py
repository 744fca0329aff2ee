"""From a table to the core's index and what is known beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cascade_sampler import _core
from cascade_sampler._index.facts import Facts, Missing, NamedLabels
from cascade_sampler._tables.keys import Key
from cascade_sampler._tables.open import Table
from cascade_sampler._tables.rows import OFF, read_rows


def build(
    table: Table,
    argument: str,
    experiments: tuple[Any, ...],
    conditions: tuple[Any, ...],
    time: Any,
    *,
    missing: Missing,
    listed: tuple[bool, bool] = (False, False),
    index_dtype: str = "int64",
    pools: bool = False,
    instead: Mapping[str, str] = OFF,
) -> tuple[_core.Index, Facts]:
    """Read a table once.

    Parameters
    ----------
    table : Table
        Not kept.
    argument : str
        Name under which the user gave the table, for errors.
    experiments, conditions : tuple of column names
        Empty where the key is not used.
    time : column name or None
        None where times are not used.
    missing : {"error", "exclude"}
        What to do about rows without a label or a time.
    listed : tuple of bool
        Whether the columns of each key were given in a list.
    index_dtype : str
        Type of the row numbers, which must tell the rows apart.
    pools : bool
        Whether the rows by experiment are wanted at once, beside those by experiment and condition.
    instead : mapping of argument to str
        What else to pass where a column is missing.

    Raises
    ------
    ValueError, TypeError, KeyError
        As `read_rows` does; and a ValueError where no row is left.
    """
    rows = read_rows(
        table,
        argument,
        experiments,
        conditions,
        time,
        index_dtype=index_dtype,
        exclude=missing == "exclude",
        instead=instead,
    )
    try:
        core = _core.Index(
            rows.rows,
            rows.experiments.for_core() if rows.experiments else None,
            rows.conditions.for_core() if rows.conditions else None,
            rows.times,
            pools,
        )
    except ValueError as error:
        refused = error
    else:
        return core, Facts(
            _named(rows.experiments, experiments, listed[0]),
            _named(rows.conditions, conditions, listed[1]),
            time,
            missing,
            dict(rows.missing),
        )
    # Only here is it worked out who is left out: the core finds that on its way.
    if rows.missing and not rows.kept().any():
        raise ValueError(f"missing='exclude' leaves out all {rows.rows} rows: {rows.listed_missing()}")
    raise refused


def _named(key: Key | None, columns: tuple[Any, ...], listed: bool) -> NamedLabels | None:
    return None if key is None else NamedLabels(columns, listed or len(columns) > 1, key.labels)
