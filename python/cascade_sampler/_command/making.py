"""From a file and options to a sampler."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._tables import files, labels
from cascade_sampler._tables.keys import make_key
from cascade_sampler._tables.open import open_table


def make_sampler(file: Path, arguments: dict[str, Any]) -> FlexibleBatchSampler:
    """Read the columns that the options need, and make the sampler."""
    for name in ("experiment_key", "condition_key"):
        columns = list(arguments[name])
        arguments[name] = columns[0] if len(columns) == 1 else columns
    table = files.read(file, lambda names: _columns(names, arguments))
    for keyed, named in (("experiment_key", "experiment_weights"), ("condition_key", "condition_ratio")):
        if arguments[named] is not None:
            arguments[named] = _by_label(table, arguments[keyed], arguments[named])
    return FlexibleBatchSampler(table, **arguments)


def _columns(names: Sequence[str], arguments: dict[str, Any]) -> list[str]:
    """Return the columns that the sampler needs, once each."""
    used = {
        "experiment_key": arguments["experiment_aware"],
        "condition_key": arguments["condition_balanced"],
        "time_key": arguments["temporal_enrichment"],
    }
    wanted: dict[str, None] = {}
    for argument, is_used in used.items():
        columns = arguments[argument] if isinstance(arguments[argument], list) else [arguments[argument]]
        for column in columns if is_used else []:
            if column not in names:
                option = "--" + argument.replace("_", "-")
                raise KeyError(f"{option}: the file has no column {column!r}; its columns are {', '.join(names)}")
            wanted[column] = None
    # With none of them the first column tells how many rows there are.
    return list(wanted) or list(names[:1])


def _by_label(table: Any, key: str | list[str], given: dict[str, float]) -> dict[Any, float]:
    """Return numbers under the labels whose text they were given under; other names stay as they are, to be refused."""
    columns = [key] if isinstance(key, str) else key
    if any(column not in table.column_names for column in columns):
        return dict(given)
    read = open_table(table).read(columns, None).columns
    found = {str(labels.plain(label)): label for label in make_key([read[name] for name in columns], True).labels}
    return {found.get(name, name): number for name, number in given.items()}
