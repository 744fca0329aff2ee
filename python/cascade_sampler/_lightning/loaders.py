"""Finding this package's samplers in whatever a training loader is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cascade_sampler._samplers.base import CascadeBase

#: Where loaders, and wrappers of loaders and of batch samplers, keep what they draw from.
_INSIDE = ("batch_sampler", "sampler", "iterables", "loader", "dataloader", "_dataloader")
_DEEPEST = 6


def samplers(loaders: Any) -> list[CascadeBase]:
    """Return the samplers that loaders draw from, each once, in the order of the loaders.

    Parameters
    ----------
    loaders : loader, or nested collection of loaders
        What ``trainer.train_dataloader`` is; None where there is none yet.
    """
    found: list[CascadeBase] = []
    _look(loaders, found, 0)
    return found


def _look(place: Any, found: list[CascadeBase], depth: int) -> None:
    if isinstance(place, CascadeBase):
        if not any(place is known for known in found):
            found.append(place)
    elif depth < _DEEPEST and place is not None:
        for inside in _parts(place):
            _look(inside, found, depth + 1)


def _parts(place: Any) -> list[Any]:
    if isinstance(place, Mapping):
        return list(place.values())
    if isinstance(place, (list, tuple)):
        # A batch sampler may be a plain list of batches, perhaps a long one.
        return [part for part in place if not isinstance(part, (int, float, str, list))] if len(place) < 1000 else []
    attributes = getattr(place, "__dict__", {})
    return [attributes[name] for name in _INSIDE if name in attributes]
