"""What all samplers have: iteration, state, ranks, single batches, explanations, audits, and settings read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from torch.utils.data import Sampler

from cascade_sampler import _core
from cascade_sampler._index.index import Index
from cascade_sampler._samplers import arguments, log, ranks, watch
from cascade_sampler._samplers.kinds import Batch, Indices, Label
from cascade_sampler._samplers.read_back import ReadBack
from cascade_sampler._samplers.settings import Settings, told
from cascade_sampler._samplers.state import OtherLabelsError
from cascade_sampler._tables.frames import library_of
from cascade_sampler._tables.listing import Listing

if TYPE_CHECKING:
    from cascade_sampler._report.audit import Audit
    from cascade_sampler._report.origins import Origins

_Self = TypeVar("_Self", bound="CascadeBase")


class CascadeBase(ReadBack, Sampler[Batch]):
    """A batch sampler over a plan of the core. A class of its own says which arguments there are and how it plans."""

    _epochs: int
    _feed: _core.Feed
    _index: Index
    _library: str | None

    def _start(
        self,
        table: Any,
        index: Index,
        plan: _core.Plan,
        settings: Settings,
        deal: tuple[int | None, int | None],
        epochs: int,
        no_effect: Mapping[str, str | bool],
        fixed_epoch: int | None = None,
    ) -> None:
        """Begin to sample, and say what is worth saying about it.

        Parameters
        ----------
        table : table
            What the user gave.
        index : Index
            What was read of it, of the features that are on.
        plan : Plan
            What the core made of that.
        settings : Settings
            The arguments, checked.
        deal : tuple of int or None
            Number of ranks, and which this is.
        epochs : int
            Epochs that there are.
        no_effect : mapping of argument to reason
            Arguments that change nothing, but for `leaky` where it is on; those without a reason do.
        fixed_epoch : int, optional
            The epoch that every iteration is. Default: they follow one another.
        """
        self._settings = settings
        self._epochs = epochs
        self._feed = _core.Feed(plan, settings.seed, *deal, settings.index_dtype, fixed_epoch=fixed_epoch)
        self._index = index
        self._library = None if isinstance(table, Index) else library_of(table)
        if not deal[1]:
            self._log(plan, deal[0], no_effect)

    @property
    def _experiments(self) -> Listing:
        return self._index._experiments

    @property
    def _conditions(self) -> Listing:
        return self._index._conditions

    def _log(self, plan: _core.Plan, replicas: int | None, no_effect: Mapping[str, str | bool]) -> None:
        log.left_out(self._index)
        log.without_effect({**no_effect, **log.no_leak(plan, self._leaky_here)})
        only_short = plan.batches == 1 and plan.short and replicas == 1
        if not plan.dealt:
            # Where batches are dealt, no condition gets more than its share but for one odd seat.
            log.composition(plan, self.condition_ratio, self._experiments, self._conditions, only_short)
        log.small_groups(plan, self._experiments, self._conditions, only_short)

    def __iter__(self) -> Iterator[Batch]:
        """Return an iterator over this rank's batches of the epoch that is pending at its first ``next()``."""
        iterator = iter(self._feed)
        watch.tell(self, iterator)
        return iterator

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
            A fresh, small dict of plain values, which JSON takes. It holds the epoch, the number of global batches that
            are done, and a fingerprint of all that the batches depend on. Any rank's state serves every rank, whatever
            their number.

        Notes
        -----
        The position counts the batches that the sampler handed out. A loader with workers draws ahead, so training is
        behind it: torchdata's StatefulDataLoader keeps the right position, and with other loaders `resume` sets it.
        Iterators have both methods too, and sampler and iterators take each other's states.

        The first call passes over the table's rows once, for the fingerprint. Over an `Index`, only the first call of
        all its samplers does; over one that was opened, none.
        """
        return self._feed.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Make the next iteration go on where a state was made.

        Parameters
        ----------
        state_dict : dict
            From `state_dict` of a sampler, or of its iterator, with the same table, seed and settings. The number of
            ranks may be another one. A state from the end of an epoch begins the next.

        Raises
        ------
        TypeError
            If `state_dict` is no state.
        ValueError
            If the table or a setting differs. The message names what.
        """
        try:
            self._feed.load_state_dict(state_dict)
        except OtherLabelsError as error:
            raise error.named({"experiments": self.experiment_key, "conditions": self.condition_key}) from None

    def resume(self, epoch: int, batches: int) -> None:
        """Make the next iteration go on after the batches that were consumed.

        It is for loops that count batches themselves because their loader draws ahead.

        Parameters
        ----------
        epoch : int
            The epoch that was under way.
        batches : int
            Batches of it that this rank has consumed, with the present number of ranks. At most ``len(self)``, which
            begins the next epoch.
        """
        done = arguments.integer("batches", batches, 0, len(self) + 1)
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
        ranks.check(self._feed, arguments.flag("whole_world", whole_world))

    def batch(self, k: int, epoch: int | None = None) -> Batch:
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
        position = arguments.integer("k", k, 0, self._feed.dealt_batches())
        return self._feed.batch(position, self._epoch_or_current(epoch))

    def epoch_batches(self, epoch: int | None = None) -> Indices:
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
        position = arguments.integer("k", k, 0, self._feed.dealt_batches())
        columns = self._feed.explain(position, self._epoch_or_current(epoch))
        from cascade_sampler._report.origins import Origins

        return Origins.of(columns, self.experiments, self.conditions, self._library)

    def audit(
        self,
        epochs: int = 1,
        epoch: int | None = None,
        progress: Callable[[int, int], object] | None = None,
        *,
        batches: int | None = None,
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
        batches : int, optional
            How many global batches of each epoch are counted, from its beginning: for runs that do not go through
            whole epochs. Default: all.

        Returns
        -------
        Audit

        Raises
        ------
        MemoryError
            Where 4 bytes a row, or 8 with times and up to 36 with times that nearly all differ, do not fit into memory.

        Notes
        -----
        Ctrl-C is answered between batches.
        """
        from cascade_sampler._report.count import Asked, count

        epochs = arguments.integer("epochs", epochs, 1, 2**32)
        first = self._epoch_or_current(epoch)
        self._checked(first + epochs - 1)
        if progress is not None and not callable(progress):
            raise TypeError(f"progress must be callable, or None, got {type(progress).__name__}")
        return count(
            self._feed,
            self.experiments,
            self.conditions,
            Asked(
                leaky=self._leaky_here,
                ratios=self.condition_ratio,
                window=self.temporal_window_hours if self._index.time_key is not None else None,
                settings=told(self),
            ),
            epoch=first,
            epochs=epochs,
            batches=None if batches is None else arguments.integer("batches", batches, 1, 2**63),
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
        if self._index.time_key is None:
            return {"primary": slice(0, primary), **places}
        near = primary - int(primary * self.temporal_global_fraction)
        return {"near": slice(0, near), "far": slice(near, primary), **places}

    @property
    def index(self) -> Index:
        """What the sampler knows of the table, of the features that are on; other samplers take it for the table."""
        return self._index

    @property
    def epoch(self) -> int:
        """The epoch last begun, or set since."""
        return self._feed.epoch

    @property
    def sampler(self: _Self) -> _Self:
        """The sampler itself: frameworks that know batch samplers as wrappers call `set_epoch` on what they wrap."""
        return self

    @property
    def experiments(self) -> tuple[Label, ...]:
        """Labels of the experiments, in order; empty where experiments are not used."""
        return self._experiments.all()

    @property
    def conditions(self) -> tuple[Label, ...]:
        """Labels of the conditions, in order; empty where conditions are not used."""
        return self._conditions.all()

    @property
    def experiment_weights(self) -> Mapping[Label, float]:
        """Chance of each experiment to be picked, as it is used: shares by label; empty without experiments."""
        return MappingProxyType(dict(zip(self._experiments, self._feed.plan.weights.tolist(), strict=False)))

    @property
    def num_batches(self) -> int:
        """Global batches of an epoch, before the last round is filled."""
        return self._feed.plan.batches

    @property
    def num_replicas(self) -> int:
        """Number of ranks that share an epoch."""
        return self._feed.deal()[0]

    @property
    def rank(self) -> int:
        """Which of the ranks this is."""
        return self._feed.deal()[1]

    def __repr__(self) -> str:
        plan, feed = self._feed.plan, self._feed
        rank = f"rank {self.rank} of {self.num_replicas}" if feed.is_dealt else "rank still to be asked for"
        used = [f"{plan.rows} rows" if plan.kept == plan.rows else f"{plan.kept} of {plan.rows} rows"]
        if self._experiments:
            used.append(f"{len(self._experiments)} experiments, leaky={self.leaky}")
        if self._conditions:
            used.append(f"{len(self._conditions)} conditions")
        if self._index.time_key is not None:
            outside = self.temporal_global_fraction
            used.append(f"window of {self.temporal_window_hours} h and {outside} of the seats outside")
        return (
            f"{type(self).__name__}({', '.join(used)}; {plan.batches} batches of {self.batch_size} an epoch; "
            f"{rank}, seed={self.seed}, epoch={self.epoch}, index_dtype={self.index_dtype!r})"
        )

    @property
    def _leaky_here(self) -> float:
        """`leaky` where there are experiments to leak from, else 0."""
        return self.leaky if self._experiments else 0.0

    def _epoch_or_current(self, epoch: int | None) -> int:
        return self.epoch if epoch is None else self._checked(epoch)

    def _checked(self, epoch: int) -> int:
        return arguments.integer("epoch", epoch, 0, self._epochs)
