"""From files and options to a sampler, or to an index."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cascade_sampler import CascadeSampler, FlexibleBatchSampler, Index
from cascade_sampler._command.options import DEFAULT_KEYS
from cascade_sampler._index.files import are_parquet, is_index
from cascade_sampler._index.sources import Progress
from cascade_sampler._tables import folders, labels
from cascade_sampler._tables.csv import Form
from cascade_sampler._tables.keys import make_key
from cascade_sampler._tables.names import require
from cascade_sampler._tables.open import open_table

_OFF = {
    "experiment_key": "--no-experiment-aware",
    "condition_key": "--no-condition-balanced",
    "time_key": "--no-temporal-enrichment",
}
_SWITCHES = {
    "experiment_aware": "experiment_key",
    "condition_balanced": "condition_key",
    "temporal_enrichment": "time_key",
}
"""Where `CascadeSampler` goes by whether there is a key."""
_DEALT = ("conditions_per_batch", "always", "run_length", "batches_per_experiment", "fixed_epoch")
_INPUT = Path("-")


def make_sampler(paths: Sequence[Path], arguments: dict[str, Any]) -> CascadeSampler | FlexibleBatchSampler:
    """Read the columns that the options need, and make the sampler."""
    for name in ("experiment_key", "condition_key"):
        columns = list(arguments[name])
        arguments[name] = columns[0] if len(columns) == 1 else columns
    dealt = _dealt(arguments)
    form = Form(*(arguments.pop(name) for name in ("delimiter", "encoding", "typed", "max_unpacked")))
    table = _read(paths, arguments, form, arguments.pop("format"))
    if isinstance(table, Index):
        return _over(table, arguments, dealt)
    for keyed, named in (("experiment_key", "experiment_weights"), ("condition_key", "condition_ratio")):
        if isinstance(arguments[named], dict):
            arguments[named] = _by_label(table, arguments[keyed], arguments[named])
    if dealt is None:
        return FlexibleBatchSampler(table, **arguments)
    if "always" in dealt:
        dealt["always"] = list(_by_label(table, arguments["condition_key"], dict.fromkeys(dealt["always"], 0.0)))
    for used, key in _SWITCHES.items():
        arguments[key] = arguments[key] if arguments.pop(used) else None
    _refuse_short(arguments)
    return CascadeSampler(table, **arguments, **dealt)


def make_index(paths: Sequence[Path], arguments: dict[str, Any], progress: Progress) -> Index:
    """Read the columns that the options name, and make the index."""
    for name in ("experiment_key", "condition_key"):
        columns = list(arguments[name])
        arguments[name] = (columns[0] if len(columns) == 1 else columns) if columns else None
    form = Form(*(arguments.pop(name) for name in ("delimiter", "encoding", "typed", "max_unpacked")))
    kind = arguments.pop("format")
    index = next((path for path in paths if is_index(path)), None)
    if index is not None:
        raise ValueError(f"{index} is an index already: name the tables to build one from")
    if _INPUT not in paths and are_parquet(folders.files_in(paths)):
        # The only format that is read piece by piece.
        return Index(list(paths), **arguments, progress=progress)
    used = {switch: arguments[key] is not None for switch, key in _SWITCHES.items()}
    return Index(_read(paths, {**arguments, **used}, form, kind), **arguments, progress=progress)


def _over(
    index: Index, arguments: dict[str, Any], dealt: dict[str, Any] | None
) -> CascadeSampler | FlexibleBatchSampler:
    """Make the sampler over an index, whose keys stand for those that were not given."""
    for named, found in (("experiment_weights", index.experiments), ("condition_ratio", index.conditions)):
        if isinstance(arguments[named], dict):
            arguments[named] = _renamed(found, arguments[named])
    if dealt is None:
        return FlexibleBatchSampler(index, **arguments)
    if "always" in dealt:
        dealt["always"] = list(_renamed(index.conditions, dict.fromkeys(dealt["always"], 0.0)))
    off = []
    for used, key in _SWITCHES.items():
        if not arguments.pop(used):
            off.append(key)
        elif key == "time_key" and index.time_key is None:
            raise ValueError("temporal_enrichment=True needs time_key, and the index was built without it")
        if key in off or arguments[key] == DEFAULT_KEYS[key]:
            arguments[key] = None
    _refuse_short(arguments)
    return CascadeSampler(index.without(*off), **arguments, **dealt)


def _refuse_short(arguments: dict[str, Any]) -> None:
    if not arguments.pop("drop_last"):
        raise ValueError("--no-drop-last is without --dealt only: dealt batches are never short")
    arguments["experiment_weights"] = arguments["experiment_weights"] or "size"


def _dealt(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Take the arguments of CascadeSampler alone out of all, and return those that were given; None without --dealt."""
    given = {name: value for name in _DEALT if (value := arguments.pop(name)) not in (None, ())}
    if arguments.pop("dealt"):
        return given
    if given:
        raise ValueError(f"--{next(iter(given)).replace('_', '-')} is for dealt batches: give --dealt too")
    if isinstance(arguments["experiment_weights"], str):
        raise ValueError(
            f"--experiment-weights {arguments['experiment_weights']} is for dealt batches: give --dealt too"
        )
    return None


def _read(paths: Sequence[Path], arguments: dict[str, Any], form: Form, kind: str) -> Any:
    times = [arguments["time_key"]] if arguments["temporal_enrichment"] else []
    with tempfile.TemporaryDirectory() as folder:
        if _INPUT in paths:
            if len(paths) > 1:
                raise ValueError("- is the standard input, and must be the only file")
            # Formats other than CSV are read from their end.
            copy = Path(folder) / f"standard-input.{kind}"
            copy.write_bytes(sys.stdin.buffer.read() if sys.stdin else b"")
            paths = [copy]
        index = next((path for path in paths if is_index(path)), None)
        if index is not None:
            if len(paths) > 1:
                raise ValueError(f"{index} is an index, and must be the only file")
            # The copy of the standard input goes with its folder.
            return Index.open(index, copy=Path(folder) in index.parents)
        return folders.read(paths, lambda names: _columns(names, arguments), times=times, form=form)


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
            option = "--" + argument.replace("_", "-")
            require(column, names, f"{option}: the file", f"pass {option}, or {_OFF[argument]}")
            wanted[column] = None
    # With none of them the first column tells how many rows there are.
    return list(wanted) or list(names[:1])


def _by_label(table: Any, key: str | list[str], given: dict[str, float]) -> dict[Any, float]:
    """Return numbers under the labels whose text they were given under; other names stay as they are, to be refused."""
    columns = [key] if isinstance(key, str) else key
    if any(column not in table.column_names for column in columns):
        return dict(given)
    read = open_table(table).read(columns, None).columns
    return _renamed(make_key([read[name] for name in columns], True).labels, given)


def _renamed(there: Sequence[Any], given: dict[str, float]) -> dict[Any, float]:
    found = {str(labels.plain(label)): label for label in there}
    return {found.get(name, name): number for name, number in given.items()}
