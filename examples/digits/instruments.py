"""Real handwritten digits, each photographed by one of eight simulated instruments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

INSTRUMENTS = 8
SIDE = 8
GAIN = 1.5
OFFSET = 0.3
SLOPE = 0.3
PATTERN = 0.1


@dataclass(frozen=True)
class Photographs:
    """What the instruments delivered; the digits are there to judge the outcome, training never sees them."""

    images: NDArray[np.float32]
    """Of shape (images, 8, 8), about 0 to 1 before the instrument."""
    instrument: NDArray[np.int64]
    digit: NDArray[np.int64]


def photograph(seed: int) -> Photographs:
    """Give each digit to an instrument, drawn without regard to the digit, and return what that made of it.

    Each instrument takes an eighth of the images, give or take one.
    """
    digits = load_digits()
    instrument = np.random.default_rng([seed, 0]).permutation(len(digits.images)) % INSTRUMENTS
    return Photographs(_taken_by(digits.images, instrument, seed), instrument, digits.target.astype(np.int64))


def one_digit(seed: int) -> NDArray[np.float32]:
    """Return one image as each of the instruments takes it."""
    return _taken_by(load_digits().images[[0] * INSTRUMENTS], np.arange(INSTRUMENTS), seed)


def _taken_by(images: NDArray[np.float64], instrument: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    """Return the images as their instruments take them.

    Every instrument has a gain, an offset, a slope of its illumination and a fixed pattern of its pixels.
    """
    rng = np.random.default_rng([seed, 1])
    gain = GAIN ** rng.uniform(-1, 1, (INSTRUMENTS, 1, 1))
    offset = rng.uniform(-OFFSET, OFFSET, (INSTRUMENTS, 1, 1))
    angle = rng.uniform(0, 2 * np.pi, (INSTRUMENTS, 1, 1))
    along = np.linspace(-1, 1, SIDE)
    light = 1 + SLOPE * (np.sin(angle) * along[:, None] + np.cos(angle) * along)
    pattern = rng.normal(0, PATTERN, (INSTRUMENTS, SIDE, SIDE))
    taken = (gain * light)[instrument] * images / 16 + (offset + pattern)[instrument]
    return taken.astype(np.float32)
