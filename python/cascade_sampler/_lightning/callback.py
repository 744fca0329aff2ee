"""The callbacks themselves. Lightning is imported with this module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_warn

from cascade_sampler._lightning.loaders import samplers
from cascade_sampler._samplers import watch
from cascade_sampler._samplers.base import CascadeBase
from cascade_sampler._samplers.state import moved

Source = CascadeBase | Callable[[], CascadeBase | None]

_KEY = "cascade_sampler"
_SEVERAL = "samplers"


class ResumeCallback(Callback):  # type: ignore[misc]  # lightning is not there where types are checked
    """Write where training stands into checkpoints, and carry on there.

    The callback finds the batch samplers of this package in the training loader by itself, whenever that is made. It
    counts the batches that were trained on, so workers of the loader may draw ahead.

    Raises
    ------
    RuntimeError
        When training begins: where a checkpoint holds a position, and no training loader draws from a batch sampler of
        this package, or from another number of them.
    ValueError
        Where a position was written with another table or other settings: the message names what differs.

    Notes
    -----
    Lightning's checkpoints hold no position of a batch sampler: without this callback a resumed epoch begins anew. On
    resume the number of ranks may be another one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._states: list[dict[str, Any]] = []
        self._reached: list[CascadeBase] = []
        self._trainer: Any = None
        self._error: Exception | None = None

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Write the positions; None where nothing was trained on yet, as when a tuner saves what it will restore."""
        checkpoint[_KEY] = None
        if trainer.fit_loop.epoch_progress.current.ready == 0:
            return
        states = [_state(trainer, sampler) for sampler in self._samplers(trainer)]
        if states:
            checkpoint[_KEY] = states[0] if len(states) == 1 else {_SEVERAL: states}

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Remember the positions: the loader is perhaps not made yet."""
        if trainer.state.fn != "fit":
            return
        if _KEY not in checkpoint:
            rank_zero_warn(
                "this checkpoint holds no position of a batch sampler: the run that wrote it had no ResumeCallback or "
                "resume_callback, and its epoch begins anew"
            )
            return
        written = checkpoint[_KEY]
        if written is None:
            return
        self._states = written.get(_SEVERAL, [written])
        self._reached = []
        self._trainer = trainer
        watch.start(self._asked)
        loop = checkpoint.get("loops", {}).get("fit_loop", {}).get("state_dict", {})
        if self._states[0]["batches"] == 0 and len(loop.get("combined_loader", [])) == 1:
            # A StatefulDataLoader's state behind the last batch makes the next epoch an empty one.
            del loop["combined_loader"]

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Refuse positions that reach no loader, or do not fit, before anything is trained on."""
        self._raise()
        found = self._samplers(trainer)
        if self._states and len(found) != len(self._states):
            self._refuse(len(found))
        most = trainer.num_training_batches
        short = [len(sampler) for sampler in found if len(sampler) < most]
        if short:
            then = (
                'its batches are None from then on (mode "max_size"). A run that is resumed after its end does not '
                "carry on exactly"
                if _goes_once(trainer)
                else "Lightning goes through it more than once, so batches come again in later epochs. With workers, a "
                "run that is resumed in the second round does not carry on exactly"
            )
            rank_zero_warn(
                f"a batch sampler yields {short[0]} batches, and the trainer's epoch has {most}: {then}. Give that "
                f"sampler num_batches={most}"
            )
        if not found:
            rank_zero_warn(
                "ResumeCallback finds no batch sampler of cascade_sampler in the training loader, so checkpoints will "
                "hold no position: give the loader batch_sampler=sampler. Trainer(overfit_batches=...) replaces it: "
                "use limit_train_batches instead"
            )

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Refuse positions that were not taken: the first batch is there, and was drawn from elsewhere."""
        self._raise()
        if self._states and len(self._reached) < len(self._states):
            self._refuse(len(self._reached))
        self._forget()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Forget positions that were not taken."""
        self._forget()

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Forget positions that were not taken: there was nothing left to train."""
        self._forget()

    def _samplers(self, trainer: Any) -> list[CascadeBase]:
        return samplers(trainer.train_dataloader)

    def _asked(self, sampler: CascadeBase, iterator: Iterator[Any]) -> None:
        """Set the position of an iterator that a training loader asked for."""
        # A tuner trains without callbacks, with samplers of its own settings.
        if not any(self is callback for callback in self._trainer.callbacks):
            return
        ours = self._samplers(self._trainer)
        place = next((place for place, known in enumerate(ours) if known is sampler), None)
        if place is None or len(ours) != len(self._states):
            return
        # The iterator's position outlasts the set_epoch that Lightning may call before the first batch.
        try:
            sampler.load_state_dict(self._states[place])
            iterator.load_state_dict(self._states[place])  # type: ignore[attr-defined]
        except (TypeError, ValueError) as error:
            # Raised from here it would be lost: what Lightning tears down then raises on its own.
            self._error = error
        if not any(sampler is known for known in self._reached):
            self._reached.append(sampler)

    def _refuse(self, found: int) -> None:
        raise RuntimeError(
            f"the checkpoint holds the position of {len(self._states)} batch sampler(s), and the training loader draws "
            f"from {found} of cascade_sampler: resume with the loader that the checkpoint was made with, "
            "DataLoader(..., batch_sampler=sampler), or remove the callback to begin the epoch anew"
        )

    def _forget(self) -> None:
        watch.stop(self._asked)
        self._states, self._reached, self._trainer, self._error = [], [], None, None

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


class NamedResumeCallback(ResumeCallback):
    """What `resume_callback` makes: it is told its sampler, for loaders in which that cannot be found."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def _samplers(self, trainer: Any) -> list[CascadeBase]:
        found, named = super()._samplers(trainer), self._named()
        if named is None or (len(found) == 1 and found[0] is not named):
            # Asked too early, or for one that the loader's has replaced since.
            return found
        return [named]

    def _named(self) -> CascadeBase | None:
        sampler = self._source if isinstance(self._source, CascadeBase) else self._source()
        if sampler is not None and not isinstance(sampler, CascadeBase):
            raise TypeError(
                f"the callable that resume_callback was given must return the batch sampler, got "
                f"{type(sampler).__name__}"
            )
        return sampler


def _state(trainer: Any, sampler: CascadeBase) -> dict[str, Any]:
    """Return a sampler's state at the batch that was trained on last."""
    loop = trainer.fit_loop
    epochs, batches = loop.epoch_progress.current, loop.epoch_loop.batch_progress.current
    # The batch counts of an epoch stay as they are behind it, until the next begins.
    done = batches.processed if epochs.ready > epochs.processed else 0
    fixed = getattr(sampler, "fixed_epoch", None)
    if 0 < loop.max_batches <= done:
        return moved(sampler.state_dict(), epochs.processed + 1 if fixed is None else fixed, 0)
    # A loader that is shorter than the others is gone through more than once, or has ended.
    laps, done = divmod(done, len(sampler))
    if laps and _goes_once(trainer):
        laps, done = 1, 0
    epoch = epochs.processed + laps if fixed is None else fixed
    return moved(sampler.state_dict(), epoch, done * sampler.num_replicas)


def _goes_once(trainer: Any) -> bool:
    """Whether a loader that is shorter than the others is not begun again."""
    return getattr(getattr(trainer.fit_loop, "_combined_loader", None), "_mode", None) == "max_size"


# Under the name that users import.
ResumeCallback.__module__ = "cascade_sampler.lightning"
