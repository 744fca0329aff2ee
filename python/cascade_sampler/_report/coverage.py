"""How many rows some epochs come to: worked out from the plan, by its rule, and not counted."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._report.chance import epochs_until, unseen


class Coverage(Protocol):
    """What is expected of the rows of each experiment."""

    @property
    def never(self) -> int:
        """Rows that no batch can hold."""

    @property
    def is_slow(self) -> bool:
        """Whether some row that batches can hold is more likely than not to be missed by ten epochs."""

    def unseen(self, epochs: float) -> NDArray[np.float64]:
        """Return how many rows of each experiment are expected not to be seen within so many epochs."""

    def epochs_until(self, share: float) -> float | None:
        """Return after how many epochs this share of the rows is expected to be seen; None where it never is."""


def coverage_of(feed: _core.Feed, counted: dict[str, Any], of_experiment: NDArray[np.int64], epoch: int) -> Coverage:
    """Return the coverage of a feed.

    Parameters
    ----------
    feed : Feed
        Of which epochs were counted.
    counted : dict
        What was counted.
    of_experiment : numpy.ndarray of shape (cells,)
        The experiment of each cell, or without conditions of each experiment.
    epoch : int
        The first of the epochs: laps run on from those before.
    """
    dealt = feed.coverage(epoch)
    return _Drawn(feed.plan, counted, of_experiment) if dealt is None else _Dealt(feed.plan, dealt, of_experiment)


class _Drawn:
    """Each batch misses a row independently of all others."""

    def __init__(self, plan: _core.Plan, counted: dict[str, Any], of_experiment: NDArray[np.int64]) -> None:
        self._rates, self._rows = counted["reach_rate"], counted["reach_rows"]
        self._experiments = of_experiment[counted["reach_unit"].astype(np.intp)]
        self._count = len(plan.sizes)

    @property
    def never(self) -> int:
        return int(self._rows[self._rates == 0].sum())

    @property
    def is_slow(self) -> bool:
        return bool((self._rates * 10 < np.log(2)).any())

    def unseen(self, epochs: float) -> NDArray[np.float64]:
        left = unseen(self._rates, self._rows, epochs)
        return _by_experiment(left, self._experiments, self._count)

    def epochs_until(self, share: float) -> float | None:
        return epochs_until(self._rates, self._rows, share)


class _Dealt:
    """Rows come again only after all others of their cell have come."""

    def __init__(self, plan: _core.Plan, dealt: _core.Coverage, of_experiment: NDArray[np.int64]) -> None:
        self._dealt, self._of_experiment, self._count = dealt, of_experiment, len(plan.sizes)

    @property
    def never(self) -> int:
        return self._dealt.never

    @property
    def is_slow(self) -> bool:
        return self._dealt.never > 0

    def unseen(self, epochs: float) -> NDArray[np.float64]:
        left = self._dealt.unseen(epochs)
        return _by_experiment(left, self._of_experiment, self._count)

    def epochs_until(self, share: float) -> float | None:
        return self._dealt.epochs_until(share)


def _by_experiment(values: NDArray[np.float64], experiments: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(experiments, weights=values, minlength=count), dtype=np.float64)
