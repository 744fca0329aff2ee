"""What is written down of a run, so that it can be carried on, and what it must fit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._samplers import arguments

_SPECIFICATION = 1
_WORDS = 2**64
_PIECE = 2**22

#: Epoch, global batches done, and where a stream stood on the way: batches, words of the generator, the half kept.
Place = tuple[int, int, int, int, int | None]


def fingerprint(plan: _core.Plan, seed: int) -> dict[str, Any]:
    """Return what two samplers must share to yield the same global batches, by name.

    Which rank of how many a sampler is does not matter, nor what labels are called.
    """
    (rows, experiments, conditions, times, batch_size, leaky, _, ratios, drop_last, batches, window, fraction) = (
        plan.__reduce__()[1]
    )
    columns = [
        chunks[0][0] if column else None for column in (experiments, conditions) for chunks, _ in [column or ([], 0)]
    ]
    return {
        "specification": _SPECIFICATION,
        "rows": rows,
        "experiments": _digest(columns[0]),
        "conditions": _digest(columns[1]),
        "times": _digest(times[0] if times else None),
        "seed": seed,
        "batch_size": batch_size,
        "leaky": leaky,
        "weights": _digest(plan.weights),
        "ratios": _digest(None if ratios is None else np.array(ratios, dtype=np.float64)),
        "drop_last": drop_last if batches is None else None,
        "num_batches": plan.batches,
        "window": window if times else None,
        "global_fraction": fraction if times else None,
    }


def _digest(values: NDArray[Any] | None) -> str | None:
    """Hash numbers; the same on machines of either byte order."""
    if values is None or len(values) == 0:
        return None
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    digest = hashlib.sha256(little.dtype.str.encode())
    # By the piece: Ctrl-C is answered between them.
    for start in range(0, len(little), _PIECE):
        digest.update(little[start : start + _PIECE].data)
    return digest.hexdigest()[:32]


def pack(feed: _core.Feed, place: Place) -> dict[str, Any]:
    """Return a fresh state of plain values."""
    epoch, batches, drawn, words, kept = place
    return {
        "epoch": epoch,
        "batches": batches,
        "generator": {"batches": drawn, "words": words, "half": kept},
        "fingerprint": dict(feed.fingerprint),
    }


def moved(state: dict[str, Any], epoch: int, batches: int) -> dict[str, Any]:
    """Return a sampler's state at another position; the generator is kept where it stands on the way there.

    Parameters
    ----------
    state : dict
        From `pack`.
    epoch : int
        The epoch to go on in.
    batches : int
        Global batches of it that are done.
    """
    generator = state["generator"]
    if state["epoch"] != epoch or generator["batches"] > batches:
        generator = {"batches": 0, "words": 0, "half": None}
    return {**state, "epoch": epoch, "batches": batches, "generator": generator}


def _reader(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """Return what may be the reason where labels are the only difference of two tables."""
    labels = ("experiments", "conditions")
    if theirs.get("rows") != ours["rows"] or all(theirs.get(name) == ours[name] for name in labels):
        return ""
    return (
        ". If the table is the same, it may have been read by another library: a pandas Categorical is in the order of "
        "its categories, and pandas lists those of a parquet file that are not marked ordered by first appearance; "
        "pyarrow and polars have them by value; convert the column to text, or read it as before"
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
    lacking = [name for name in ("epoch", "batches", "generator", "fingerprint") if name not in state]
    if lacking:
        raise ValueError(f"state must be what state_dict() returned; it lacks {', '.join(lacking)}")
    theirs, ours = state["fingerprint"], feed.fingerprint
    if not isinstance(theirs, Mapping):
        raise TypeError(f"state['fingerprint'] must be a dict, got {type(theirs).__name__}")
    different = [
        f"{name} (state: {json.dumps(theirs.get(name), default=str)}, here: {json.dumps(ours.get(name))})"
        for name in {**ours, **theirs}
        if theirs.get(name) != ours.get(name)
    ]
    if different:
        raise ValueError(
            f"state does not fit this sampler: they differ in {', '.join(different)}; "
            "resume with the table and the settings that the state was made with" + _reader(theirs, ours)
        )
    generator = state["generator"]
    if not isinstance(generator, Mapping) or not {"batches", "words", "half"} <= generator.keys():
        raise ValueError("state['generator'] must be what state_dict() returned")
    batches = arguments.integer("state['batches']", state["batches"], 0, 2**63)
    half = generator["half"]
    return (
        arguments.integer("state['epoch']", state["epoch"], 0, _WORDS + 1),
        batches,
        arguments.integer("state['generator']['batches']", generator["batches"], 0, batches + 1),
        arguments.integer("state['generator']['words']", generator["words"], 0, _WORDS),
        None if half is None else arguments.integer("state['generator']['half']", half, 0, 2**32),
    )
