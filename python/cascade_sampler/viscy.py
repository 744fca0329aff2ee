"""The interface that VisCy's own sampler has today, over this package's sampler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cascade_sampler import _core
from cascade_sampler._samplers import arguments, log
from cascade_sampler._samplers.flexible import FlexibleBatchSampler as _Sampler
from cascade_sampler._samplers.kinds import Batch, IndexDtype, Indices, Label, Missing
from cascade_sampler._tables.names import key_columns
from cascade_sampler._viscy.weights import as_mapping, by_label, by_text

if TYPE_CHECKING:
    from cascade_sampler._report.audit import Audit
    from cascade_sampler._report.origins import Origins

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
        The samples, one a row. Any table that `cascade_sampler.FlexibleBatchSampler` takes, or an
        `cascade_sampler.Index` of the same keys.
    batch_size : int, default 128
        Rows of a batch.
    batch_group_by : str or list of str, optional
        Column, or columns, whose value all rows of a batch share, but for those that leak. Default: all rows are one
        pool, and nothing leaks.
    leaky : float, default 0.0
        Fraction of a batch that comes from other groups, in [0, 1].
    group_weights : mapping of str to float, or Series, optional
        Relative chance of each group to be picked, by the text of its label: the parts of a key of several columns
        joined by ``|``. The label itself is understood too. Groups you do not list get weight 0: they are never picked,
        but their rows may leak. Groups without rows are ignored, and the log names them. Default: its share of the
        rows.
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
        strata, have the same text, or where no group of `group_weights` has rows.

    Notes
    -----
    With fewer rows than a batch, ``len`` is 0, iterating yields nothing, and the log says so. All arguments can be read
    back under their names; keys are lists. The table is kept, as in VisCy, for `valid_anchors`.

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
        self._anchors = valid_anchors = _kept(valid_anchors)
        self._leaky = arguments.fraction("leaky", leaky)
        self._weights = arguments.proportions("group_weights", as_mapping(group_weights))
        self._groups, self._strata = _key("batch_group_by", batch_group_by), _key("stratify_by", stratify_by)
        temporal = arguments.flag("temporal_enrichment", temporal_enrichment)
        both = arguments.flag("keep_strata", keep_strata)
        dropped = self._strata is not None and temporal and not both
        used: dict[str, Any] = {}
        if self._groups is not None:
            used["experiment_key"] = self._groups
            used["leaky"] = self._leaky
        if self._strata is not None and not dropped:
            used["condition_key"] = self._strata
        if temporal:
            used["time_key"] = _TIME_KEY

        def start(batches: int | None) -> None:
            super(FlexibleBatchSampler, self).__init__(
                valid_anchors,
                batch_size,
                experiment_aware=self._groups is not None,
                condition_balanced="condition_key" in used,
                num_replicas=num_replicas,
                rank=rank,
                seed=seed,
                drop_last=drop_last,
                num_batches=batches,
                index_dtype=index_dtype,
                temporal_enrichment=temporal,
                temporal_window_hours=temporal_window_hours,
                temporal_global_fraction=temporal_global_fraction,
                missing=missing,
                **used,
            )

        self._is_empty = False
        try:
            if self._groups is not None and self._weights is not None:
                used["experiment_weights"] = by_label(
                    self._weights,
                    valid_anchors,
                    self._groups,
                    (used.get("condition_key", ()), used.get("time_key")) if missing == "exclude" else ((), None),
                    rank,
                )
            try:
                start(num_batches)
            except _core.NoBatchesError as error:
                # Planned as if for one batch, which is never handed out.
                self._is_empty = True
                start(1)
                log.say(rank, "There are no batches, as in VisCy: %s", error)
        except (KeyError, TypeError, ValueError) as error:
            raise _in_words_of_viscy(error) from error
        by_text("batch_group_by", self.experiments)
        by_text("stratify_by", self.conditions)

        without_effect = {"leaky": self._leaky > 0, "group_weights": self._weights is not None}
        named = [f"{argument} (batch_group_by=None)" for argument, given in without_effect.items() if given]
        if named and self._groups is None:
            log.say(rank, "These arguments have no effect: %s", ", ".join(named))
        if dropped:
            log.say(
                rank,
                "temporal_enrichment=True leaves stratify_by=%r out, as VisCy does: "
                "keep_strata=True splits a batch by time and by strata",
                stratify_by,
            )

    def _log(self, plan: _core.Plan, replicas: int | None, no_effect: Mapping[str, str | bool]) -> None:
        if self._is_empty:
            # Of batches that there are not nothing is worth saying.
            log.left_out(self._index)
        else:
            super()._log(plan, replicas, no_effect)

    def __len__(self) -> int:
        """Return the number of batches that every rank yields in an epoch: 0 where the rows do not fill one."""
        return 0 if self._is_empty else super().__len__()

    def __iter__(self) -> Iterator[Batch]:
        """Return an iterator over this rank's batches of the epoch that is pending at its first ``next()``."""
        return iter(()) if self._is_empty else super().__iter__()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(no batches: fewer rows than a batch)" if self._is_empty else super().__repr__()

    def batch(self, k: int, epoch: int | None = None) -> Batch:
        """Return global batch `k` of an epoch, as `cascade_sampler.FlexibleBatchSampler.batch` does."""
        self._refuse_nothing()
        return super().batch(k, epoch)

    def epoch_batches(self, epoch: int | None = None) -> Indices:
        """Return all of this rank's batches of an epoch at once: an array of shape (len(self), batch_size)."""
        batches = super().epoch_batches(epoch)
        return batches[:0] if self._is_empty else batches

    def explain(self, k: int, epoch: int | None = None) -> Origins:
        """Return where each seat of global batch `k` of an epoch came from."""
        self._refuse_nothing()
        return super().explain(k, epoch)

    def audit(
        self,
        epochs: int = 1,
        epoch: int | None = None,
        progress: Callable[[int, int], object] | None = None,
        *,
        batches: int | None = None,
    ) -> Audit:
        """Count what whole epochs hold, as `cascade_sampler.FlexibleBatchSampler.audit` does."""
        self._refuse_nothing()
        return super().audit(epochs, epoch, progress, batches=batches)

    @property
    def num_batches(self) -> int:
        """Global batches of an epoch, before the last round is filled."""
        return 0 if self._is_empty else super().num_batches

    @property
    def valid_anchors(self) -> Any:
        """The table, as given; a stream, as it was read."""
        return self._anchors

    @property
    def batch_group_by(self) -> list[str] | None:
        """Columns whose value the rows of a batch share; None where there are none."""
        return None if self._groups is None else list(self._groups)

    @property
    def stratify_by(self) -> list[str] | None:
        """Columns over whose values the seats are split, also where `temporal_enrichment` leaves them out; or None."""
        return None if self._strata is None else list(self._strata)

    @property
    def leaky(self) -> float:
        """Fraction of a batch that comes from other groups, as given."""
        return self._leaky

    @property
    def group_weights(self) -> dict[Label, float] | None:
        """Relative chance of each group to be picked, as given, those without rows included; or None."""
        return None if self._weights is None else dict(self._weights)

    def _refuse_nothing(self) -> None:
        if self._is_empty:
            raise ValueError(
                f"there are no batches: the table has fewer than {self.batch_size} rows; lower batch_size, or set "
                "drop_last=False"
            )


def _key(argument: str, value: Any) -> list[str] | None:
    """Return the columns of a key; None where there are none."""
    if value is None or (isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and len(value) == 0):
        return None
    return list(key_columns(argument, value))


def _kept(table: Any) -> Any:
    """Return what can be read more than once: a stream of record batches cannot."""
    return table.read_all() if hasattr(table, "read_all") else table


def _in_words_of_viscy(error: Exception) -> Exception:
    """Return the error with the argument that it begins with under the name that the user gave it by."""
    message = str(error.args[0]) if error.args else ""
    for ours, theirs in _ARGUMENTS.items():
        if message.startswith(ours):
            return type(error)(theirs + message.removeprefix(ours))
    return error
