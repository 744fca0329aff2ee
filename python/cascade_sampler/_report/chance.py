"""What chance allows: exact binomial intervals, and how fast rows are seen."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

INTERVAL = "95 % of a binomial distribution, exact, 2.5 % in each tail"
"""What `binomial_range` gives."""
_TAIL = 0.025


def binomial_range(trials: int, chance: float) -> tuple[int, int]:
    """Return the 2.5 % and the 97.5 % quantile of a binomial distribution.

    A count lies outside in at most one case of twenty: with many experiments some will.
    """
    if chance <= 0 or trials == 0:
        return 0, 0
    if chance >= 1:
        return trials, trials
    # Beyond twelve standard deviations there is nothing that doubles could add.
    reach = 12 * math.sqrt(trials * chance * (1 - chance)) + 40
    low = max(0, math.floor(trials * chance - reach))
    high = min(trials, math.ceil(trials * chance + reach))
    counts = np.arange(low, high, dtype=np.float64)
    steps = np.log((trials - counts) / (counts + 1)) + math.log(chance) - math.log1p(-chance)
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    mass = np.exp(logs - logs.max())
    below = np.cumsum(mass) / mass.sum()
    above = np.cumsum(mass[::-1])[::-1] / mass.sum()
    # The smallest counts whose distribution function reaches the tail, each summed from its own end.
    first = int(np.argmax(below >= _TAIL))
    last = len(mass) - 1 - int(np.argmax(above[::-1] > _TAIL))
    return low + first, low + last


def binomial_ranges(trials: int, chances: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the `binomial_range` of each chance. Equal chances are worked out once: most of many experiments share."""
    different, place = np.unique(chances, return_inverse=True)
    ranges = [binomial_range(trials, chance) for chance in different.tolist()]
    return [ranges[one] for one in place.tolist()]


def unseen(rates: NDArray[np.float64], rows: NDArray[np.uint64], epochs: float) -> NDArray[np.float64]:
    """Return how many of each group of rows are expected not to be seen within a number of epochs."""
    missed = np.where(np.isinf(rates), float(epochs == 0), np.exp(-np.where(np.isinf(rates), 0, rates) * epochs))
    unseen: NDArray[np.float64] = rows.astype(np.float64) * missed
    return unseen


def epochs_until(rates: NDArray[np.float64], rows: NDArray[np.uint64], share: float) -> float | None:
    """Return after how many epochs the expected share of rows that were seen is `share`; None where it never is.

    A row that an epoch misses with probability ``exp(-rate)`` is missed by E epochs with ``exp(-rate * E)``. E is no
    whole number: half an epoch stands for half of its batches.
    """
    left = (1 - share) * float(rows.sum())
    if float(rows[rates == 0].sum()) > left or not np.any(rates > 0):
        return None
    low, high = 0.0, 1.0
    while unseen(rates, rows, high).sum() > left:
        low, high = high, 2 * high
        if high > 1e18:
            return None
    for _ in range(60):
        middle = (low + high) / 2
        if unseen(rates, rows, middle).sum() > left:
            low = middle
        else:
            high = middle
    return high
