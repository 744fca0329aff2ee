"""Where the seats of a batch come from, by the specification's section 3, on top of the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle import Oracle, choose

PRIMARY, NEAR, FAR, LEAK = range(4)


@dataclass
class Part:
    """Neighbouring seats that were drawn together."""

    rows: np.ndarray
    source: int
    replaced: bool
    fallback: bool


@dataclass
class Explained:
    """One batch with its origins, as labels."""

    parts: list[Part]
    label: Any
    focal: float | None

    def column(self, name: str) -> list[Any]:
        return [value for part in self.parts for value in [getattr(part, name)] * len(part.rows)]

    @property
    def rows(self) -> list[int]:
        return [row for part in self.parts for row in part.rows.tolist()]


class Explaining(Oracle):
    """The oracle, whose batches are taken down as they are drawn."""

    def explain(self, k: int, epoch: int) -> Explained:
        generator = np.random.default_rng(self.seed + epoch)
        for position in range(k + 1):
            short = self.num_batches is None and not self.drop_last and self.rows % self.batch_size
            size = short if short and position == self.total() - 1 else self.batch_size
            explained = self.explained(generator, size)
        return explained

    def explained(self, generator: np.random.Generator, size: int) -> Explained:
        label = self.experiments[0]
        if self.experiment is not None:
            label = self.experiments[np.searchsorted(self.cdf(), generator.random(), side="right")]
        leaked, focal = [], None
        if self.leak(size):
            leaked = [self.part(generator, self.others(label), self.leak(size), LEAK)]
        seats = size - self.leak(size)
        cells = [(self.pools[label], seats)]
        if self.condition is not None:
            cells = [(self.cells[label, condition], quota) for condition, quota in self.quotas(label, seats).items()]
        if self.time is None:
            return Explained(
                [self.part(generator, rows, quota, PRIMARY) for rows, quota in cells] + leaked, label, None
            )
        distinct = np.unique(self.hours[self.pools[label]])
        focal = distinct[generator.integers(len(distinct))]
        nears, fars, before = [], [], 0
        for rows, quota in cells:
            far = int((before + quota) * self.global_fraction) - int(before * self.global_fraction)
            before += quota
            nears.append((rows, quota - far, NEAR))
            fars.append((rows, far, FAR))
        parts = []
        for rows, quota, source in nears + fars:
            some = rows[self.is_near(rows, focal) == (source == NEAR)]
            empty = len(some) == 0
            parts.append(self.part(generator, rows if empty else some, quota, source, empty))
        return Explained(parts + leaked, label, float(focal))

    @staticmethod
    def part(generator: np.random.Generator, pool: np.ndarray, seats: int, source: int, fallback: bool = False) -> Part:
        return Part(choose(generator, pool, seats), source, seats > len(pool), fallback)
