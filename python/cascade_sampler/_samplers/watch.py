"""Who is told that a sampler was asked for an iterator.

A loader with workers draws in the same call that asks. So this is the last moment at which the position of a sampler
can be chosen by someone who did not make the sampler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_Watcher = Callable[[Any, Iterator[Any]], object]

_watchers: list[_Watcher] = []


def start(watcher: _Watcher) -> None:
    """Call `watcher` with every sampler that is asked for an iterator, and with that iterator, until `stop`."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def stop(watcher: _Watcher) -> None:
    """Do not call `watcher` any more; nothing happens where it is not called."""
    if watcher in _watchers:
        _watchers.remove(watcher)


def tell(sampler: Any, iterator: Iterator[Any]) -> None:
    """Tell all who watch."""
    for watcher in tuple(_watchers):
        watcher(sampler, iterator)
