"""Picks and rows are as frequent as they should be: chi-square tests with fixed seeds."""

from __future__ import annotations

import numpy as np

from cascade_sampler import FlexibleBatchSampler
from chi_square import chi_square


def test_experiments_are_picked_by_weight():
    sizes = np.array([500, 300, 900, 100, 700])
    experiment = np.repeat(np.arange(5), sizes)
    batches = 40_000
    for weights in (None, {0: 1.0, 1: 2.0, 2: 0.5, 4: 4.0}):
        sampler = FlexibleBatchSampler(
            {"experiment": experiment},
            batch_size=1,
            condition_balanced=False,
            experiment_weights=weights,
            num_batches=batches,
            seed=1,
        )
        counts = np.bincount(experiment[sampler.epoch_batches()[:, 0]], minlength=5)
        chance = sizes / sizes.sum() if weights is None else np.array([weights.get(e, 0) for e in range(5)]) / 7.5
        assert (counts[chance == 0] == 0).all()
        used = chance > 0
        assert abs(chi_square(counts[used], batches * chance[used])) < 3


def test_rows_of_a_cell_and_of_the_leak_are_equally_likely():
    experiment = np.repeat([0, 1, 2], [300, 400, 200])
    condition = np.arange(900) % 2
    table = {"experiment": experiment, "condition": condition}
    arguments = {"batch_size": 50, "leaky": 0.4, "experiment_weights": {1: 1.0}, "num_batches": 4000, "seed": 2}
    batches = FlexibleBatchSampler(table, **arguments).epoch_batches()
    primary, leak = batches[:, :30], batches[:, 30:]
    assert (experiment[primary] == 1).all() and (experiment[leak] != 1).all()
    assert (condition[primary[:, :15]] == 0).all() and (condition[primary[:, 15:]] == 1).all()
    for rows, drawn in ((np.flatnonzero(experiment == 1), primary), (np.flatnonzero(experiment != 1), leak)):
        counts = np.bincount(drawn.ravel(), minlength=900)[rows]
        # Without replacement the spread is smaller, never larger, than that of independent draws.
        assert chi_square(counts, np.full(len(rows), drawn.size / len(rows))) < 3


def test_every_seat_sees_every_row():
    batches = FlexibleBatchSampler(
        {"any": np.zeros(40)},
        batch_size=8,
        experiment_aware=False,
        condition_balanced=False,
        num_batches=20_000,
        seed=3,
    ).epoch_batches()
    for seat in range(8):
        counts = np.bincount(batches[:, seat], minlength=40)
        assert abs(chi_square(counts, np.full(40, 500.0))) < 3.5
