"""The batch sampler that a user puts into a DataLoader."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from cascade_sampler import _core
from cascade_sampler._report.audit import Audit, count
from cascade_sampler._report.origins import Origins
from cascade_sampler._samplers import arguments as checks
from cascade_sampler._samplers import ranks, replacement
from cascade_sampler._tables.frames import library_of
from cascade_sampler._tables.keys import MISSING, Key, make_key, refuse_missing
from cascade_sampler._tables.labels import by_label
from cascade_sampler._tables.open import Table, open_table
from cascade_sampler._tables.times import Times

_logger = logging.getLogger("cascade_sampler")

_ROWS = 2**32
_WORDS = 2**64
_INDEX_DTYPES = ("int64", "int32", "uint32", "list")
_MISSING = ("error", "exclude")
_WINDOW = 2.0
_GLOBAL_FRACTION = 0.3
_TIME_KEY = "hours_post_infection"


class FlexibleBatchSampler(Sampler[Any]):
    """Decide which rows of a table go into each training batch.

    Every batch is composed by a cascade: one experiment is picked by weight; a fraction of the seats leaks to rows of
    other experiments; the rest is split over the experiment's conditions. Of these seats most can go to rows near a
    time that is drawn anew for every batch. A group with fewer rows than seats is drawn with replacement. For the same
    seed the batches are, index for index, those of the numpy sampler in VisCy.

    Parameters
    ----------
    valid_anchors : table
        The samples, one a row: a pandas or polars DataFrame, a pyarrow Table, anything with the Arrow stream interface,
        or a mapping of column names to one-dimensional arrays. Only the columns that are used are read, and nothing is
        kept but row numbers and times. Fewer than 2^32 rows.
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
    num_replicas, rank : int or None, default 1 and 0
        Number of processes that share an epoch, and which of them this is. They are never guessed. None for both asks
        torch.distributed with the first batch or ``len()``, which must be initialised by then.
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
    temporal_enrichment : bool, default False
        Whether each batch has a focal time, one of the distinct times of its experiment, all equally likely. The seats
        that do not leak go to rows near it, but for a share that goes to the experiment's other rows.
    temporal_window_hours : float, default 2.0
        How far from the focal time is near, that far included; 0 takes equal times only, infinity all.
    temporal_global_fraction : float, default 0.3
        Share of the seats that do not leak for rows that are not near, in [0, 1], rounded down.
    time_key : str, default "hours_post_infection"
        Column of the times: numbers of hours, dates with times, or durations. A float32 column is worked on as float32.
        Needed only where temporal enrichment is on.
    missing : {"error", "exclude"}, default "error"
        What to do about rows without an experiment, a condition or a time (null, NaN, NaT) where these are used: refuse
        the table, or leave such rows out of everything but the numbering of the rows.

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
        num_replicas: int | None = 1,
        rank: int | None = 0,
        seed: int = 0,
        drop_last: bool = True,
        *,
        experiment_key: str | list[str] = "experiment",
        condition_key: str | list[str] = "condition",
        num_batches: int | None = None,
        index_dtype: str = "int64",
        temporal_enrichment: bool = False,
        temporal_window_hours: float = _WINDOW,
        temporal_global_fraction: float = _GLOBAL_FRACTION,
        time_key: str = _TIME_KEY,
        missing: str = "error",
    ) -> None:
        self._batch_size = checks.integer("batch_size", batch_size, 1, _ROWS)
        aware = checks.flag("experiment_aware", experiment_aware)
        leaky = checks.fraction("leaky", leaky)
        weights = checks.proportions("experiment_weights", experiment_weights)
        balanced = checks.flag("condition_balanced", condition_balanced)
        ratios = checks.proportions("condition_ratio", condition_ratio)
        replicas, own_rank = checks.ranks(num_replicas, rank, _ROWS)
        self._seed = checks.integer("seed", seed, 0, _WORDS)
        self._drop_last = checks.flag("drop_last", drop_last)
        experiment_columns = checks.columns("experiment_key", experiment_key)
        condition_columns = checks.columns("condition_key", condition_key)
        batches = None if num_batches is None else checks.integer("num_batches", num_batches, 1, 2**63)
        self._index_dtype = checks.choice("index_dtype", index_dtype, _INDEX_DTYPES)
        temporal = checks.flag("temporal_enrichment", temporal_enrichment)
        window = checks.hours("temporal_window_hours", temporal_window_hours)
        global_fraction = checks.fraction("temporal_global_fraction", temporal_global_fraction)
        time_column = checks.column("time_key", time_key) if temporal else None
        exclude = checks.choice("missing", missing, _MISSING) == "exclude"

        self._library = library_of(valid_anchors)
        keys = _read(
            open_table(valid_anchors),
            experiment_columns if aware else (),
            condition_columns if balanced else (),
            time_column,
            self._index_dtype,
            exclude,
        )
        # Validation above is done for what is off as well; from here on what is off is gone.
        plan = _plan(
            keys,
            batch_size=self._batch_size,
            leaky=leaky if aware else 0.0,
            weights=weights if aware else None,
            ratios=ratios if balanced else None,
            drop_last=self._drop_last,
            batches=batches,
            window=window,
            global_fraction=global_fraction,
        )
        self._feed = _core.Feed(plan, self._seed, replicas, own_rank, self._index_dtype)
        self._experiments = _labels_with_rows(keys.experiments, plan.experiment_labels)
        self._conditions = _labels_with_rows(keys.conditions, plan.condition_labels)
        self._leaky = leaky if aware else 0.0
        self._window = window if temporal else None
        self._global_fraction = global_fraction if temporal else None
        self._focus = f"window of {window} h and {global_fraction} of the seats outside" if temporal else ""

        if keys.missing:
            left_out = plan.rows - plan.kept
            _logger.warning(
                "missing='exclude' leaves out %d of %d rows: %s", left_out, plan.rows, keys.listed_missing()
            )
        time_off = not temporal and "temporal_enrichment=False"
        _log_no_effect(
            {
                "leaky": leaky > 0 and not aware and "experiment_aware=False",
                "experiment_weights": weights is not None and not aware and "experiment_aware=False",
                "experiment_key": experiment_key != "experiment" and not aware and "experiment_aware=False",
                "condition_ratio": ratios is not None and not balanced and "condition_balanced=False",
                "condition_key": condition_key != "condition" and not balanced and "condition_balanced=False",
                "drop_last": not self._drop_last and batches is not None and "num_batches is given",
                "temporal_window_hours": window != _WINDOW and time_off,
                "temporal_global_fraction": global_fraction != _GLOBAL_FRACTION and time_off,
                "time_key": time_key != _TIME_KEY and time_off,
                **_no_leak(plan, leaky if aware else 0.0),
            }
        )
        only_short = plan.batches == 1 and plan.short and replicas == 1
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

    def state_dict(self) -> dict[str, Any]:
        """Return where the run stands, to carry it on from there.

        Returns
        -------
        dict
            Fresh, small, of plain values that JSON takes: epoch, global batches done, the generator, and a fingerprint
            of all that the batches depend on. Any rank's state serves every rank, whatever their number.

        Notes
        -----
        The position is that of the batches handed out. Loaders that draw ahead hand out fewer; they ask the
        iterator, as torchdata's StatefulDataLoader does, or their users call `resume`. Iterators have both methods
        too, and sampler and iterators take each other's states.

        The fingerprint is worked out the first time: one pass over the table's rows.
        """
        return self._feed.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Make the next iteration go on where a state was made.

        Parameters
        ----------
        state_dict : dict
            From `state_dict` of a sampler, or of its iterator, with the same table, seed and settings; the number of
            ranks may be another one. At the end of an epoch it is the beginning of the next.

        Raises
        ------
        TypeError
            Where it is no state.
        ValueError
            Where the table or a setting differs: the message names what.
        """
        self._feed.load_state_dict(state_dict)

    def resume(self, epoch: int, batches: int) -> None:
        """Make the next iteration go on behind the batches that were consumed.

        For loops that count batches themselves, with loaders that draw ahead. The generator passes all batches before:
        a state holds where it stood.

        Parameters
        ----------
        epoch : int
            The epoch that was under way.
        batches : int
            Batches of it that this rank has consumed, at its present number of ranks; at most ``len(self)``, which is
            the beginning of the next epoch.
        """
        done = checks.integer("batches", batches, 0, len(self) + 1)
        self._feed.resume(self._checked(epoch), done * self.num_replicas)

    def check_ranks(self, *, whole_world: bool = True) -> None:
        """Compare this sampler with those of all other processes; every process must call it.

        The processes of torch.distributed tell each other what their batches depend on, the epoch and their rank.

        Parameters
        ----------
        whole_world : bool, default True
            Whether every process must have a rank of its own. If False, processes may share one, as those do that
            work on parts of the same model.

        Raises
        ------
        RuntimeError
            Where torch.distributed is not initialised.
        ValueError
            On all processes, where tables, settings, seeds or epochs differ, or ranks are missing or doubled.
        """
        ranks.check(self._feed, checks.flag("whole_world", whole_world))

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
        position = checks.integer("k", k, 0, self._feed.dealt_batches())
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

    def explain(self, k: int, epoch: int | None = None) -> Origins:
        """Return where each seat of global batch `k` of an epoch came from.

        Parameters
        ----------
        k : int
            Position of the batch among all ranks' batches of the epoch, those that fill the last round included.
        epoch : int, optional
            Default: `self.epoch`.

        Returns
        -------
        Origins
            Equally long arrays in the order of ``self.batch(k, epoch)``, the experiment that was picked, and the focal
            time.
        """
        position = checks.integer("k", k, 0, self._feed.dealt_batches())
        columns = self._feed.explain(position, self._epoch_or_current(epoch))
        return Origins.of(columns, self._experiments, self._conditions, self._library)

    def audit(
        self, epochs: int = 1, epoch: int | None = None, progress: Callable[[int, int], object] | None = None
    ) -> Audit:
        """Count what whole epochs hold, and say what is remarkable about it.

        Every batch is drawn, and its rows are looked up in the table. Epochs are those of the global sequence, all
        ranks together, without the batches that fill the last round; where this sampler stands does not change.

        Parameters
        ----------
        epochs : int, default 1
            How many epochs.
        epoch : int, optional
            The first of them. Default: `self.epoch`.
        progress : callable, optional
            Called now and then, and at the end, with the number of batches that are done and of all.

        Returns
        -------
        Audit

        Raises
        ------
        MemoryError
            Where 4 bytes a row, or 8 with times, do not fit into memory.

        Notes
        -----
        Ctrl-C is answered between batches.
        """
        epochs = checks.integer("epochs", epochs, 1, 2**32)
        first = self._epoch_or_current(epoch)
        self._checked(first + epochs - 1)
        if progress is not None and not callable(progress):
            raise TypeError(f"progress must be callable, or None, got {type(progress).__name__}")
        return count(
            self._feed,
            self._experiments,
            self._conditions,
            leaky=self._leaky,
            window=self._window,
            epoch=first,
            epochs=epochs,
            progress=progress,
        )

    @property
    def layout(self) -> dict[str, slice]:
        """The places of a full batch: "primary", or "near" and "far" around a focal time, then "leak".

        Slices of a batch, perhaps empty. Where there are no rows near or far enough, others stand in: `explain` tells.
        """
        size, leak, _ = self._feed.plan.seats()
        primary = size - leak
        places = {"leak": slice(primary, size)}
        if self._global_fraction is None:
            return {"primary": slice(0, primary), **places}
        near = primary - int(primary * self._global_fraction)
        return {"near": slice(0, near), "far": slice(near, primary), **places}

    @property
    def epoch(self) -> int:
        """The epoch last begun, or set since."""
        return self._feed.epoch

    @property
    def sampler(self) -> FlexibleBatchSampler:
        """The sampler itself: frameworks that know batch samplers as wrappers call `set_epoch` on what they wrap."""
        return self

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
        return self._feed.deal()[0]

    @property
    def rank(self) -> int:
        """Which of the ranks this is."""
        return self._feed.deal()[1]

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
        plan, feed = self._feed.plan, self._feed
        rank = f"rank {self.rank} of {self.num_replicas}" if feed.is_dealt else "rank still to be asked for"
        used = [f"{plan.rows} rows" if plan.kept == plan.rows else f"{plan.kept} of {plan.rows} rows"]
        if self._experiments:
            used.append(f"{len(self._experiments)} experiments, leaky={self._leaky}")
        if self._conditions:
            used.append(f"{len(self._conditions)} conditions")
        if self._focus:
            used.append(self._focus)
        return (
            f"{type(self).__name__}({', '.join(used)}; {plan.batches} batches of {self._batch_size} an epoch; "
            f"{rank}, seed={self._seed}, epoch={self.epoch}, "
            f"index_dtype={self._index_dtype!r})"
        )

    def _epoch_or_current(self, epoch: int | None) -> int:
        return self.epoch if epoch is None else self._checked(epoch)

    def _checked(self, epoch: int) -> int:
        return checks.integer("epoch", epoch, 0, _WORDS - self._seed)


@dataclass(frozen=True)
class _Keys:
    """What the table says about its rows, of what is used."""

    rows: int
    experiments: Key | None
    conditions: Key | None
    times: list[NDArray[Any]] | None
    missing: Mapping[str, int]
    """Rows to be left out by column, of the columns that have such rows."""

    def listed_missing(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in self.missing.items())


def _read(
    table: Table,
    experiment_columns: tuple[Any, ...],
    condition_columns: tuple[Any, ...],
    time_column: Any,
    index_dtype: str,
    exclude: bool,
) -> _Keys:
    """Read the columns that are used."""
    arguments = dict.fromkeys(experiment_columns, "experiment_key")
    arguments.update({name: "condition_key" for name in condition_columns if name not in arguments})
    wanted = list(arguments)
    if time_column is not None:
        arguments.setdefault(time_column, "time_key")
    for name, argument in arguments.items():
        if name not in table.names:
            raise KeyError(f"{argument}: valid_anchors has no column {name!r}; its columns are {list(table.names)}")
    if table.rows is not None:
        _check_rows(table.rows, index_dtype)
    contents = table.read(wanted, time_column)
    _check_rows(contents.rows, index_dtype)
    columns = contents.columns
    experiments = make_key([columns[name] for name in experiment_columns], exclude) if experiment_columns else None
    conditions = make_key([columns[name] for name in condition_columns], exclude) if condition_columns else None
    missing = {name: count for key in (experiments, conditions) if key for name, count in key.missing.items()}
    hours = None
    if contents.times is not None:
        name, without = f"column {time_column!r}", contents.times.missing()
        if without and not exclude:
            raise refuse_missing(name, without, "time")
        if without:
            missing[name] = without
        hours = _hours(contents.times, [key for key in (experiments, conditions) if key and key.missing])
    return _Keys(contents.rows, experiments, conditions, hours, missing)


def _hours(times: Times, keys_with_gaps: list[Key]) -> list[NDArray[Any]]:
    """Return the hours, those of dates counted from the earliest row that has all its labels."""
    kept = _with_labels(keys_with_gaps) if times.depends_on_others and keys_with_gaps else None
    return times.hours(kept)


def _with_labels(keys: list[Key]) -> NDArray[np.bool_]:
    """Return which rows have a label in each of the keys."""
    kept: NDArray[np.bool_] = np.logical_and.reduce([key.numbers() != MISSING for key in keys])
    return kept


def _check_rows(rows: int, index_dtype: str) -> None:
    if rows == 0:
        raise ValueError("valid_anchors has no rows: there is nothing to draw from")
    if rows >= _ROWS:
        raise ValueError(f"valid_anchors must have fewer than 2^32 rows, got {rows}: split the table")
    if index_dtype == "int32" and rows > 2**31:
        raise ValueError(f"index_dtype='int32' tells at most 2^31 rows apart, got {rows}: take 'int64'")


def _plan(
    keys: _Keys,
    *,
    batch_size: int,
    leaky: float,
    weights: dict[Any, float] | None,
    ratios: dict[Any, float] | None,
    drop_last: bool,
    batches: int | None,
    window: float,
    global_fraction: float,
) -> _core.Plan:
    """Put names to numbers and let the core plan."""
    experiments, conditions = keys.experiments, keys.conditions
    weight_values = ratio_values = None
    if weights is not None and experiments is not None:
        weight_values = by_label("experiment_weights", weights, experiments.labels, experiments.name)
    if ratios is not None and conditions is not None:
        ratio_values = by_label("condition_ratio", ratios, conditions.labels, conditions.name)
    try:
        return _core.Plan(
            keys.rows,
            experiments.for_core() if experiments else None,
            conditions.for_core() if conditions else None,
            keys.times,
            batch_size,
            leaky,
            weight_values,
            ratio_values,
            drop_last,
            batches,
            window,
            global_fraction,
        )
    except _core.NoConditionError as error:
        label = repr(experiments.labels[error.args[1]]) if experiments else "the table"
        raise ValueError(
            f"condition_ratio leaves {label} without a condition to draw from: all its conditions have the ratio 0; "
            "give one of them a ratio above 0, or the experiment the weight 0"
        ) from None
    except ValueError as error:
        refused = error
    if keys.missing:
        _refuse_left_out(keys, weights, ratios)
    raise refused


def _refuse_left_out(keys: _Keys, weights: dict[Any, float] | None, ratios: dict[Any, float] | None) -> None:
    """Raise what the core refuses for the rows that are left out, in the user's words; do nothing where it is else.

    Only here is it worked out who is left out: the core finds that on its way, and where all is well nobody needs it.
    """
    used = [key for key in (keys.experiments, keys.conditions) if key]
    kept = _with_labels(used) if used else np.ones(keys.rows, dtype=bool)
    if keys.times is not None:
        kept &= ~np.isnan(np.concatenate(keys.times))
    if not kept.any():
        raise ValueError(f"missing='exclude' leaves out all {keys.rows} rows: {keys.listed_missing()}")
    for argument, given, key in (
        ("experiment_weights", weights, keys.experiments),
        ("condition_ratio", ratios, keys.conditions),
    ):
        if given is not None and key is not None:
            left = [key.labels[number] for number in np.unique(key.numbers()[kept]).tolist()]
            by_label(argument, given, left, key.name)


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
