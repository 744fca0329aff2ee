"""What a representation knows of the digit, and what of the instrument."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from instruments import Photographs

NEIGHBOURS = 10


def digits_recognised(points: NDArray[np.float32], photographs: Photographs) -> float:
    """Return the share of images whose digit is that of most of the 10 nearest images of other instruments."""
    likeness = _likeness(points)
    likeness[photographs.instrument[:, None] == photographs.instrument] = -np.inf
    votes = photographs.digit[_nearest(likeness)]
    counts = np.stack([(votes == digit).sum(axis=1) for digit in range(10)], axis=1)
    return float(np.mean(counts.argmax(axis=1) == photographs.digit))


def own_instrument(points: NDArray[np.float32], photographs: Photographs) -> float:
    """Return the share of the 10 nearest images that were taken by the image's own instrument; chance is 1/8."""
    likeness = _likeness(points)
    np.fill_diagonal(likeness, -np.inf)
    return float(np.mean(photographs.instrument[_nearest(likeness)] == photographs.instrument[:, None]))


def instrument_read(points: NDArray[np.float32], photographs: Photographs) -> float:
    """Return how often a linear classifier names the instrument of images it was not fitted to; chance is 1/8."""
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(probe, points, photographs.instrument, cv=folds).mean())


def _likeness(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine of each pair."""
    unit = points.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    likeness: NDArray[np.float64] = unit @ unit.T
    return likeness


def _nearest(likeness: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.argpartition(-likeness, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
