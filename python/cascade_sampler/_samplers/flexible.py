"""The sampler whose batches are those of VisCy's: every batch is drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cascade_sampler import _core
from cascade_sampler._index.index import Index
from cascade_sampler._samplers import arguments
from cascade_sampler._samplers.base import CascadeBase
from cascade_sampler._samplers.kinds import MISSING, IndexDtype, Label, Missing
from cascade_sampler._samplers.over import SWITCHES, index_of, keys
from cascade_sampler._samplers.plan import make_plan
from cascade_sampler._samplers.settings import GLOBAL_FRACTION, WINDOW, WORDS, Settings, shared
from cascade_sampler._tables.names import key_columns
from cascade_sampler._tables.rows import ROWS

_EXPERIMENT_KEY, _CONDITION_KEY = "experiment", "condition"
_TIME_KEY = "hours_post_infection"


class FlexibleBatchSampler(CascadeBase):
    """Decide which rows of a table go into each training batch, drawing every batch anew as VisCy's sampler does.

    For the same seed the batches are, index for index, those of the numpy sampler in VisCy. Each is made in four steps:

    1. Pick an experiment by weight.
    2. Give a fraction of the seats to rows of other experiments (the leak).
    3. Split the other seats over the conditions of the experiment. Most of them can go to rows near a focal time.
    4. Fill the seats with rows. A group with fewer rows than seats repeats rows.

    An epoch is not a pass over the table: about half to two thirds of the rows are seen. Seats that do not divide among
    the conditions all go to the last one. `CascadeSampler` deals rows out instead, and spreads these seats.

    Parameters
    ----------
    valid_anchors : table or Index
        The samples, one a row: a pandas or polars DataFrame, a pyarrow Table, anything with the Arrow stream interface,
        or a mapping of column names to one-dimensional arrays. Only the columns that are used are read, and nothing is
        kept but row numbers and times. Fewer than 2^32 rows. Batches hold positions in it, 0 to rows - 1, and not
        labels of its index. An `Index` of the table does as well: its keys and `missing` then stand for the defaults of
        these arguments.
    batch_size : int, default 128
        Rows of a batch.
    experiment_aware : bool, default True
        Whether each batch has one experiment. Otherwise all rows are one pool, and nothing leaks.
    leaky : float, default 0.0
        Fraction of a batch that comes from other experiments, in [0, 1]; ``int(batch_size * leaky)`` rows, at the end
        of the batch.
    experiment_weights : mapping of label to float, optional
        Relative chance of each experiment to be picked. Experiments you do not list get weight 0: they are never
        picked, but their rows may leak. Default: its share of the rows. For a key of several columns a label is a
        tuple.
    condition_balanced : bool, default True
        Whether the seats of the picked experiment are split over its conditions.
    condition_ratio : mapping of label to float, optional
        Relative number of seats of each condition; 0 leaves it out. List every condition: one that is missing counts as
        1/k, k the number of conditions in the experiment, whatever the scale of the others. Default: equal shares.
    num_replicas, rank : int or None, default 1 and 0
        Number of processes that share an epoch, and which of them this is. They are never guessed. None for both takes
        those of torch.distributed, which must be initialised before the first batch or ``len()``.
    seed : int, default 0
        Seed of epoch 0; epoch e is drawn from ``seed + e``, which must be below 2^64.
    drop_last : bool, default True
        Whether rows that do not fill a batch are left out when the batches of an epoch are counted. If False, and the
        rows do not divide, the last batch is short.
    experiment_key, condition_key : str or list of str, default "experiment" and "condition"
        Column, or columns, that name a row's experiment and condition. Needed only where the feature is on.
    num_batches : int, optional
        Global batches of an epoch, all of `batch_size`. Default: rows // `batch_size`, and the short one.
    index_dtype : {"int64", "int32", "uint32", "list"}, default "int64"
        What a batch is: a numpy array of that type, or a list of int. A dataset that hashes, seeds or looks up with an
        index wants "list", because the elements of an array are numpy integers.
    temporal_enrichment : bool, default False
        Whether each batch has a focal time. It is one of the distinct times of the experiment, all equally likely. The
        seats that do not leak go to rows near it, but for `temporal_global_fraction` of them.
    temporal_window_hours : float, default 2.0
        How far from the focal time a row may be and still count as near, in hours. 0 takes equal times only, infinity
        takes all.
    temporal_global_fraction : float, default 0.3
        Share of the seats that do not leak which goes to rows that are not near, in [0, 1]. Seats are rounded down.
    time_key : str, default "hours_post_infection"
        Column of the times: numbers of hours, dates with times, or durations. A float32 column is worked on as float32.
        Needed only where temporal enrichment is on.
    missing : {"error", "exclude"}, default "error"
        What to do about rows without an experiment, a condition or a time (null, NaN, NaT) where these are used.
        "error" refuses the table. "exclude" leaves such rows out; the other rows keep their positions.

    Raises
    ------
    TypeError
        For an argument of the wrong type, a table that is none or lazy, labels that do not sort, times of a type that
        is none.
    ValueError
        For an argument out of its range, an empty table, missing labels or times, infinite times, names without rows,
        an experiment without a condition to draw from, an epoch without batches.
    KeyError
        For a column that the table does not have.
    MemoryError
        Where the row numbers do not fit into memory: 4 bytes a row, 8 with leak and conditions, 3 to 19 more with
        times, and some 30 for each pair of experiment and condition that has rows.

    Notes
    -----
    If `set_epoch` is not called between two iterations, the second one is of the next epoch, so a run that forgets it
    does not repeat its data. ``next()`` starts the epoch, not ``iter()``.

    ``docs/specification.md`` has the rules, and says why they are as they are.

    Examples
    --------
    >>> table = {"experiment": ["a"] * 6 + ["b"] * 6, "condition": ["x", "y"] * 6}
    >>> sampler = FlexibleBatchSampler(table, batch_size=4, seed=1)
    >>> len(sampler)
    3
    >>> next(iter(sampler))
    array([10,  8,  7, 11])
    """

    def __init__(
        self,
        valid_anchors: Any,
        batch_size: int = 128,
        experiment_aware: bool = True,
        leaky: float = 0.0,
        experiment_weights: Mapping[Label, float] | None = None,
        condition_balanced: bool = True,
        condition_ratio: Mapping[Label, float] | None = None,
        num_replicas: int | None = 1,
        rank: int | None = 0,
        seed: int = 0,
        drop_last: bool = True,
        *,
        experiment_key: str | list[str] = _EXPERIMENT_KEY,
        condition_key: str | list[str] = _CONDITION_KEY,
        num_batches: int | None = None,
        index_dtype: IndexDtype = "int64",
        temporal_enrichment: bool = False,
        temporal_window_hours: float = WINDOW,
        temporal_global_fraction: float = GLOBAL_FRACTION,
        time_key: str = _TIME_KEY,
        missing: Missing = "error",
    ) -> None:
        aware = arguments.flag("experiment_aware", experiment_aware)
        weights = arguments.proportions("experiment_weights", experiment_weights)
        balanced = arguments.flag("condition_balanced", condition_balanced)
        deal = arguments.ranks(num_replicas, rank, ROWS)
        experiment_key, condition_key, time_key, missing = keys(
            valid_anchors,
            experiment_key,
            condition_key,
            time_key,
            arguments.choice("missing", missing, MISSING),
            (_EXPERIMENT_KEY, _CONDITION_KEY, _TIME_KEY),
        )
        experiment_columns = key_columns("experiment_key", experiment_key)
        condition_columns = key_columns("condition_key", condition_key)
        batches = None if num_batches is None else arguments.integer("num_batches", num_batches, 1, 2**63)
        temporal = arguments.flag("temporal_enrichment", temporal_enrichment)
        time_column = arguments.column("time_key", time_key) if temporal else None
        settings = Settings(
            **shared(
                batch_size=batch_size,
                leaky=leaky,
                condition_ratio=condition_ratio,
                experiment_key=experiment_key,
                condition_key=condition_key,
                time_key=time_key,
                temporal_window_hours=temporal_window_hours,
                temporal_global_fraction=temporal_global_fraction,
                seed=seed,
                index_dtype=index_dtype,
                missing=missing,
            ),
            drop_last=arguments.flag("drop_last", drop_last),
        )
        self._aware, self._balanced, self._temporal = aware, balanced, temporal

        # Validation above is done for what is off as well; from here on what is off is gone.
        leaky = settings.leaky if aware else 0.0
        index = index_of(
            valid_anchors,
            "valid_anchors",
            experiment_columns if aware else (),
            condition_columns if balanced else (),
            time_column,
            settings,
            pools=int(settings.batch_size * leaky) > 0,
            switches=SWITCHES,
        )
        plan = make_plan(
            index,
            weights if aware else None,
            settings.condition_ratio if balanced else None,
            lambda weight_values, ratio_values: _core.Plan(
                index._core,
                settings.batch_size,
                leaky,
                weight_values,
                ratio_values,
                settings.drop_last,
                batches,
                settings.temporal_window_hours,
                settings.temporal_global_fraction,
            ),
        )
        unaware = not aware and "experiment_aware=False"
        unbalanced = not balanced and "condition_balanced=False"
        untimed = not temporal and "temporal_enrichment=False"
        # The keys of an index are there whether or not they are used.
        is_table = not isinstance(valid_anchors, Index)
        no_effect = {
            "leaky": settings.leaky > 0 and unaware,
            "experiment_weights": weights is not None and unaware,
            "experiment_key": is_table and experiment_columns != (_EXPERIMENT_KEY,) and unaware,
            "condition_ratio": settings.condition_ratio is not None and unbalanced,
            "condition_key": is_table and condition_columns != (_CONDITION_KEY,) and unbalanced,
            "drop_last": not settings.drop_last and batches is not None and "num_batches is given",
            "temporal_window_hours": settings.temporal_window_hours != WINDOW and untimed,
            "temporal_global_fraction": settings.temporal_global_fraction != GLOBAL_FRACTION and untimed,
            "time_key": is_table and time_key != _TIME_KEY and untimed,
        }
        self._start(valid_anchors, index, plan, settings, deal, WORDS - settings.seed, no_effect)

    @property
    def experiment_aware(self) -> bool:
        """Whether each batch has one experiment."""
        return self._aware

    @property
    def condition_balanced(self) -> bool:
        """Whether the seats of the picked experiment are split over its conditions."""
        return self._balanced

    @property
    def temporal_enrichment(self) -> bool:
        """Whether each batch has a focal time."""
        return self._temporal


# Under the name that users import: a pickle must not depend on which room the class is in.
FlexibleBatchSampler.__module__ = "cascade_sampler"
