"""The batch sampler that a user puts into a DataLoader."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray
from torch.utils.data import Sampler

from cascade_sampler import _core, checks, replacement
from cascade_sampler.key import Key, make_key
from cascade_sampler.labels import by_label
from cascade_sampler.table import Table, open_table

_logger = logging.getLogger("cascade_sampler")

_ROWS = 2**32
_WORDS = 2**64
_INDEX_DTYPES = ("int64", "int32", "uint32", "list")


class FlexibleBatchSampler(Sampler[Any]):
    """Decide which rows of a table go into each training batch.

    Every batch is composed by a cascade: one experiment is picked by weight; a fraction of the seats leaks to rows of
    other experiments; the rest is split over the experiment's conditions. A group with fewer rows than seats is drawn
    with replacement. For the same seed the batches are, index for index, those of the numpy sampler in VisCy.

    Parameters
    ----------
    valid_anchors : table
        The samples, one a row: a pandas or polars DataFrame, a pyarrow Table, anything with the Arrow stream interface,
        or a mapping of column names to one-dimensional arrays. Only the key columns are read, and nothing is kept but
        row numbers. Fewer than 2^32 rows.
    batch_size : int, default 128
        Rows of a batch.
    experiment_aware : bool, default True
        Whether each batch has one experiment. Otherwise all rows are one pool, and nothing leaks.
    leaky : float, default 0.0
        Fraction of a batch that comes from other experiments, in [0, 1]; ``int(batch_size * leaky)`` rows, at the end
        of the batch.
    experiment_weights : mapping of label to float, optional
        Relative chance of each experiment to be picked; an experiment that is not named is never picked, and its rows
        can leak. Default: its share of the rows. For a key of several columns a label is a tuple.
    condition_balanced : bool, default True
        Whether the seats of the picked experiment are split over its conditions.
    condition_ratio : mapping of label to float, optional
        Relative number of seats of each condition. One that is not named counts as 1 / (number of conditions in the
        experiment); 0 leaves it out. Default: equal shares.
    num_replicas, rank : int, default 1 and 0
        Number of processes that share an epoch, and which of them this is. They are never guessed.
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
        What a batch is: a numpy array of that type, or a list of int.

    Raises
    ------
    TypeError
        For an argument of the wrong type, a table that is none or lazy, labels that do not sort.
    ValueError
        For an argument out of its range, an empty table, missing labels, names without rows, an experiment without a
        condition to draw from, an epoch without batches.
    KeyError
        For a column that the table does not have.
    MemoryError
        Where the row numbers do not fit into memory: 4 bytes a row, 8 with leak and conditions, and some 30 bytes for
        each pair of experiment and condition that has rows.

    Notes
    -----
    Iterating without `set_epoch` since the last iteration moves on to the next epoch, so that a run which forgets it
    does not repeat its data. An iteration begins with its first ``next()``: it takes the pending epoch then, and leaves
    the following one pending.

    The rules, and why they are as they are, stand in ``docs/specification.md``.

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
        experiment_weights: Mapping[Any, float] | None = None,
        condition_balanced: bool = True,
        condition_ratio: Mapping[Any, float] | None = None,
        num_replicas: int = 1,
        rank: int = 0,
        seed: int = 0,
        drop_last: bool = True,
        *,
        experiment_key: str | list[str] = "experiment",
        condition_key: str | list[str] = "condition",
        num_batches: int | None = None,
        index_dtype: str = "int64",
    ) -> None:
        self._batch_size = checks.integer("batch_size", batch_size, 1, _ROWS)
        aware = checks.flag("experiment_aware", experiment_aware)
        leaky = checks.fraction("leaky", leaky)
        weights = checks.proportions("experiment_weights", experiment_weights)
        balanced = checks.flag("condition_balanced", condition_balanced)
        ratios = checks.proportions("condition_ratio", condition_ratio)
        self._num_replicas = checks.integer("num_replicas", num_replicas, 1, _ROWS)
        self._rank = checks.integer("rank", rank, 0, self._num_replicas)
        self._seed = checks.integer("seed", seed, 0, _WORDS)
        self._drop_last = checks.flag("drop_last", drop_last)
        experiment_columns = checks.columns("experiment_key", experiment_key)
        condition_columns = checks.columns("condition_key", condition_key)
        batches = None if num_batches is None else checks.integer("num_batches", num_batches, 1, 2**63)
        self._index_dtype = checks.choice("index_dtype", index_dtype, _INDEX_DTYPES)

        table = open_table(valid_anchors)
        rows, experiments, conditions = _read(
            table, experiment_columns if aware else (), condition_columns if balanced else (), self._index_dtype
        )
        # Validation above is done for what is off as well; from here on what is off is gone.
        plan = _plan(
            rows,
            experiments,
            conditions,
            batch_size=self._batch_size,
            leaky=leaky if aware else 0.0,
            weights=weights if aware else None,
            ratios=ratios if balanced else None,
            drop_last=self._drop_last,
            batches=batches,
        )
        self._feed = _core.Feed(plan, self._seed, self._num_replicas, self._rank, self._index_dtype)
        self._experiments = _labels_with_rows(experiments, plan.experiment_labels)
        self._conditions = _labels_with_rows(conditions, plan.condition_labels)
        self._leaky = leaky

        _log_no_effect(
            {
                "leaky": leaky > 0 and not aware and "experiment_aware=False",
                "experiment_weights": weights is not None and not aware and "experiment_aware=False",
                "experiment_key": experiment_key != "experiment" and not aware and "experiment_aware=False",
                "condition_ratio": ratios is not None and not balanced and "condition_balanced=False",
                "condition_key": condition_key != "condition" and not balanced and "condition_balanced=False",
                "drop_last": not self._drop_last and batches is not None and "num_batches is given",
                **_no_leak(plan, leaky if aware else 0.0),
            }
        )
        only_short = plan.batches == 1 and plan.short and self._num_replicas == 1
        small = replacement.warning(plan, self._experiments, self._conditions, only_short)
        if small:
            _logger.warning(small)

    def __iter__(self) -> Iterator[Any]:
        """Return an iterator over this rank's batches of the epoch that is pending at its first ``next()``."""
        return iter(self._feed)

    def __len__(self) -> int:
        """Return the number of batches that every rank yields in an epoch."""
        return len(self._feed)

    def set_epoch(self, epoch: int) -> None:
        """Make `epoch` the one that the next iteration begins.

        Parameters
        ----------
        epoch : int
            At least 0, and below 2^64 - `seed`.
        """
        self._feed.set_epoch(self._checked(epoch))

    def batch(self, k: int, epoch: int | None = None) -> Any:
        """Return global batch `k` of an epoch, whichever rank it falls to.

        Every 1024th position on the way is remembered, for the epochs asked for last.

        Parameters
        ----------
        k : int
            Position of the batch among all ranks' batches of the epoch, those that fill the last round included.
        epoch : int, optional
            Default: `self.epoch`.

        Returns
        -------
        numpy.ndarray of shape (rows of the batch,), or list of int
            As `index_dtype` says.
        """
        position = checks.integer("k", k, 0, self._feed.dealt)
        return self._feed.batch(position, self._epoch_or_current(epoch))

    def epoch_batches(self, epoch: int | None = None) -> NDArray[Any]:
        """Return all of this rank's batches of an epoch at once.

        Parameters
        ----------
        epoch : int, optional
            Default: `self.epoch`.

        Returns
        -------
        numpy.ndarray of shape (len(self), batch_size)
            Of `index_dtype`; int64 where that is "list".

        Raises
        ------
        ValueError
            Where the epoch has a short last batch: iterate instead.
        MemoryError
            Where it does not fit into memory.

        Notes
        -----
        Ctrl-C is answered between batches.
        """
        return self._feed.epoch_batches(self._epoch_or_current(epoch))

    @property
    def epoch(self) -> int:
        """The epoch last begun, or set since."""
        return self._feed.epoch

    @property
    def batch_size(self) -> int:
        """Rows of a batch."""
        return self._batch_size

    @property
    def drop_last(self) -> bool:
        """Whether rows that do not fill a batch are left out when batches are counted."""
        return self._drop_last

    @property
    def num_replicas(self) -> int:
        """Number of ranks that share an epoch."""
        return self._num_replicas

    @property
    def rank(self) -> int:
        """Which of the ranks this is."""
        return self._rank

    @property
    def seed(self) -> int:
        """Seed of epoch 0."""
        return self._seed

    @property
    def num_batches(self) -> int:
        """Global batches of an epoch, before the last round is filled."""
        return self._feed.plan.batches

    @property
    def experiments(self) -> tuple[Any, ...]:
        """Labels of the experiments, in order; empty where experiments are not used."""
        return self._experiments

    @property
    def conditions(self) -> tuple[Any, ...]:
        """Labels of the conditions, in order; empty where conditions are not used."""
        return self._conditions

    def __repr__(self) -> str:
        plan = self._feed.plan
        used = [f"{plan.rows} rows"]
        if self._experiments:
            used.append(f"{len(self._experiments)} experiments, leaky={self._leaky}")
        if self._conditions:
            used.append(f"{len(self._conditions)} conditions")
        return (
            f"{type(self).__name__}({', '.join(used)}; {plan.batches} batches of {self._batch_size} an epoch; "
            f"rank {self._rank} of {self._num_replicas}, seed={self._seed}, epoch={self.epoch}, "
            f"index_dtype={self._index_dtype!r})"
        )

    def _epoch_or_current(self, epoch: int | None) -> int:
        return self.epoch if epoch is None else self._checked(epoch)

    def _checked(self, epoch: int) -> int:
        return checks.integer("epoch", epoch, 0, _WORDS - self._seed)


def _read(
    table: Table, experiment_columns: tuple[Any, ...], condition_columns: tuple[Any, ...], index_dtype: str
) -> tuple[int, Key | None, Key | None]:
    """Read the key columns: number of rows, and the keys that are used."""
    arguments = dict.fromkeys(experiment_columns, "experiment_key")
    arguments.update({name: "condition_key" for name in condition_columns if name not in arguments})
    for name, argument in arguments.items():
        if name not in table.names:
            raise KeyError(f"{argument}: valid_anchors has no column {name!r}; its columns are {list(table.names)}")
    if table.rows is not None:
        _check_rows(table.rows, index_dtype)
    rows, columns = table.read(list(arguments))
    _check_rows(rows, index_dtype)
    experiments = make_key([columns[name] for name in experiment_columns]) if experiment_columns else None
    conditions = make_key([columns[name] for name in condition_columns]) if condition_columns else None
    return rows, experiments, conditions


def _check_rows(rows: int, index_dtype: str) -> None:
    if rows == 0:
        raise ValueError("valid_anchors has no rows: there is nothing to draw from")
    if rows >= _ROWS:
        raise ValueError(f"valid_anchors must have fewer than 2^32 rows, got {rows}: split the table")
    if index_dtype == "int32" and rows > 2**31:
        raise ValueError(f"index_dtype='int32' tells at most 2^31 rows apart, got {rows}: take 'int64'")


def _plan(
    rows: int,
    experiments: Key | None,
    conditions: Key | None,
    *,
    batch_size: int,
    leaky: float,
    weights: dict[Any, float] | None,
    ratios: dict[Any, float] | None,
    drop_last: bool,
    batches: int | None,
) -> _core.Plan:
    """Put names to numbers and let the core plan."""
    weight_values = ratio_values = None
    if weights is not None and experiments is not None:
        weight_values = by_label("experiment_weights", weights, experiments.labels, experiments.name)
    if ratios is not None and conditions is not None:
        ratio_values = by_label("condition_ratio", ratios, conditions.labels, conditions.name)
    try:
        return _core.Plan(
            rows,
            experiments.for_core() if experiments else None,
            conditions.for_core() if conditions else None,
            batch_size,
            leaky,
            weight_values,
            ratio_values,
            drop_last,
            batches,
        )
    except _core.NoConditionError as error:
        label = repr(experiments.labels[error.args[1]]) if experiments else "the table"
        raise ValueError(
            f"condition_ratio leaves {label} without a condition to draw from: all its conditions have the ratio 0; "
            "give one of them a ratio above 0, or the experiment the weight 0"
        ) from None


def _labels_with_rows(key: Key | None, numbers: NDArray[Any]) -> tuple[Any, ...]:
    return tuple(key.labels[number] for number in numbers.tolist()) if key else ()


def _no_leak(plan: _core.Plan, leaky: float) -> dict[str, str]:
    size, leak, _ = plan.seats()
    if leaky == 0 or leak > 0:
        return {}
    if len(plan.sizes) == 1:
        return {"leaky": "there is no other experiment"}
    return {"leaky": f"int({size} * {leaky}) is 0"}


def _log_no_effect(reasons: Mapping[str, str | bool]) -> None:
    """Name, in one line, the arguments that were given and change nothing."""
    named = [f"{argument} ({reason})" for argument, reason in reasons.items() if reason]
    if named:
        _logger.warning("These arguments have no effect: %s", ", ".join(named))
