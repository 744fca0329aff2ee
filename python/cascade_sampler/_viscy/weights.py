"""Weights of groups, from VisCy's texts to labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cascade_sampler._index.index import Index
from cascade_sampler._samplers import log
from cascade_sampler._tables.keys import make_key
from cascade_sampler._tables.open import open_table
from cascade_sampler._viscy.texts import other_texts, texts

_MOST = 10


def as_mapping(weights: Any) -> Any:
    """Return a Series of weights as a dict, and anything else as it is.

    Raises
    ------
    ValueError
        Where the index of a Series holds a name twice.
    """
    if isinstance(weights, Mapping) or not (hasattr(weights, "items") and hasattr(weights, "index")):
        return weights
    pairs = list(weights.items())
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("group_weights names a group twice, in the index of the Series: name it once")
    return named


def by_label(weights: Mapping[Any, float], source: Any, groups: Sequence[Any], rank: int | None) -> Mapping[Any, float]:
    """Return the weights under the labels whose texts they were given under, without those that no row has.

    Raises
    ------
    ValueError
        Where a group is named twice, or none that has rows.
    """
    if isinstance(source, Index):
        labels = source.experiments
    else:
        table = open_table(source)
        if any(name not in table.names for name in groups):
            # The sampler says what is missing.
            return weights
        columns = table.read(list(groups), None).columns
        labels = make_key([columns[name] for name in groups], True).labels
    known = dict(zip(texts(_local(labels, source, groups)), labels, strict=True))
    for text, label in by_text("batch_group_by", labels).items():
        known.setdefault(text, label)
    for label in labels:
        for text in other_texts(label):
            known.setdefault(text, label)
    named: dict[Any, float] = {}
    unknown = []
    for name, weight in weights.items():
        label = known.get(name, name)
        if label in named:
            raise ValueError("group_weights names a group twice, by its text and by its label: name it once")
        if name in known or name in labels:
            named[label] = weight
        else:
            unknown.append(name)
    if not named:
        raise ValueError(
            f"group_weights names no group that has rows: it names {_listed(unknown)}, and the groups are "
            f"{_listed(texts(labels))}"
        )
    if unknown:
        log.say(rank, "group_weights names groups without rows, which are ignored, as in VisCy: %s", _listed(unknown))
    return named


def by_text(argument: str, labels: Sequence[Any]) -> dict[Any, Any]:
    """Return the labels by their texts.

    Raises
    ------
    ValueError
        Where two labels have the same text.
    """
    found: dict[Any, Any] = {}
    for text, label in zip(texts(labels), labels, strict=True):
        if text in found:
            raise ValueError(
                f"{argument}: the labels {found[text]!r} and {label!r} have the same text {text!r}, and VisCy, which "
                "goes by the text, makes them one: rename one of them, or use cascade_sampler.FlexibleBatchSampler, "
                "which tells them apart"
            )
        found[text] = label
    return found


def _local(labels: Sequence[Any], source: Any, groups: Sequence[Any]) -> list[Any]:
    """Return labels, which have their moments in UTC, with those in the zone of a pandas column."""
    zones = [_zone(source, name) for name in groups]
    if not any(zones):
        return list(labels)
    if len(groups) == 1:
        return [_moved(label, zones[0]) for label in labels]
    return [tuple(map(_moved, label, zones)) for label in labels]


def _zone(source: Any, name: Any) -> Any:
    if type(source).__module__.partition(".")[0] != "pandas" or not hasattr(source, "dtypes"):
        return None
    dtype = source.dtypes[name]
    return getattr(getattr(getattr(dtype, "categories", None), "dtype", dtype), "tz", None)


def _moved(label: Any, zone: Any) -> Any:
    if zone is None:
        return label
    import pandas as pd

    moment = pd.Timestamp(label)
    return (moment.tz_localize("UTC") if moment.tz is None else moment).tz_convert(zone)


def _listed(names: Sequence[Any]) -> str:
    shown = ", ".join(map(repr, names[:_MOST]))
    return shown if len(names) <= _MOST else f"{shown} and {len(names) - _MOST} more"
