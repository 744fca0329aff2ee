"""Lightning: the position of a sampler in Lightning's checkpoints. It is imported when a callback is made."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from cascade_sampler._samplers.flexible import FlexibleBatchSampler
from cascade_sampler._samplers.state import moved

_Source = FlexibleBatchSampler | Callable[[], FlexibleBatchSampler]


def resume_callback(sampler: _Source) -> Any:
    """Make a callback that writes where training stands into checkpoints, and carries on there.

    Lightning's checkpoints hold no position of a batch sampler: without one a resumed epoch begins anew. What is
    written counts the batches that were trained on, so loader workers may draw ahead.

    Parameters
    ----------
    sampler : FlexibleBatchSampler, or callable that returns it
        The batch sampler of the training loader. A callable is asked whenever a checkpoint is written or loaded, for
        samplers that a data module makes in ``setup``; one that is only made in ``train_dataloader`` comes too late.

    Returns
    -------
    lightning.pytorch.Callback
        For ``Trainer(callbacks=[...])``.

    Raises
    ------
    TypeError
        Where it is neither.
    ImportError
        Where lightning is not installed.

    Notes
    -----
    On resume the number of ranks may be another one. A checkpoint without a position, from a run without the callback,
    is loaded with a warning. One callback is for one sampler, one sampler a Trainer. With torchdata's
    StatefulDataLoader it is needed too: alone, that is exact inside of epochs only, whatever its sampler.
    """
    if not isinstance(sampler, FlexibleBatchSampler) and not callable(sampler):
        raise TypeError(
            f"sampler must be a FlexibleBatchSampler or a callable that returns it, got {type(sampler).__name__}"
        )
    return _callback()(sampler)


@functools.cache
def _callback() -> Any:
    from lightning.pytorch import Callback
    from lightning.pytorch.utilities import rank_zero_warn

    class ResumeCallback(Callback):  # type: ignore[misc]  # lightning is not there where types are checked
        """What `resume_callback` makes."""

        def __init__(self, source: _Source) -> None:
            self._source = source

        def __reduce__(self) -> Any:
            return resume_callback, (self._source,)

        def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
            """Write the position."""
            sampler, loop = self._sampler(), trainer.fit_loop
            epochs, batches = loop.epoch_progress.current, loop.epoch_loop.batch_progress.current
            # The batch counts of an epoch stay as they are behind it, until the next begins.
            done = batches.processed if epochs.ready > epochs.processed else 0
            place = epochs.processed, done * sampler.num_replicas
            if 0 < loop.max_batches <= done:
                place = epochs.processed + 1, 0
            checkpoint[_KEY] = moved(sampler.state_dict(), *place)

        def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
            """Carry on at the position."""
            if _KEY not in checkpoint:
                rank_zero_warn(
                    "this checkpoint holds no position of a batch sampler: the run that wrote it had no "
                    "resume_callback, and its epoch begins anew"
                )
                return
            self._sampler().load_state_dict(checkpoint[_KEY])
            loop = checkpoint.get("loops", {}).get("fit_loop", {}).get("state_dict", {})
            if checkpoint[_KEY]["batches"] == 0 and len(loop.get("combined_loader", [])) == 1:
                # A StatefulDataLoader's state behind the last batch makes the next epoch an empty one.
                del loop["combined_loader"]

        def _sampler(self) -> FlexibleBatchSampler:
            if isinstance(self._source, FlexibleBatchSampler):
                return self._source
            return self._source()

    return ResumeCallback


_KEY = "cascade_sampler"
