"""What is written down of a run, so that it can be carried on, and what it must fit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cascade_sampler import _core
from cascade_sampler._index.digests import digest, digests
from cascade_sampler._samplers import arguments
from cascade_sampler._tables.shown import shown

_WORDS = 2**64
_DEALT_EPOCHS = 2**20
_SAMPLERS = {1: "FlexibleBatchSampler, whose batches are drawn", 2: "CascadeSampler, whose batches are dealt"}

#: Epoch, global batches done, and where a stream stood on the way: batches, words of the generator, the half kept.
Place = tuple[int, int, int, int, int | None]


def fingerprint(plan: _core.Plan, seed: int) -> dict[str, Any]:
    """Return what two samplers must share to yield the same global batches, by name.

    Which rank of how many a sampler is does not matter, nor what labels are called.
    """
    index, settings = plan.index, plan.settings()
    table = {
        "rows": index.rows,
        **digests(index),
        "seed": seed,
    }
    told = {
        "batch_size": settings["batch_size"],
        "leaky": settings["leaky"],
        **(_dealt(plan, settings) if plan.dealt else _drawn(plan, settings)),
        "num_batches": plan.batches,
        "window": settings["window"] if index.has_times else None,
        "global_fraction": settings["global_fraction"] if index.has_times else None,
    }
    return {"specification": 2 if plan.dealt else 1, **table, **told}


def _drawn(plan: _core.Plan, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "weights": digest(plan.weights),
        "ratios": _digest_numbers(settings["ratios"]),
        "drop_last": settings["drop_last"] if settings["batches"] is None else None,
    }


def _dealt(plan: _core.Plan, settings: Mapping[str, Any]) -> dict[str, Any]:
    # By size, and as long as a pass, an epoch has a number of batches of each experiment that follows from no weight.
    is_pass = settings["weights"] == "size" and settings["batches"] is None
    return {
        "weights": "size" if is_pass else digest(plan.weights),
        "ratios": _digest_numbers(settings["ratios"]),
        "always": _digest_numbers(sorted(settings["always"])),
        "conditions_per_batch": settings["conditions_per_batch"],
        "run_length": settings["run_length"],
        "batches_per_experiment": settings["batches_per_experiment"],
    }


def _digest_numbers(values: list[Any] | None) -> str | None:
    return None if values is None else digest(np.array(values, dtype=np.float64))


def pack(feed: _core.Feed, place: Place) -> dict[str, Any]:
    """Return a fresh state of plain values."""
    epoch, batches, drawn, words, kept = place
    state: dict[str, Any] = {"epoch": epoch, "batches": batches}
    if not feed.plan.dealt:
        state["generator"] = {"batches": drawn, "words": words, "half": kept}
    return {**state, "fingerprint": dict(feed.fingerprint)}


def moved(state: dict[str, Any], epoch: int, batches: int) -> dict[str, Any]:
    """Return a sampler's state at another position; a generator is kept where it stands on the way there.

    Parameters
    ----------
    state : dict
        From `pack`.
    epoch : int
        The epoch to go on in.
    batches : int
        Global batches of it that are done.
    """
    if "generator" not in state:
        return {**state, "epoch": epoch, "batches": batches}
    generator = state["generator"]
    if state["epoch"] != epoch or generator["batches"] > batches:
        generator = {"batches": 0, "words": 0, "half": None}
    return {**state, "epoch": epoch, "batches": batches, "generator": generator}


class OtherLabelsError(ValueError):
    """A state of as many rows whose labels are others, or stand in another order."""

    def __init__(self, said: str, keys: Sequence[str]) -> None:
        super().__init__(said + _reader("the column of the " + " and that of the ".join(keys)))
        self._said, self._keys = said, keys

    def named(self, columns: Mapping[str, Any]) -> ValueError:
        """Return the error with the columns of the keys under their names."""
        found = {key: tuple(c) if isinstance(c := columns[key], list) else c for key in self._keys}
        names = " and ".join(f"{shown(column)} ({key})" for key, column in found.items())
        several = len(found) > 1 or any(isinstance(column, tuple) for column in found.values())
        return ValueError(self._said + _reader(f"{'columns' if several else 'column'} {names}"))


def _reader(columns: str) -> str:
    """Return what may be the reason where labels are the only difference of two tables."""
    return (
        f". What stands in {columns} differs. If the table is the same, another library may have read it: a pandas "
        "Categorical is in the order of its categories, and pandas lists those of a parquet file that are not marked "
        "ordered by first appearance; pyarrow and polars have them by value; convert the column to text, or read it as "
        "before"
    )


def unpack(feed: _core.Feed, state: Any) -> Place:
    """Return the place that a state tells of.

    Raises
    ------
    TypeError
        Where it is no state.
    ValueError
        Where it is another table's, or made with other settings, or what it holds is out of range.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"state must be what state_dict() returned, got {type(state).__name__}")
    dealt = feed.plan.dealt
    theirs, ours = state.get("fingerprint", {}), feed.fingerprint
    if not isinstance(theirs, Mapping):
        raise TypeError(f"state['fingerprint'] must be a dict, got {type(theirs).__name__}")
    theirs = {name: _plain(f"state['fingerprint'][{name!r}]", value) for name, value in theirs.items()}
    _refuse_other_sampler(theirs.get("specification"), 2 if dealt else 1)
    lacking = [name for name in ("epoch", "batches", "generator", "fingerprint") if name not in state]
    if dealt:
        lacking = [name for name in lacking if name != "generator"]
    if lacking:
        raise ValueError(f"state must be what state_dict() returned; it lacks {', '.join(lacking)}")
    different = [
        f"{name} (state: {json.dumps(theirs.get(name))}, here: {json.dumps(ours.get(name))})"
        for name in {**ours, **theirs}
        if theirs.get(name) != ours.get(name)
    ]
    if different:
        said = (
            f"state does not fit this sampler: they differ in {', '.join(different)}; "
            "resume with the table and the settings that the state was made with"
        )
        keys = [name for name in ("experiments", "conditions") if theirs.get(name) != ours[name]]
        raise OtherLabelsError(said, keys) if keys and theirs.get("rows") == ours["rows"] else ValueError(said)
    batches = arguments.integer("state['batches']", state["batches"], 0, 2**63)
    epoch = arguments.integer("state['epoch']", state["epoch"], 0, (_DEALT_EPOCHS if dealt else _WORDS) + 1)
    fixed = feed.fixed_epoch
    if fixed is not None and epoch != fixed:
        raise ValueError(
            f"state['epoch'] is {epoch}, and this sampler has fixed_epoch={fixed}, which every iteration is"
        )
    if dealt:
        return epoch, batches, 0, 0, None
    generator = state["generator"]
    if not isinstance(generator, Mapping) or not {"batches", "words", "half"} <= generator.keys():
        raise ValueError("state['generator'] must be what state_dict() returned")
    half = generator["half"]
    return (
        epoch,
        batches,
        arguments.integer("state['generator']['batches']", generator["batches"], 0, batches + 1),
        arguments.integer("state['generator']['words']", generator["words"], 0, _WORDS),
        None if half is None else arguments.integer("state['generator']['half']", half, 0, 2**32),
    )


def _plain(name: str, value: Any) -> bool | int | float | str | None:
    """Return a value of a fingerprint as a plain one: some ways of keeping states turn numbers into numpy's."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{name} must be a number, a text, True, False or None, got {type(value).__name__}")


def _refuse_other_sampler(theirs: Any, ours: int) -> None:
    """Raise where a state is of the other kind of sampler."""
    if theirs != ours and theirs in _SAMPLERS:
        raise ValueError(
            f"state is of a {_SAMPLERS[theirs]}, and this is a {_SAMPLERS[ours]}: resume with the class that the state "
            "was made with"
        )
