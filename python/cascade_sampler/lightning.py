"""Lightning: the position of a sampler in checkpoints. Lightning is imported with the first callback, not before."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cascade_sampler._samplers.base import CascadeBase

if TYPE_CHECKING:
    from cascade_sampler._lightning.callback import ResumeCallback, Source

__all__ = ["ResumeCallback", "resume_callback"]


def resume_callback(sampler: Source) -> ResumeCallback:
    """Make a `ResumeCallback` that is told its sampler.

    `ResumeCallback` finds the sampler by itself. This one is for loaders in which it cannot be found, and for one of
    several samplers.

    Parameters
    ----------
    sampler : FlexibleBatchSampler or CascadeSampler, or callable that returns it
        The batch sampler of the training loader. A callable is asked whenever a checkpoint is written or loaded, and
        returns None as long as there is no sampler.

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
    A checkpoint without a position, from a run without the callback, is loaded with a warning. One callback is for one
    sampler, one callback a Trainer. With torchdata's StatefulDataLoader it is needed too: alone, that is exact inside
    of epochs only, whatever its sampler.
    """
    if not isinstance(sampler, CascadeBase) and not callable(sampler):
        raise TypeError(
            "sampler must be a FlexibleBatchSampler or a CascadeSampler, or a callable that returns it, got "
            f"{type(sampler).__name__}"
        )
    made: ResumeCallback = _callbacks().NamedResumeCallback(sampler)
    return made


def _callbacks() -> Any:
    try:
        return importlib.import_module("cascade_sampler._lightning.callback")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "lightning":
            raise
        raise ImportError(
            "the callbacks need Lightning 2, which is not installed: pip install lightning", name="lightning"
        ) from None


def __getattr__(name: str) -> Any:
    if name != "ResumeCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = _callbacks().ResumeCallback
    return found


def __dir__() -> list[str]:
    return __all__
