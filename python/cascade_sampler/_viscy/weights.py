"""Weights of groups, from VisCy's texts to labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cascade_sampler._index.index import Index
from cascade_sampler._samplers import log
from cascade_sampler._tables.keys import make_key
from cascade_sampler._tables.listing import Listing
from cascade_sampler._tables.open import Contents, open_table
from cascade_sampler._tables.rows import Rows
from cascade_sampler._tables.shown import listed, shown
from cascade_sampler._viscy.texts import other_texts, texts


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


def by_label(
    weights: Mapping[Any, float],
    source: Any,
    groups: Sequence[Any],
    others: tuple[Sequence[Any], Any],
    rank: int | None,
) -> Mapping[Any, float]:
    """Return the weights under the labels whose texts they were given under, without those that no row has.

    Parameters
    ----------
    weights : mapping
        As given.
    source : table
        As given.
    groups : sequence
        Columns of the groups.
    others : tuple
        The columns of the strata and that of the times (None: of none), whose gaps leave rows out, too.
    rank : int, optional
        Only rank 0 logs.

    Raises
    ------
    ValueError
        Where a group is named twice, or none that has rows.
    """
    labels: Sequence[Any]
    if isinstance(source, Index):
        labels = source.experiments
    else:
        table = open_table(source)
        strata, time = others
        wanted = list(dict.fromkeys([*groups, *strata]))
        if any(name not in table.names for name in [*wanted, *([] if time is None else [time])]):
            # The sampler says what is missing.
            return weights
        labels = _left(table.read(wanted, time), groups, strata)
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
            f"group_weights names no group that has rows: it names {listed(unknown)}, and the groups are "
            f"{listed(texts(labels))}"
        )
    if unknown:
        log.say(rank, "group_weights names groups without rows, which are ignored, as in VisCy: %s", listed(unknown))
    return named


def _left(contents: Contents, groups: Sequence[Any], strata: Sequence[Any]) -> Listing:
    """Return the groups of the rows that have all that is used."""
    key = make_key([contents.columns[name] for name in groups], True)
    other = make_key([contents.columns[name] for name in strata], True) if strata else None
    hours = contents.times.hours(None) if contents.times is not None else None
    kept = Rows(contents.rows, key, other, hours, {}).kept()
    return key.labels if kept.all() else key.labels.take(np.unique(key.numbers()[kept]))


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
                f"{argument}: the labels {shown(found[text])} and {shown(label)} have the same text {shown(text)}, and "
                "VisCy, which goes by the text, makes them one: rename one of them, or use "
                "cascade_sampler.FlexibleBatchSampler, which tells them apart"
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
