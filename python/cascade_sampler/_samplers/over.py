"""The index that a sampler goes over: the one it was given, or the one of its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cascade_sampler._index.build import build
from cascade_sampler._index.facts import FEATURES
from cascade_sampler._index.index import Index, building, made
from cascade_sampler._samplers.kinds import Missing
from cascade_sampler._samplers.settings import Settings
from cascade_sampler._tables.names import key_columns
from cascade_sampler._tables.open import open_table
from cascade_sampler._tables.rows import OFF, check_number
from cascade_sampler._tables.shown import shown

SWITCHES = {
    "experiment_key": "experiment_aware",
    "condition_key": "condition_balanced",
    "time_key": "temporal_enrichment",
}
"""What turns a feature on or off where its key does not."""


def keys(
    table: Any,
    experiment_key: Any,
    condition_key: Any,
    time_key: Any,
    missing: Missing,
    defaults: tuple[Any, Any, Any] = (None, None, None),
) -> tuple[Any, Any, Any, Any]:
    """Return keys and `missing` as they were given; those of an index where one is given, and they are the defaults.

    Raises
    ------
    ValueError
        Where one that is given is not the index's.
    """
    given = (experiment_key, condition_key, time_key)
    if not isinstance(table, Index):
        return (*given, missing)
    found = []
    for name, key, default in zip(FEATURES, given, defaults, strict=True):
        there = getattr(table, name)
        if key == default:
            found.append(key if there is None else there)
            continue
        if there is not None and key_columns(name, key) != table._facts.columns(name):
            raise ValueError(
                f"{name}={_code(key)} is given, and the index was built with {name}={_code(there)}: pass that, "
                "or build another index"
            )
        found.append(key)
    if missing != "error" and missing != table.missing:
        raise ValueError(
            f"missing={missing!r} is given, and the index was built with missing={table.missing!r}: pass that, "
            "or build another index"
        )
    return (*found, table.missing)


def index_of(
    table: Any,
    argument: str,
    experiments: tuple[Any, ...],
    conditions: tuple[Any, ...],
    time: Any,
    settings: Settings,
    *,
    pools: bool = False,
    switches: Mapping[str, str] | None = None,
) -> Index:
    """Return an index of the features that are on.

    Parameters
    ----------
    table : table or Index
        As given.
    argument : str
        Name under which it was given, for errors.
    experiments, conditions : tuple of column names
        Empty where the key is not used.
    time : column name or None
        None where times are not used.
    settings : Settings
        Those that were given.
    pools : bool
        Whether the rows by experiment are wanted, beside those by experiment and condition.
    switches : mapping of key to argument, optional
        What turns a feature on where its key does not.

    Raises
    ------
    ValueError
        Where the index lacks a feature that is on, or cannot do without one that is off; and as `build` does.
    """
    if not isinstance(table, Index):
        core, facts = build(
            open_table(table, argument),
            argument,
            experiments,
            conditions,
            time,
            missing=settings.missing,
            listed=(isinstance(settings.experiment_key, list), isinstance(settings.condition_key, list)),
            index_dtype=settings.index_dtype,
            pools=pools,
            instead=OFF if switches else {},
        )
        return made(core, facts)
    check_number(argument, table.rows, settings.index_dtype)
    used = {"experiment_key": experiments, "condition_key": conditions, "time_key": () if time is None else (time,)}
    for name, columns in used.items():
        if columns and getattr(table, name) is None:
            raise ValueError(_lacks(table, name, columns, (switches or {}).get(name)))
    off = [name for name, columns in used.items() if not columns and getattr(table, name) is not None]
    try:
        return table.without(*off)
    except ValueError as error:
        # Times can always go. Without switches nothing is off that the index has.
        named = " and ".join(f"{(switches or {})[name]}=False" for name in off if name != "time_key")
        raise ValueError(f"{named} does not go with this index: {error}") from None


def _lacks(index: Index, name: str, columns: tuple[Any, ...], switch: str | None) -> str:
    key = _code(columns[0] if len(columns) == 1 else list(columns))
    call = building(index._facts, f"table, {name}={key}")
    if switch is None:
        return f"{name}={key} is given, and the index was built without {name}: build it with {call}"
    return (
        f"{switch}=True needs {name}, and the index was built without it: build it with {call}, or pass {switch}=False"
    )


def _code(key: Any) -> str:
    if isinstance(key, list):
        return shown(key[0]) if len(key) == 1 else f"[{', '.join(map(shown, key))}]"
    return shown(key)
