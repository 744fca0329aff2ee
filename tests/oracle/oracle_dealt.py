"""The dealt cascade once more, slow and obvious, on NumPy's seeding and generator.

It never imports cascade_sampler. Columns are lists or arrays of labels or codes; a row with None or NaN in any of them
is in no pool, as `missing="exclude"` asks. Pools, cells, weights and what is near are those of version 1's oracle.
`docs/specification-2.md` has the rules, and its numbers of sections stand here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import oracle_decks as decks
from oracle import Oracle, choose
from oracle_decks import ceil_div
from oracle_origins import FAR, LEAK, NEAR, PRIMARY

# What a key is for.
SHARES, BLOCKS, CONDITIONS, CELLS, LEAKS = range(5)


@dataclass
class Seat:
    """One row of a batch, and where it comes from: one of PRIMARY, NEAR, FAR and LEAK."""

    row: int
    experiment: Any
    condition: Any
    source: int
    dealt: bool


@dataclass
class Share:
    """A condition that shares a batch: its cell, which deal of it is on, and after how many deals in one block."""

    cell: int
    ratio: float
    index: int | None
    block: int


@dataclass
class Dealt:
    """The arguments of CascadeSampler, columns in place of the table and the keys; None where a key is not given."""

    rows: int
    experiment: Sequence[Any] | np.ndarray | None = None
    condition: Sequence[Any] | np.ndarray | None = None
    time: Sequence[float] | np.ndarray | None = None
    batch_size: int = 1
    experiment_weights: str | Mapping[Any, float] = "size"
    condition_ratio: Mapping[Any, float] | None = None
    conditions_per_batch: int | None = None
    always: Sequence[Any] = ()
    leaky: float = 0.0
    temporal_window_hours: float = 2.0
    temporal_global_fraction: float = 0.3
    run_length: int = 1
    batches_per_experiment: int = 1
    num_batches: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        columns = [column for column in (self.experiment, self.condition, self.time) if column is not None]
        self.kept = [row for row in range(self.rows) if not any(is_missing(column[row]) for column in columns)]
        experiment, condition = self.kept_of(self.experiment), self.kept_of(self.condition)
        self.drawn = Oracle(
            len(self.kept),
            experiment,
            condition,
            batch_size=self.batch_size,
            leaky=self.leaky,
            weights=self.weights(experiment),
            time=None if self.time is None else np.asarray(self.time)[self.kept],
            window=self.temporal_window_hours,
        )
        self.experiments = self.drawn.experiments
        # A cell is (experiment, condition, rows): of those with rows, experiments first.
        self.cells = [(label, None, pool) for label, pool in self.drawn.pools.items()]
        if condition is not None:
            self.cells = [(*names, rows) for names, rows in self.drawn.cells.items() if len(rows)]
        self.cdf = self.drawn.cdf().tolist()
        self.leaked = self.drawn.leak(self.batch_size)
        self.primary = self.batch_size - self.leaked
        self.passes = [self.blocks_of_a_pass(number) for number in range(len(self.experiments))]
        self.blocks = sum(self.passes)
        if self.num_batches is not None:
            self.blocks = self.num_batches // self.batches_per_experiment
        self.total = self.blocks * self.batches_per_experiment
        self.sums = [[0] * len(self.experiments)]
        self.key = lru_cache(maxsize=None)(lambda *parts: decks.key(self.seed, *parts))

    def kept_of(self, column: Sequence[Any] | np.ndarray | None) -> list[Any] | None:
        return None if column is None else [column[row] for row in self.kept]

    # 2. The plan

    def weights(self, experiment: list[Any] | None) -> Mapping[Any, float] | None:
        """What version 1 is given for the named weights; its own default is the share of the rows."""
        if isinstance(self.experiment_weights, Mapping):
            return self.experiment_weights if experiment is not None else None
        if self.experiment_weights == "size" or experiment is None:
            return None
        rows = {label: experiment.count(label) for label in set(experiment)}
        return {label: math.sqrt(count) if self.experiment_weights == "sqrt" else 1.0 for label, count in rows.items()}

    def can_be_picked(self, number: int) -> bool:
        if self.drawn.weights is None:
            return True
        given = np.array([self.drawn.weights.get(label, 0.0) for label in self.experiments])
        return bool(given[number] / given.sum() > 0)

    def blocks_of_a_pass(self, number: int) -> int:
        if not self.can_be_picked(number):
            return 0
        rows = len(self.drawn.pools[self.experiments[number]])
        return ceil_div(ceil_div(rows, self.primary or self.batch_size), self.batches_per_experiment)

    def ratio(self, condition: Any) -> float:
        return 1.0 if condition is None else (self.condition_ratio or {}).get(condition, 1.0)

    def cells_of(self, number: int) -> list[int]:
        """The cells of an experiment that take part."""
        label = self.experiments[number]
        return [c for c, (of, condition, _) in enumerate(self.cells) if of == label and self.ratio(condition) > 0]

    def refusal(self) -> str | None:
        """Why these arguments are an error, or None. Types, ranges and names without rows are not looked at."""
        limit, different = self.conditions_per_batch, len(set(self.always))
        if self.condition is None and (limit is not None or different):
            return "conditions without a key"
        if limit is not None and limit < max(different, 1):
            return "conditions_per_batch is below 1 or below always"
        others = [ratio for name, ratio in (self.condition_ratio or {}).items() if name not in self.always]
        if self.condition is not None and limit is not None and not {0.0, 1.0}.issuperset(others):
            return "a ratio beside conditions_per_batch"
        if (self.num_batches or 0) % self.batches_per_experiment:
            return "num_batches is not a multiple"
        for number in range(len(self.experiments)):
            if self.condition is not None and self.can_be_picked(number):
                sharing = len(self.cells_of(number))
                if sharing == 0:
                    return "an experiment without a condition"
                if min(sharing, limit or sharing) > self.primary:
                    return "more conditions than seats"
        return None

    # 3. Batch g of epoch e

    def ends(self, epoch: int) -> list[int]:
        """The running sum of the experiments' numbers of blocks in an epoch."""
        if self.drawn.weights is None and self.num_batches is None:
            return np.cumsum(self.passes).tolist()
        shift = (decks.word(self.key(SHARES, epoch, 0), 0) >> 32) * 2.0**-32
        ends = [min(self.blocks, math.floor(self.blocks * entry + shift)) for entry in self.cdf]
        return [*ends[:-1], self.blocks]

    def before(self, epoch: int) -> list[int]:
        """The experiments' numbers of blocks in all the epochs before this one."""
        if self.drawn.weights is None and self.num_batches is None:
            return [epoch * number for number in self.passes]
        while len(self.sums) <= epoch:
            ends = self.ends(len(self.sums) - 1)
            numbers = np.diff([0, *ends]).tolist()
            self.sums.append([total + number for total, number in zip(self.sums[-1], numbers, strict=True)])
        return self.sums[epoch]

    def turn(self, batch: int, epoch: int) -> tuple[int, int]:
        """The experiment of a batch, and which of all this experiment's batches it is."""
        block, rest = divmod(batch, self.batches_per_experiment)
        place = decks.deal(self.blocks, self.key(BLOCKS, epoch, 0), block)
        ends = self.ends(epoch)
        number = sum(end <= place for end in ends)
        first = ends[number - 1] if number else 0
        return number, (self.before(epoch)[number] + place - first) * self.batches_per_experiment + rest

    def shares(self, number: int, turn: int) -> list[Share]:
        cells = self.cells_of(number)
        others = [cell for cell in cells if self.cells[cell][1] not in self.always]
        taken = len(others)
        if self.conditions_per_batch is not None:
            taken = self.conditions_per_batch - (len(cells) - len(others))
        whole = [cell for cell in cells if taken >= len(others) or cell not in others]
        found: dict[int, tuple[int | None, int]] = dict.fromkeys(whole, (turn, self.batches_per_experiment))
        if 0 < taken < len(others):
            lap, deal = decks.lap_and_deal(len(others), taken, 1, turn)
            key = self.key(CONDITIONS, number, lap)
            for nth, place in enumerate(decks.places(len(others), taken, deal)):
                filling = deal * taken + nth >= len(others)
                found[others[decks.deal(len(others), key, place)]] = (None if filling else lap, 1)
        return [Share(cell, self.ratio(self.cells[cell][1]), *found[cell]) for cell in sorted(found)]

    def seats(self, batch: int, epoch: int) -> list[Seat]:
        batch %= self.total
        number, turn = self.turn(batch, epoch)
        generator = decks.batch_generator(self.seed, epoch, batch)
        pool = self.drawn.pools[self.experiments[number]]
        focal = None
        if self.time is not None:
            distinct = np.unique(self.drawn.hours[pool])
            focal = distinct[generator.integers(len(distinct))]
        shares = self.shares(number, turn)
        numbers = split(generator, self.primary, [share.ratio for share in shares])
        if focal is not None:
            seats = self.around(generator, focal, shares, numbers)
        else:
            seats = []
            for share, (exact, base, odd) in zip(shares, numbers, strict=True):
                seats += self.from_cell(generator, share, base + (exact - base >= 0.5), base + odd)
        return seats + self.leak(number, turn)

    def seat(self, row: int, source: int, dealt: bool) -> Seat:
        row = self.kept[row]
        experiment = None if self.experiment is None else self.experiment[row]
        condition = None if self.condition is None else self.condition[row]
        return Seat(row, experiment, condition, source, dealt)

    def around(
        self, generator: np.random.Generator, focal: Any, shares: list[Share], numbers: list[tuple[float, int, int]]
    ) -> list[Seat]:
        """Rows near the focal time, of all conditions, then rows far from it."""
        parts: dict[int, list[tuple[np.ndarray, int]]] = {NEAR: [], FAR: []}
        before = 0
        for share, (_, base, odd) in zip(shares, numbers, strict=True):
            after = before + base + odd
            far = int(after * self.temporal_global_fraction) - int(before * self.temporal_global_fraction)
            parts[NEAR].append((self.cells[share.cell][2], base + odd - far))
            parts[FAR].append((self.cells[share.cell][2], far))
            before = after
        seats = []
        for source, cells in parts.items():
            for rows, count in cells:
                part = rows[self.drawn.is_near(rows, focal) == (source == NEAR)]
                found = choose(generator, part if len(part) else rows, count)
                seats += [self.seat(row, source, False) for row in found.tolist()]
        return seats

    def from_cell(self, generator: np.random.Generator, share: Share, held: int, wanted: int) -> list[Seat]:
        """Rows of one cell, dealt and then drawn. It holds cards for `held` seats, and `wanted` seats have come."""
        rows = self.cells[share.cell][2].tolist()
        if share.index is None:
            found = choose(generator, np.array(rows), wanted).tolist()
            return [self.seat(row, PRIMARY, False) for row in found]
        length = 1
        if held:
            length = ceil_div(held, ceil_div(held, self.run_length))
            if len(rows) // length <= ceil_div(held, length):
                length = 1
        cards, taken = len(rows) // length, ceil_div(held, length)
        lap, deal = share.index, 0
        if held:
            lap, deal = decks.lap_and_deal(len(rows), held, share.block, share.index)
        key = self.key(CELLS, share.cell, lap)
        start = 0 if length == 1 else decks.onto(decks.word(key, 64), len(rows))

        def row_of(card: int, within: int) -> int:
            return rows[(start + card * length + within) % len(rows)]

        hand = [decks.deal(cards, key, place) for place in decks.places(cards, taken, deal)]
        dealt = [row_of(card, within) for card in hand for within in range(length)][: min(held, wanted)]
        drawn = []
        for _ in range(wanted - len(dealt)):
            if cards > taken:
                place = (deal * taken + taken + int(generator.integers(cards - taken))) % cards
                drawn.append(row_of(decks.deal(cards, key, place), int(generator.integers(length))))
            else:
                drawn.append(rows[generator.integers(len(rows))])
        return [self.seat(row, PRIMARY, True) for row in dealt] + [self.seat(row, PRIMARY, False) for row in drawn]

    def leak(self, number: int, turn: int) -> list[Seat]:
        if self.leaked == 0:
            return []
        label = self.experiments[number]
        others = [row for of, _, rows in self.cells if of != label for row in rows.tolist()]
        lap, deal = decks.lap_and_deal(len(others), self.leaked, self.batches_per_experiment, turn)
        key = self.key(LEAKS, number, lap)
        hand = [decks.deal(len(others), key, place) for place in decks.places(len(others), self.leaked, deal)]
        return [self.seat(others[card], LEAK, True) for card in hand]

    def batch(self, batch: int, epoch: int) -> list[int]:
        return [seat.row for seat in self.seats(batch, epoch)]

    # 4. Epochs and ranks

    def epoch(self, epoch: int, replicas: int = 1, rank: int = 0) -> list[list[int]]:
        rounds = ceil_div(self.total, replicas)
        return [self.batch(number * replicas + rank, epoch) for number in range(rounds)]


def split(generator: np.random.Generator, seats: int, ratios: list[float]) -> list[tuple[float, int, int]]:
    """For each ratio its exact share of the seats, the whole seats of it, and the odd seats that come to them."""
    total = math.fsum(ratios)
    exact = [(seats * ratio) / total for ratio in ratios]
    base, left = [], seats
    for share in exact:
        base.append(min(math.floor(share + 1e-9), left))
        left -= base[-1]
    odd = [0] * len(ratios)
    if left and len(set(ratios)) == 1:
        for number in generator.choice(len(ratios), left, replace=left > len(ratios)).tolist():
            odd[number] += 1
    elif left:
        order = generator.choice(len(ratios), len(ratios), replace=False).tolist()
        shift = generator.random()
        sums, running = [], 0.0
        for number in order:
            running += max(0.0, exact[number] - base[number])
            sums.append(running)
        given = 0
        for number, fraction in zip(order, sums, strict=True):
            upto = min(left, math.floor((fraction * left) / sums[-1] + shift))
            if number == order[-1]:
                upto = left
            odd[number] = upto - given
            given = upto
    return list(zip(exact, base, odd, strict=True))


def is_missing(value: Any) -> bool:
    return value is None or bool(value != value)
