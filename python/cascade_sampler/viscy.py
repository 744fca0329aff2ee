"""The interface that VisCy's own sampler has today, over this package's sampler."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from cascade_sampler._samplers import arguments
from cascade_sampler._samplers.flexible import FlexibleBatchSampler as _Sampler
from cascade_sampler._samplers.kinds import IndexDtype, Label, Missing
from cascade_sampler._tables import labels as _labels
from cascade_sampler._tables.keys import make_key
from cascade_sampler._tables.names import key_columns
from cascade_sampler._tables.open import open_table

_logger = logging.getLogger("cascade_sampler")

_TIME_KEY = "hours_post_perturbation"
_ARGUMENTS = {
    "experiment_key": "batch_group_by",
    "experiment_weights": "group_weights",
    "condition_key": "stratify_by",
    "time_key": "temporal_enrichment",
}


class FlexibleBatchSampler(_Sampler):
    """The sampler with the arguments of VisCy's: same names, same order, same defaults, same batches.

    What VisCy calls a group is an experiment here, and a stratum a condition. ``docs/viscy.md`` lists the cases in
    which the two differ on purpose.

    Parameters
    ----------
    valid_anchors : table
        The samples, one a row. Any table that `cascade_sampler.FlexibleBatchSampler` takes.
    batch_size : int, default 128
        Rows of a batch.
    batch_group_by : str or list of str, optional
        Column, or columns, whose value all rows of a batch share, but for those that leak. Default: all rows are one
        pool, and nothing leaks.
    leaky : float, default 0.0
        Fraction of a batch that comes from other groups, in [0, 1].
    group_weights : mapping of str to float, optional
        Relative chance of each group to be picked, by the text of its label: the parts of a key of several columns
        joined by ``|``. The label itself is understood too. Groups you do not list get weight 0: they are never picked,
        but their rows may leak. Default: its share of the rows.
    stratify_by : str or list of str, optional, default "perturbation"
        Column, or columns, over whose values the seats of a batch are split evenly. None: they are not split.
    temporal_enrichment : bool, default False
        Whether each batch has a focal time, near which most of its rows are; the times are in the column
        ``hours_post_perturbation``. As in VisCy, such a batch is not split over strata, unless `keep_strata` asks for
        it.
    temporal_window_hours : float, default 2.0
        How far from the focal time is near.
    temporal_global_fraction : float, default 0.3
        Share of the seats that do not leak for rows that are not near, in [0, 1].
    num_replicas, rank : int or None, default 1 and 0
        Number of processes that share an epoch, and which of them this is.
    seed : int, default 0
        Seed of epoch 0.
    drop_last : bool, default True
        Whether rows that do not fill a batch are left out when the batches of an epoch are counted.
    keep_strata : bool, default False
        Whether a batch with a focal time is split over the strata too.
    num_batches : int, optional
        Global batches of an epoch. Default: rows // `batch_size`, and the short one.
    index_dtype : {"list", "int64", "int32", "uint32"}, default "list"
        What a batch is: a list of int, as VisCy has it, or a numpy array of that type.
    missing : {"error", "exclude"}, default "error"
        What to do about rows without a group, a stratum or a time where these are used: refuse the table, or leave such
        rows out.

    Raises
    ------
    TypeError, ValueError, KeyError, MemoryError
        As `cascade_sampler.FlexibleBatchSampler` does; and a ValueError where two labels of the groups, or of the
        strata, have the same text.

    Examples
    --------
    >>> table = {"marker": ["a"] * 6 + ["b"] * 6, "perturbation": ["x", "y"] * 6}
    >>> sampler = FlexibleBatchSampler(table, batch_size=4, batch_group_by="marker", seed=1)
    >>> next(iter(sampler))
    [10, 8, 7, 11]
    """

    def __init__(
        self,
        valid_anchors: Any,
        batch_size: int = 128,
        batch_group_by: str | list[str] | None = None,
        leaky: float = 0.0,
        group_weights: Mapping[Label, float] | None = None,
        stratify_by: str | list[str] | None = "perturbation",
        temporal_enrichment: bool = False,
        temporal_window_hours: float = 2.0,
        temporal_global_fraction: float = 0.3,
        num_replicas: int | None = 1,
        rank: int | None = 0,
        seed: int = 0,
        drop_last: bool = True,
        *,
        keep_strata: bool = False,
        num_batches: int | None = None,
        index_dtype: IndexDtype = "list",
        missing: Missing = "error",
    ) -> None:
        leaky = arguments.fraction("leaky", leaky)
        weights = arguments.proportions("group_weights", group_weights)
        groups = [] if batch_group_by is None else list(key_columns("batch_group_by", batch_group_by))
        strata = [] if stratify_by is None else list(key_columns("stratify_by", stratify_by))
        temporal = arguments.flag("temporal_enrichment", temporal_enrichment)
        both = arguments.flag("keep_strata", keep_strata)
        dropped = bool(strata) and temporal and not both
        used: dict[str, Any] = {}
        if groups:
            if weights is not None and hasattr(valid_anchors, "read_all"):
                # The labels of the groups are looked at before the table is read, and a stream is read but once.
                valid_anchors = valid_anchors.read_all()
            used["experiment_key"] = groups
            used["leaky"] = leaky
        if strata and not dropped:
            used["condition_key"] = strata
        if temporal:
            used["time_key"] = _TIME_KEY
        try:
            if groups and weights is not None:
                used["experiment_weights"] = _by_label(weights, valid_anchors, groups)
            super().__init__(
                valid_anchors,
                batch_size,
                experiment_aware=bool(groups),
                condition_balanced="condition_key" in used,
                num_replicas=num_replicas,
                rank=rank,
                seed=seed,
                drop_last=drop_last,
                num_batches=num_batches,
                index_dtype=index_dtype,
                temporal_enrichment=temporal,
                temporal_window_hours=temporal_window_hours,
                temporal_global_fraction=temporal_global_fraction,
                missing=missing,
                **used,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _in_words_of_viscy(error) from error
        _by_text("batch_group_by", self.experiments)
        _by_text("stratify_by", self.conditions)

        without_effect = {"leaky": leaky > 0, "group_weights": weights is not None}
        named = [f"{argument} (batch_group_by=None)" for argument, given in without_effect.items() if given]
        if named and not groups:
            _logger.warning("These arguments have no effect: %s", ", ".join(named))
        if dropped:
            _logger.warning(
                "temporal_enrichment=True leaves stratify_by=%r out, as VisCy does: "
                "keep_strata=True splits a batch by time and by strata",
                stratify_by,
            )


def _by_label(weights: dict[Any, float], source: Any, groups: list[Any]) -> dict[Any, float]:
    """Return the weights under the labels whose texts they were given under; other names stay as they are."""
    table = open_table(source)
    if any(name not in table.names for name in groups):
        return weights
    columns = table.read(groups, None).columns
    labels = _by_text("batch_group_by", make_key([columns[name] for name in groups], True).labels)
    named = {labels.get(name, name): weight for name, weight in weights.items()}
    if len(named) < len(weights):
        raise ValueError("group_weights names a group twice, by its text and by its label: name it once")
    return named


def _by_text(argument: str, labels: tuple[Any, ...]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for label in labels:
        text = _text(label)
        if text in found:
            raise ValueError(
                f"{argument}: the labels {found[text]!r} and {label!r} have the same text {text!r}, and VisCy, which "
                "goes by the text, makes them one: rename one of them, or use cascade_sampler.FlexibleBatchSampler, "
                "which tells them apart"
            )
        found[text] = label
    return found


def _text(label: Any) -> str:
    if isinstance(label, tuple):
        return "|".join(map(_labels.text, label))
    # A key of one column has for durations the text that upstream has, Python's or numpy's own.
    return str(label) if isinstance(label, (timedelta, np.timedelta64)) else _labels.text(label)


def _in_words_of_viscy(error: Exception) -> Exception:
    """Return the error with the argument that it begins with under the name that the user gave it by."""
    message = str(error.args[0]) if error.args else ""
    for ours, theirs in _ARGUMENTS.items():
        if message.startswith(ours):
            return type(error)(theirs + message.removeprefix(ours))
    return error
