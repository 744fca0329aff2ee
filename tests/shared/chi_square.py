"""How far counts are from what was expected of them."""

from __future__ import annotations

from typing import Any

import numpy as np


def chi_square(counts: np.ndarray, expected: Any, freedom: int | None = None) -> float:
    """Standard normal score of the chi-square statistic, by Wilson and Hilferty.

    Freedom is the number of counts less one where it is not given.
    """
    statistic = ((counts - expected) ** 2 / expected).sum()
    freedom = freedom or len(counts) - 1
    spread = 2 / (9 * freedom)
    return float(((statistic / freedom) ** (1 / 3) - (1 - spread)) / np.sqrt(spread))
