"""The arguments that all samplers have, checked, as they are read back."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cascade_sampler import _core
from cascade_sampler._samplers import arguments
from cascade_sampler._samplers.kinds import INDEX_DTYPES, MISSING, Columns, IndexDtype, Label, Missing
from cascade_sampler._tables.rows import ROWS
from cascade_sampler._tables.texts import plain

_NOT_TOLD = ("experiment_weights", "group_weights", "valid_anchors", "rank", "num_replicas", "num_batches")
_Key = TypeVar("_Key")


WORDS = 2**64
"""Seeds are below this."""
WINDOW = 2.0
"""How far from the focal time is near unless it is said, in hours."""
GLOBAL_FRACTION = 0.3
"""Share of the seats for rows that are not near unless it is said."""


@dataclass(frozen=True)
class Settings:
    """Arguments as they were given, whether or not they have an effect on this table."""

    batch_size: int
    leaky: float
    condition_ratio: Mapping[Label, float] | None
    experiment_key: Columns | None
    condition_key: Columns | None
    time_key: str | None
    temporal_window_hours: float
    temporal_global_fraction: float
    seed: int
    drop_last: bool
    index_dtype: IndexDtype
    missing: Missing


@dataclass(frozen=True)
class DealtSettings(Settings):
    """Those of the sampler that deals, besides."""

    conditions_per_batch: int | None
    always: tuple[Label, ...]
    run_length: int
    batches_per_experiment: int
    fixed_epoch: int | None


def shared(
    *,
    batch_size: int,
    leaky: float,
    condition_ratio: Mapping[Label, float] | None,
    experiment_key: Columns | None,
    condition_key: Columns | None,
    time_key: str | None,
    temporal_window_hours: float,
    temporal_global_fraction: float,
    seed: int,
    index_dtype: IndexDtype,
    missing: Missing,
) -> dict[str, Any]:
    """Return the arguments that both samplers have, checked, by the names that `Settings` has for them.

    Keys are checked where the table is read.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong type, or out of its range.
    """
    return {
        "batch_size": arguments.integer("batch_size", batch_size, 1, ROWS),
        "leaky": arguments.fraction("leaky", leaky),
        "condition_ratio": arguments.proportions("condition_ratio", condition_ratio),
        "experiment_key": copied(experiment_key),
        "condition_key": copied(condition_key),
        "time_key": time_key,
        "temporal_window_hours": arguments.hours("temporal_window_hours", temporal_window_hours),
        "temporal_global_fraction": arguments.fraction("temporal_global_fraction", temporal_global_fraction),
        "seed": arguments.integer("seed", seed, 0, WORDS),
        "index_dtype": arguments.choice("index_dtype", index_dtype, INDEX_DTYPES),
        "missing": arguments.choice("missing", missing, MISSING),
    }


def told(sampler: Any) -> dict[str, Any]:
    """Return a sampler's class, the version, and its arguments as JSON has them, in the order of the class.

    Weights are not among them: an audit has them by experiment. What can be read back of a sampler is told.
    """
    found: dict[str, Any] = {"sampler": type(sampler).__name__, "version": _core.__version__}
    for name in inspect.signature(type(sampler)).parameters:
        if name not in _NOT_TOLD and isinstance(getattr(type(sampler), name, None), property):
            found[name] = _plain(getattr(sampler, name))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(plain(name)): _plain(number) for name, number in value.items()}
    return [*map(plain, value)] if isinstance(value, (list, tuple)) else plain(value)


def copied(key: _Key) -> _Key:
    """Return a key that no change to the user's list, nor to one that was read back, reaches."""
    return copy.copy(key) if isinstance(key, list) else key
