"""What is known of the other processes of a run, and whether they share an epoch as they should."""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any

from cascade_sampler import _core


class RanksWarning(UserWarning):
    """Processes seem to share an epoch in a way that nobody wants."""


# Under the name that users filter by.
RanksWarning.__module__ = "cascade_sampler"


class DealtTwiceWarning(RanksWarning):
    """The sampler deals its batches to ranks, and Accelerate will deal them again."""


class SameBatchesWarning(RanksWarning):
    """Every process of a group asks for the same batches."""


def ask() -> tuple[int, int]:
    """Return the number of processes in the default group of torch.distributed, and which of them this is.

    Raises
    ------
    RuntimeError
        Where there is no group.
    """
    group = _process_group()
    if group is None:
        raise RuntimeError(
            "num_replicas=None asks torch.distributed, and its process group is not initialised: call "
            "torch.distributed.init_process_group() before the first batch or len(), or give num_replicas and rank"
        )
    return int(group.get_world_size()), int(group.get_rank())


def process_rank() -> int:
    """Return which process of its group this is: as torch.distributed says, or torchrun before that is initialised."""
    group = _process_group()
    if group is not None:
        return int(group.get_rank())
    told = os.environ.get("RANK", "0")
    return int(told) if told.isdecimal() else 0


def look(replicas: int, arrays: bool, drop_last: bool) -> None:
    """Warn of processes that share an epoch as nobody wants, and refuse what would fail later.

    Warns
    -----
    DealtTwiceWarning, SameBatchesWarning

    Raises
    ------
    ValueError
        For arrays without `drop_last` in several processes of Accelerate, which would raise in their midst.
    """
    accelerate = accelerate_processes()
    if accelerate > 1 and replicas > 1:
        warnings.warn(
            f"this sampler deals its batches to {replicas} ranks, and Accelerate runs {accelerate} processes: a loader "
            "that goes through accelerator.prepare() is dealt a second time, and most batches are lost. Prepare the "
            "loader and leave num_replicas=1, or keep num_replicas and do not prepare it",
            DealtTwiceWarning,
            stacklevel=2,
        )
    elif accelerate > 1 and arrays and not drop_last:
        raise ValueError(
            f"drop_last=False with arrays does not go through Accelerate with {accelerate} processes, which puts "
            "batches together as lists: set index_dtype='list', or drop_last=True"
        )
    elif accelerate == 0 and replicas == 1:
        group = _process_group()
        if group is not None and group.get_world_size() > 1:
            warnings.warn(
                f"torch.distributed runs {group.get_world_size()} processes, and this sampler has num_replicas=1: "
                "every process asks for the same batches. Give num_replicas and rank, or num_replicas=None and "
                "rank=None to take those of torch.distributed",
                SameBatchesWarning,
                stacklevel=2,
            )


def check(feed: _core.Feed, whole_world: bool) -> None:
    """Compare this sampler with those of all other processes. All of them must call it.

    Raises
    ------
    RuntimeError
        Where there is no process group.
    ValueError
        On every process, where the samplers do not fit together: the message names how.
    """
    world, _ = ask()
    replicas, rank = feed.deal()
    own = {**feed.fingerprint, "epoch": feed.state_dict()["epoch"], "num_replicas": replicas}
    everyone: list[Any] = [None] * world
    _process_group().all_gather_object(everyone, (own, rank))
    # From here on all processes know the same, and so come to the same end.
    first = everyone[0][0]
    told = {name: [theirs.get(name) for theirs, _ in everyone] for name in first}
    different = {name: values for name, values in told.items() if any(value != values[0] for value in values)}
    if different:
        listed = ", ".join(f"{name} ({', '.join(map(json.dumps, values))})" for name, values in different.items())
        raise ValueError(f"the ranks' samplers differ in {listed}: make all of them alike but for the rank")
    if whole_world and replicas != world:
        raise ValueError(
            f"num_replicas is {replicas}, and there are {world} processes: give num_replicas={world}, or "
            "check_ranks(whole_world=False) where processes share ranks on purpose"
        )
    taken = [rank for _, rank in everyone]
    if sorted(set(taken)) != list(range(replicas)) or (whole_world and len(set(taken)) != world):
        raise ValueError(
            f"the processes are ranks {taken} of {replicas}: each rank from 0 to {replicas - 1} must be there once, so "
            "give every process its own"
        )


def _process_group() -> Any:
    """Return torch.distributed where it has a process group."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed


def accelerate_processes() -> int:
    """Return the number of Accelerate's processes; 0 where its state is not initialised."""
    module = sys.modules.get("accelerate.state")
    state = getattr(getattr(module, "PartialState", None), "_shared_state", None)
    return int(module.PartialState().num_processes) if module is not None and state else 0
