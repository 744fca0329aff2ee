"""The arguments that all samplers have, checked, as they are read back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from cascade_sampler._samplers.kinds import Columns, IndexDtype, Label, Missing

_Key = TypeVar("_Key")


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


def copied(key: _Key) -> _Key:
    """Return a key that no change to the user's list, nor to one that was read back, reaches."""
    return copy.copy(key) if isinstance(key, list) else key
