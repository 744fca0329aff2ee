"""The sampler that deals rows like cards: an epoch is a pass, seats are fair, and any batch can be had by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cascade_sampler import _core
from cascade_sampler._samplers import arguments
from cascade_sampler._samplers.base import CascadeBase
from cascade_sampler._samplers.kinds import MISSING, WEIGHTINGS, IndexDtype, Label, Missing, Weighting
from cascade_sampler._samplers.over import index_of, keys
from cascade_sampler._samplers.plan import make_plan, numbers_of
from cascade_sampler._samplers.settings import GLOBAL_FRACTION, WINDOW, DealtSettings, shared
from cascade_sampler._tables.names import key_columns
from cascade_sampler._tables.rows import ROWS

_EPOCHS = 2**20


class CascadeSampler(CascadeBase):
    """Decide which rows of a table go into each training batch, and deal them out like cards.

    Every batch is composed by a cascade: one experiment is picked; a fraction of the seats goes to rows of other
    experiments; the rest is split over the experiment's conditions. Experiments, conditions and rows are each a deck
    that is dealt to its end before it is shuffled again, so an epoch is a pass over the table. Batch k of epoch e
    depends on the seed, e and k alone.

    A feature is on where its key is given.

    Parameters
    ----------
    table : table or Index
        The samples, one a row: a pandas or polars DataFrame, a pyarrow Table, a Hugging Face dataset, anything with the
        Arrow stream interface, or a mapping of column names to one-dimensional arrays. Only the columns that are used
        are read, and the table is not kept. Fewer than 2^32 rows. Batches hold positions, 0 to N-1. An `Index` of the
        table does as well, and brings its keys and `missing` with it.
    batch_size : int
        Rows of a batch. No batch is ever short.
    experiment_key : str or list of str, optional
        Column, or columns, that name a row's experiment: each batch is of one. Default: all rows are one experiment.
    condition_key : str or list of str, optional
        Column, or columns, that name a row's condition: the seats of a batch are split over them. Default: they are not
        split.
    time_key : str, optional
        Column of the times: numbers of hours, dates with times, or durations. Each batch then has a focal time, one of
        its experiment's times, near which most of its rows are; those seats are drawn and not dealt. A float32 column
        is worked on as float32.
    experiment_weights : {"size", "sqrt", "equal"} or mapping of label to float, default "size"
        How often experiments are picked: in proportion to their rows, to the square root of these, all alike, or by the
        given weights. Experiments you do not list get weight 0: they are never picked, but their rows may leak.
    condition_ratio : mapping of label to float, optional
        Relative number of seats of each condition. One that you do not list counts as 1; 0 leaves it out.
        Default: equal shares.
    conditions_per_batch : int, optional
        How many conditions share a batch, those of `always` among them; they take turns. Default: all.
    always : list of label, default ()
        Conditions that are in every batch whose experiment has them, such as controls.
    leaky : float, default 0.0
        Fraction of a batch that comes from other experiments, in [0, 1]; ``int(batch_size * leaky)`` rows, at the end
        of the batch.
    temporal_window_hours : float, default 2.0
        How far from the focal time is near, that far included.
    temporal_global_fraction : float, default 0.3
        Share of the seats that do not leak for rows that are not near, in [0, 1], rounded down.
    run_length : int, default 1
        Rows that are neighbours in their cell and dealt as one card, so that reads of chunked storage fall by nearly
        that factor.
    batches_per_experiment : int, default 1
        How many global batches in a row are of one experiment. With the number of ranks, all ranks of a step have the
        same experiment.
    num_batches : int, optional
        Global batches of an epoch, a multiple of `batches_per_experiment`. Default: as many as one pass over the rows
        takes.
    num_replicas, rank : int or None, default 1 and 0
        Number of processes that share an epoch, and which of them this is. They are never guessed. None for both asks
        torch.distributed with the first batch or ``len()``, which must be initialised by then.
    seed : int, default 0
        At least 0, and below 2^64.
    fixed_epoch : int, optional
        Every iteration is this epoch, and `set_epoch` changes nothing: for validation. Below 2^20.
    index_dtype : {"int64", "int32", "uint32", "list"}, default "int64"
        What a batch is: a numpy array of that type, or a list of int.
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
        an experiment without a condition to draw from, more conditions in a batch than seats, an epoch of 2^32 batches
        or more.
    KeyError
        For a column that the table does not have; it is a ValueError, too.
    MemoryError
        Where the row numbers do not fit into memory: 4 bytes a row, 3 to 19 more with times, and some 30 for each pair
        of experiment and condition that has rows.

    Notes
    -----
    Iterating without `set_epoch` since the last iteration moves on to the next epoch, so that a run which forgets it
    does not repeat its data. An iteration begins with its first ``next()``: it takes the pending epoch then, and leaves
    the following one pending. Epochs are below 2^20.

    The rules, and why they are as they are, stand in ``docs/specification-2.md``.

    Examples
    --------
    >>> table = {"plate": ["a"] * 6 + ["b"] * 6, "dose": ["x", "y"] * 6}
    >>> sampler = CascadeSampler(table, 4, experiment_key="plate", condition_key="dose", seed=1)
    >>> len(sampler)
    4
    >>> sorted({int(row) for batch in sampler for row in batch}) == list(range(12))
    True
    """

    _settings: DealtSettings

    def __init__(
        self,
        table: Any,
        batch_size: int,
        *,
        experiment_key: str | list[str] | None = None,
        condition_key: str | list[str] | None = None,
        time_key: str | None = None,
        experiment_weights: Weighting | Mapping[Label, float] = "size",
        condition_ratio: Mapping[Label, float] | None = None,
        conditions_per_batch: int | None = None,
        always: Iterable[Label] = (),
        leaky: float = 0.0,
        temporal_window_hours: float = WINDOW,
        temporal_global_fraction: float = GLOBAL_FRACTION,
        run_length: int = 1,
        batches_per_experiment: int = 1,
        num_batches: int | None = None,
        num_replicas: int | None = 1,
        rank: int | None = 0,
        seed: int = 0,
        fixed_epoch: int | None = None,
        index_dtype: IndexDtype = "int64",
        missing: Missing = "error",
    ) -> None:
        given = isinstance(experiment_weights, str)
        # Weights without experiments mean nothing, and are like none.
        weighting = arguments.choice("experiment_weights", experiment_weights, WEIGHTINGS) if given else "size"
        weights = None if given else arguments.proportions("experiment_weights", experiment_weights)
        deal = arguments.ranks(num_replicas, rank, ROWS)
        experiment_key, condition_key, time_key, missing = keys(
            table, experiment_key, condition_key, time_key, arguments.choice("missing", missing, MISSING)
        )
        experiment_columns = _columns("experiment_key", experiment_key)
        condition_columns = _columns("condition_key", condition_key)
        time_column = None if time_key is None else arguments.column("time_key", time_key)
        batches = None if num_batches is None else arguments.integer("num_batches", num_batches, 1, ROWS)
        settings = DealtSettings(
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
            drop_last=True,
            conditions_per_batch=(
                None
                if conditions_per_batch is None
                else arguments.integer("conditions_per_batch", conditions_per_batch, 1, ROWS)
            ),
            always=arguments.labels("always", always),
            run_length=arguments.integer("run_length", run_length, 1, ROWS),
            batches_per_experiment=arguments.integer("batches_per_experiment", batches_per_experiment, 1, ROWS),
            fixed_epoch=None if fixed_epoch is None else arguments.integer("fixed_epoch", fixed_epoch, 0, _EPOCHS),
        )
        if settings.condition_key is None:
            _refuse_without_conditions(settings)

        index = index_of(
            table,
            "table",
            experiment_columns,
            condition_columns,
            time_column,
            settings,
        )
        plan = make_plan(
            index,
            weights,
            settings.condition_ratio,
            lambda weight_values, ratio_values: _core.dealt_plan(
                index._core,
                settings.batch_size,
                settings.leaky if experiment_columns else 0.0,
                weighting if weight_values is None else weight_values,
                ratio_values,
                numbers_of("always", settings.always, index._facts.conditions),
                settings.conditions_per_batch,
                settings.run_length,
                settings.batches_per_experiment,
                batches,
                settings.temporal_window_hours,
                settings.temporal_global_fraction,
            ),
        )
        no_experiments = experiment_key is None and "experiment_key is not given"
        no_conditions = condition_key is None and "condition_key is not given"
        no_times = time_key is None and "time_key is not given"
        no_effect = {
            "leaky": settings.leaky > 0 and no_experiments,
            "experiment_weights": experiment_weights != "size" and no_experiments,
            "condition_ratio": settings.condition_ratio is not None and no_conditions,
            "batches_per_experiment": (settings.batches_per_experiment > 1 and batches is not None and no_experiments),
            "temporal_window_hours": settings.temporal_window_hours != WINDOW and no_times,
            "temporal_global_fraction": settings.temporal_global_fraction != GLOBAL_FRACTION and no_times,
            "run_length": _no_runs(plan, settings),
        }
        self._start(table, index, plan, settings, deal, _EPOCHS, no_effect, settings.fixed_epoch)

    def set_epoch(self, epoch: int) -> None:
        """Make `epoch` the one that the next iteration begins; with `fixed_epoch` nothing changes.

        Parameters
        ----------
        epoch : int
            At least 0, and below 2^20.
        """
        if self._settings.fixed_epoch is None:
            super().set_epoch(epoch)
        else:
            self._checked(epoch)

    @property
    def conditions_per_batch(self) -> int | None:
        """How many conditions share a batch; None: all."""
        return self._settings.conditions_per_batch

    @property
    def always(self) -> tuple[Label, ...]:
        """Conditions that are in every batch whose experiment has them."""
        return self._settings.always

    @property
    def run_length(self) -> int:
        """Rows that are dealt as one card."""
        return self._settings.run_length

    @property
    def batches_per_experiment(self) -> int:
        """How many global batches in a row are of one experiment."""
        return self._settings.batches_per_experiment

    @property
    def fixed_epoch(self) -> int | None:
        """The epoch that every iteration is; None: they follow one another."""
        return self._settings.fixed_epoch


# Under the name that users import: a pickle must not depend on which room the class is in.
CascadeSampler.__module__ = "cascade_sampler"


def _columns(argument: str, key: Any) -> tuple[Any, ...]:
    return () if key is None else key_columns(argument, key)


def _refuse_without_conditions(settings: DealtSettings) -> None:
    """Raise where an argument makes no sense without conditions."""
    for argument, given in (
        ("always", bool(settings.always)),
        ("conditions_per_batch", settings.conditions_per_batch is not None),
    ):
        if given:
            raise ValueError(f"{argument} is given, and condition_key is not: name the column of the conditions")


def _no_runs(plan: _core.Plan, settings: DealtSettings) -> str | bool:
    """Return why `run_length` changes nothing, if it does not."""
    if settings.run_length == 1:
        return False
    if settings.time_key is not None:
        return "with time_key the seats are drawn, not dealt"
    *_, sizes = plan.cells()
    largest = int((sizes if len(sizes) else plan.sizes).max())
    return settings.run_length > largest and f"the largest cell has {largest} rows"
