"""The best sampler that numpy alone allows, written from docs/specification.md: a rival for the benchmark.

The same batches as the package's, for tables without missing labels and with default weights and ratios. Rows are
sorted by pool or cell once; a batch is one draw of positions for each of its parts and one gather. Rows near a time are
found by counts of rows for each block of neighbouring rows and each range of ranks by time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Neighbouring rows of a list that are counted together.
_BLOCK = 256
#: Ranges of ranks by time that are counted together.
_RANGES = 512


class NumpySampler:
    """Batches of a table, as section 3 of the specification has them.

    Parameters
    ----------
    table : pandas.DataFrame
        The samples.
    batch_size : int
        Rows of a batch.
    experiment_columns, condition_columns : sequence of str
        Columns that name a row's experiment and condition; none where the feature is off.
    leaky : float
        Fraction of a batch from other experiments.
    time_column : str, optional
        Column of hours, where batches gather around a time.
    window, global_fraction : float
        What is near, and the share of rows that is not.
    seed : int
        Seed of the one epoch.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        batch_size: int,
        experiment_columns: Sequence[str] = (),
        condition_columns: Sequence[str] = (),
        *,
        leaky: float = 0.0,
        time_column: str | None = None,
        window: float = 2.0,
        global_fraction: float = 0.3,
        seed: int = 0,
    ) -> None:
        self._size, self._window, self._seed = batch_size, window, seed
        rows = len(table)
        experiments, width = _codes(table, experiment_columns)
        conditions, breadth = _codes(table, condition_columns)
        pools = np.array([rows]) if experiments is None else np.bincount(experiments, minlength=width)
        self._pools = list(pairwise(_ends(pools)))
        self._cdf = None if experiments is None else np.cumsum(pools / rows)
        if self._cdf is not None:
            self._cdf /= self._cdf[-1]
        self._leak = int(batch_size * leaky) if experiments is not None and width > 1 else 0

        primary = batch_size - self._leak
        fraction = 0.0 if time_column is None else global_fraction
        lists = None
        if conditions is not None:
            codes = conditions if experiments is None else _combined(experiments, conditions, breadth)
            lists = np.bincount(codes, minlength=width * breadth)
            self._order = np.argsort(codes, kind="stable")
        elif experiments is not None:
            self._order = np.argsort(experiments, kind="stable")
        else:
            self._order = np.arange(rows)
        # Leaked rows come from pools in row order, whatever order the parts are drawn from.
        self._leak_order = self._order
        if self._leak and lists is not None:
            self._leak_order = np.argsort(experiments, kind="stable")
        self._parts = [
            _parts(primary, fraction, [pool] if lists is None else _cells(lists, breadth, number))
            for number, pool in enumerate(self._pools)
        ]
        self._clocks: list[NDArray[Any]] = []
        self._near: dict[tuple[int, int], _NearRows] = {}
        if time_column is not None:
            hours = table[time_column].to_numpy()
            for (start, end), parts in zip(self._pools, self._parts, strict=True):
                for first, last, _, _ in parts:
                    self._near[first, last] = _NearRows(hours[self._order[first:last]])
                times = [self._near[first, last].times for first, last, _, _ in parts]
                self._clocks.append(times[0] if len(times) == 1 else np.unique(np.concatenate(times)))
                assert sum(last - first for first, last, _, _ in parts) == end - start

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        """Return the endless batches of one epoch, int64 arrays of `batch_size`."""
        random = np.random.default_rng(self._seed)
        choose = random.choice
        order, cdf, leak, size = self._order, self._cdf, self._leak, self._size
        primary, rows = size - leak, len(order)
        while True:
            picked = 0 if cdf is None else int(cdf.searchsorted(random.random(), side="right"))
            batch = np.empty(size, dtype=np.int64)
            if leak:
                start, end = self._pools[picked]
                others = rows - (end - start)
                drawn = choose(others, leak, replace=others < leak)
                drawn[drawn >= start] += end - start
                self._leak_order.take(drawn, out=batch[primary:], mode="clip")
            if self._clocks:
                self._focused(random, picked, batch)
            else:
                positions = np.empty(primary, dtype=np.int64)
                seat = 0
                for first, last, seats, _ in self._parts[picked]:
                    count = last - first
                    np.add(choose(count, seats, replace=count < seats), first, out=positions[seat : seat + seats])
                    seat += seats
                order.take(positions, out=batch[:primary], mode="clip")
            yield batch

    def _focused(self, random: np.random.Generator, picked: int, batch: NDArray[np.int64]) -> None:
        clock = self._clocks[picked]
        place = int(random.choice(len(clock)))
        low, high = self._reach(clock, place)
        seat = 0
        for inside in (True, False):
            for first, last, seats, far in self._parts[picked]:
                wanted = seats - far if inside else far
                if wanted == 0:
                    continue
                near = self._near[first, last]
                bounds = near.ranks_of(clock[low], clock[high - 1])
                found = bounds[1] - bounds[0]
                population = found if inside else last - first - found
                if population:
                    drawn = random.choice(population, wanted, replace=population < wanted)
                    places = near.find(bounds, inside, drawn)
                else:
                    places = random.choice(last - first, wanted, replace=last - first < wanted)
                batch[seat : seat + wanted] = self._order[first + places]
                seat += wanted

    def _reach(self, clock: NDArray[Any], place: int) -> tuple[int, int]:
        """Return the range of times within the window of the one at `place`: differences round, but stay in order."""
        focal, window = clock[place], clock.dtype.type(self._window)
        low = bisect_left(range(place), True, key=lambda at: bool(focal - clock[at] <= window))
        after = range(place, len(clock))
        return low, place + bisect_right(after, False, key=lambda at: bool(clock[at] - focal > window))


class _NearRows:
    """Rows of one list by time: the n-th that is near a time, or far from it, in row order."""

    def __init__(self, hours: NDArray[Any]) -> None:
        self._rows = len(hours)
        self._by_time = np.argsort(hours, kind="stable").astype(np.uint32)
        in_order = hours[self._by_time]
        last = np.flatnonzero(np.append(in_order[1:] != in_order[:-1], True))
        #: The different times, ascending, and how many rows are no later than each.
        self.times, self._ends = in_order[last], last + 1
        blocks = -(-self._rows // _BLOCK)
        ranks = np.full(blocks * _BLOCK, 2**32 - 1, dtype=np.uint32)
        ranks[self._by_time] = np.arange(self._rows, dtype=np.uint32)
        self._flat, self._ranks = ranks[: self._rows], ranks.reshape(blocks, _BLOCK)
        self._width = -(-self._rows // _RANGES)
        # How many rows before each block have a rank before each range.
        cells = np.arange(self._rows) // _BLOCK * _RANGES + ranks[: self._rows] // self._width
        counts = np.bincount(cells, minlength=blocks * _RANGES).reshape(blocks, _RANGES)
        self._counts = np.zeros((_RANGES + 1, blocks + 1), dtype=np.int32)
        self._counts[1:, 1:] = counts.cumsum(axis=0).cumsum(axis=1).T

    def ranks_of(self, first: Any, last: Any) -> tuple[int, int]:
        """Return the range of ranks whose times are from `first` to `last`."""
        places = (int(self.times.searchsorted(first)), int(self.times.searchsorted(last, side="right")))
        return tuple(int(self._ends[place - 1]) if place else 0 for place in places)  # type: ignore[return-value]

    def find(self, bounds: tuple[int, int], inside: bool, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of the rows at `positions` among those inside the range of ranks, or outside it."""
        low, high = bounds
        if self._rows <= len(positions) * _BLOCK:
            near = self._flat - np.uint32(low) < np.uint32(high - low)
            found: NDArray[np.int64] = np.flatnonzero(near if inside else ~near)
            return found[positions]
        before = self._before(high) - self._before(low)
        if not inside:
            before = np.minimum(np.arange(len(before)) * _BLOCK, self._rows) - before
        blocks = before.searchsorted(positions, side="right") - 1
        ranks = self._ranks[blocks]
        wanted = ranks - np.uint32(low) < np.uint32(high - low)
        if not inside:
            wanted = ~wanted & (ranks < self._rows)
        # The wanted places of all looked-at blocks one after another, and where each block's begin.
        places = np.flatnonzero(wanted)
        counts = before[blocks + 1] - before[blocks]
        starts = np.cumsum(counts) - counts
        found = places[starts + positions - before[blocks]]
        return blocks * _BLOCK + found % _BLOCK

    def _before(self, rank: int) -> NDArray[Any]:
        """Return, for each block and for their end, how many rows before it have smaller ranks."""
        whole, rest = divmod(rank, self._width)
        counts = self._counts[whole]
        if rest:
            blocks = self._by_time[rank - rest : rank] // _BLOCK
            counts = counts.copy()
            counts[1:] += np.bincount(blocks, minlength=len(counts) - 1).cumsum()
        return counts


def _codes(table: pd.DataFrame, columns: Sequence[str]) -> tuple[NDArray[Any] | None, int]:
    """Return the number of every row's label in the order of labels, and how many labels there are."""
    if not columns:
        return None, 1
    codes, labels = _column(table[columns[0]])
    texts: list[tuple[str, ...]] = [(label,) for label in map(str, labels)]
    for name in columns[1:]:
        more, others = _column(table[name])
        codes = _combined(codes, more, len(others))
        texts = [(*text, other) for text in texts for other in map(str, others)]
    if len(columns) == 1:
        return codes, len(labels)
    present = np.flatnonzero(np.bincount(codes, minlength=len(texts)))
    in_order = sorted(present.tolist(), key=lambda code: ("|".join(texts[code]), texts[code]))
    numbers = np.zeros(len(texts), dtype=codes.dtype)
    numbers[in_order] = np.arange(len(in_order))
    return numbers[codes], len(in_order)


def _column(column: pd.Series) -> tuple[NDArray[Any], Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), column.cat.categories
    codes, labels = pd.factorize(column, sort=True)
    return codes.astype(np.min_scalar_type(-len(labels))), labels


def _combined(first: NDArray[Any], second: NDArray[Any], width: int) -> NDArray[Any]:
    # numpy sorts integers of up to 16 bits in linear time.
    most = (int(first.max()) + 1) * width
    return first.astype(np.min_scalar_type(-most)) * width + second


def _ends(sizes: NDArray[Any]) -> list[int]:
    return [0, *np.cumsum(sizes).tolist()]


def _cells(sizes: NDArray[Any], breadth: int, pool: int) -> list[tuple[int, int]]:
    """Return where the cells of a pool that have rows begin and end."""
    cells = list(pairwise(_ends(sizes)))[pool * breadth : (pool + 1) * breadth]
    return [(first, last) for first, last in cells if last > first]


def _parts(seats: int, fraction: float, lists: list[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """Split seats evenly; return where each list begins and ends, its seats, and how many of them are far."""
    parts, taken = [], 0
    ratio = 1 / len(lists)
    for first, last in lists:
        quota = int(seats * ratio / (ratio * len(lists)) + 1e-9) if last != lists[-1][1] else seats - taken
        far = int((taken + quota) * fraction) - int(taken * fraction)
        parts.append((first, last, quota, far))
        taken += quota
    return parts
