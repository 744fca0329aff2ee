"""What an index knows beside its rows, as the texts that stand in its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._index import digests
from cascade_sampler._index.facts import Facts, NamedLabels
from cascade_sampler._index.labels import packed, unpacked
from cascade_sampler._tables.listing import Listing

_MISSING = ("error", "exclude")
_LABELS = {"experiment_key": "experiments", "condition_key": "conditions"}
_READ = ("missing", "left_out", digests.KEY, "time_key", *_LABELS, *_LABELS.values())


def written(index: _core.Index, facts: Facts) -> dict[str, str]:
    """Return the texts.

    Raises
    ------
    ValueError
        For a label, or the name of a column, that cannot be kept.
    """
    told = digests.digests(index)
    found: dict[str, Any] = {"missing": facts.missing, "left_out": dict(facts.left_out), digests.KEY: told}
    for key, name, named in (
        ("experiment_key", "experiments", facts.experiments),
        ("condition_key", "conditions", facts.conditions),
    ):
        if named is not None:
            columns = [*map(packed, named.columns)]
            found[key] = columns if named.listed else columns[0]
            found[name] = [*map(packed, named.labels)]
    if facts.time_key is not None:
        found["time_key"] = packed(facts.time_key)
    # ASCII: a lone surrogate in a label is an escape.
    return {name: json.dumps(value, allow_nan=False, separators=(",", ":")) for name, value in found.items()}


def read(index: _core.Index, gone: Sequence[str] = ()) -> Facts:
    """Return the facts of an index that was opened.

    Parameters
    ----------
    index : Index
        Of the core.
    gone : sequence of {"experiment_key", "condition_key", "time_key"}
        What the file has and this index does without.

    Raises
    ------
    ValueError
        Where they do not fit the index, or are not what `written` makes.
    """
    left = {name: text for name, text in (index.metadata or {}).items() if name not in gone}
    for key, name in _LABELS.items():
        if key in gone:
            left.pop(name, None)
    try:
        found = {name: json.loads(text) for name, text in left.items() if name in _READ}
        lacking = [name for name in ("missing", "left_out", digests.KEY) if name not in found]
        if lacking:
            raise ValueError(f"it has no {lacking[0]}, so Python did not write it: build the index in Python")
        if found["missing"] not in _MISSING or not _is_counts(found["left_out"]):
            raise ValueError("what it says of missing labels is not what is written there")
        experiments = _named(found, "experiment_key", "experiments", index.has_experiments, index.experiment_labels)
        conditions = _named(found, "condition_key", "conditions", index.has_conditions, index.condition_labels)
        if ("time_key" in found) != index.has_times:
            raise ValueError("it does not name the column of its times")
        time_key = unpacked(found["time_key"]) if index.has_times else None
        told = digests.read(index.metadata)
        there = {"experiments": experiments, "conditions": conditions, "times": time_key}
        if any(told.get(name) is None for name, is_there in there.items() if is_there is not None):
            raise ValueError("it lacks a digest")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the metadata of the index file is damaged: {error}") from None
    return Facts(experiments, conditions, time_key, found["missing"], found["left_out"])


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(type(count) is int and count > 0 for count in value.values())


def _named(
    found: Mapping[str, Any], key: str, name: str, is_there: bool, used: NDArray[np.uint32]
) -> NamedLabels | None:
    if (key in found) != is_there or (name in found) != is_there:
        raise ValueError(f"its {name} and their columns do not fit its rows")
    if not is_there:
        return None
    columns, labels = found[key], found[name]
    if not isinstance(labels, list) or len(labels) <= max(used.tolist(), default=-1):
        raise ValueError(f"it has fewer labels of its {name} than {name}")
    listed = isinstance(columns, list)
    if listed and not columns:
        raise ValueError(f"{key} names no column")
    return NamedLabels(
        tuple(map(unpacked, columns if listed else [columns])), listed, Listing(tuple(map(unpacked, labels)))
    )
