"""The specification once more, slow and obvious, on a plain `numpy.random.Generator`.

It never imports cascade_sampler. Columns are lists or arrays of labels; every pool is an array of rows, put together by
looking at the whole column, and near and far are found by looking at the whole pool. A key of several columns is one
column here, as `joined` makes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Oracle:
    """A sampler over one table. `experiment`, `condition` or `time` is None where the feature is off.

    Times are hours: an array of float32, which stays that, or anything that becomes doubles.
    """

    rows: int
    experiment: Sequence[Any] | None
    condition: Sequence[Any] | None
    batch_size: int = 128
    leaky: float = 0.0
    weights: Mapping[Any, float] | None = None
    ratios: Mapping[Any, float] | None = None
    seed: int = 0
    drop_last: bool = True
    num_batches: int | None = None
    time: Sequence[float] | np.ndarray | None = None
    window: float = 2.0
    global_fraction: float = 0.3

    def __post_init__(self) -> None:
        experiment = np.asarray(self.experiment if self.experiment is not None else ["all"] * self.rows)
        condition = np.asarray(self.condition if self.condition is not None else [])
        self.experiments = sorted(set(experiment.tolist()))
        self.conditions = sorted(set(condition.tolist()))
        of = {label: experiment == label for label in self.experiments}
        within = {other: condition == other for other in self.conditions}
        self.pools = {label: np.flatnonzero(of[label]) for label in self.experiments}
        self.cells = {
            (label, other): np.flatnonzero(of[label] & within[other])
            for label in self.experiments
            for other in self.conditions
        }
        self._others: dict[Any, np.ndarray] = {}
        self.hours = np.asarray([] if self.time is None else self.time)
        if self.hours.dtype != np.float32:
            self.hours = self.hours.astype(np.float64)

    def others(self, label: Any) -> np.ndarray:
        if label not in self._others:
            self._others[label] = np.concatenate([self.pools[other] for other in self.experiments if other != label])
        return self._others[label]

    def cdf(self) -> np.ndarray:
        if self.weights is None:
            chance = np.array([len(self.pools[label]) / self.rows for label in self.experiments])
        else:
            given = np.array([self.weights.get(label, 0.0) for label in self.experiments], dtype=float)
            chance = given / given.sum()
        sums = np.cumsum(chance)
        return sums / sums[-1]

    def leak(self, size: int) -> int:
        return int(size * self.leaky) if len(self.experiments) > 1 else 0

    def quotas(self, label: Any, seats: int) -> dict[Any, int]:
        present = [condition for condition in self.conditions if len(self.cells[label, condition])]
        ratio = {condition: (self.ratios or {}).get(condition, 1 / len(present)) for condition in present}
        taking_part = [condition for condition in present if ratio[condition] > 0]
        total = math.fsum(ratio[condition] for condition in taking_part)
        quotas = {c: math.floor((seats * ratio[c]) / total + 1e-9) for c in taking_part[:-1]}
        quotas[taking_part[-1]] = seats - sum(quotas.values())
        return quotas

    def batch(self, generator: np.random.Generator, size: int) -> np.ndarray:
        label = self.experiments[0]
        if self.experiment is not None:
            label = self.experiments[np.searchsorted(self.cdf(), generator.random(), side="right")]
        leaked = []
        if self.leak(size):
            leaked = [choose(generator, self.others(label), self.leak(size))]
        seats = size - self.leak(size)
        if self.time is not None:
            primary = self.around_one_time(generator, label, seats)
        elif self.condition is None:
            primary = [choose(generator, self.pools[label], seats)]
        else:
            quotas = self.quotas(label, seats)
            primary = [choose(generator, self.cells[label, condition], quota) for condition, quota in quotas.items()]
        return np.concatenate(primary + leaked)

    def around_one_time(self, generator: np.random.Generator, label: Any, seats: int) -> list[np.ndarray]:
        pool = self.pools[label]
        distinct = np.unique(self.hours[pool])
        focal = distinct[generator.integers(len(distinct))]
        if self.condition is None:
            far = int(seats * self.global_fraction)
            parts = [(pool, True, seats - far), (pool, False, far)]
        else:
            before = 0
            nears, fars = [], []
            for condition, quota in self.quotas(label, seats).items():
                far = int((before + quota) * self.global_fraction) - int(before * self.global_fraction)
                nears.append((self.cells[label, condition], True, quota - far))
                fars.append((self.cells[label, condition], False, far))
                before += quota
            parts = nears + fars
        primary = []
        for rows, wanted, part_seats in parts:
            part = rows[self.is_near(rows, focal) == wanted]
            primary.append(choose(generator, part if len(part) else rows, part_seats))
        return primary

    def is_near(self, rows: np.ndarray, focal: Any) -> np.ndarray:
        with np.errstate(over="ignore"):  # a difference, or the window in float32, may become infinite
            return np.abs(self.hours[rows] - focal) <= self.hours.dtype.type(self.window)

    def total(self) -> int:
        if self.num_batches is not None:
            return self.num_batches
        short = not self.drop_last and self.rows % self.batch_size > 0
        return self.rows // self.batch_size + short

    def stream(self, epoch: int) -> Iterator[np.ndarray]:
        """Global batches, without an end."""
        generator = np.random.default_rng(self.seed + epoch)
        short = self.num_batches is None and not self.drop_last and self.rows % self.batch_size
        position = 0
        while True:
            last = position == self.total() - 1
            yield self.batch(generator, short if short and last else self.batch_size)
            position += 1

    def epoch(self, epoch: int, replicas: int = 1, rank: int = 0) -> list[np.ndarray]:
        rounds = -(-self.total() // replicas)
        batches = [batch for batch, _ in zip(self.stream(epoch), range(rounds * replicas), strict=False)]
        return batches[rank::replicas]


def choose(generator: np.random.Generator, pool: np.ndarray, seats: int) -> np.ndarray:
    if seats == 0:
        return np.empty(0, dtype=np.int64)
    return pool[generator.choice(len(pool), seats, replace=seats > len(pool))]


def joined(*columns: Sequence[Any]) -> list[str]:
    """One column of text that stands for a key of several, where no two tuples have the same text."""
    return ["|".join(map(str, label)) for label in zip(*columns, strict=True)]
