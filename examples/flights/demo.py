"""Draw one epoch of batches from a year of flights, through a real DataLoader, and print what the batches hold.

Carriers are the experiments and origins the conditions: each batch is picked from one carrier and spread evenly over
the airports that it flies from, with a fifth of the seats leaked to other carriers. What the tables call asked or
expected is worked out here, with numpy, from the table and the arguments; what they call got is counted in the batches.
"""

from __future__ import annotations

import hashlib
import logging
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from cascade_sampler import FlexibleBatchSampler

TABLE = Path(__file__).resolve().parent / "flights.npz"
BATCH_SIZE = 128
LEAKY = 0.2
LEAK_SEATS = int(BATCH_SIZE * LEAKY)
PRIMARY_SEATS = BATCH_SIZE - LEAK_SEATS
WORKERS = 2
TIMED_EPOCHS = 100

Integers = NDArray[np.int64]
Lines = Sequence[Sequence[str]]


class RowNumbers(Dataset[int]):
    """A dataset whose samples are their own row numbers, so that batches can be traced back to the table."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> int:
        return int(row)


@dataclass(frozen=True)
class Groups:
    """Carrier and origin of each row, as positions among the sampler's labels, and what a batch is asked to hold."""

    carrier: Integers
    origin: Integers
    cells: Integers
    """Rows by carrier and origin."""
    quotas: Integers
    """Primary seats by carrier and origin, in a batch picked from the carrier."""

    @property
    def carrier_rows(self) -> Integers:
        """Rows by carrier."""
        rows: Integers = self.cells.sum(axis=1)
        return rows

    @property
    def too_small(self) -> NDArray[np.bool_]:
        """Carriers whose batches need replacement: a cell has fewer rows than seats, or all others than leak in."""
        rows = self.carrier_rows
        too_small: NDArray[np.bool_] = np.any(self.cells < self.quotas, axis=1) | (rows.sum() - rows < LEAK_SEATS)
        return too_small


def load_table(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read the columns, those of codes as text."""
    with np.load(path, allow_pickle=False) as stored:
        return {
            "carrier": stored["carrier_names"][stored["carrier_codes"]],
            "origin": stored["origin_names"][stored["origin_codes"]],
            "hour": stored["hour"],
        }


def group_rows(table: dict[str, NDArray[np.generic]], sampler: FlexibleBatchSampler) -> Groups:
    """Work out, without the sampler's own plan, which rows there are to draw from and how many should be drawn."""
    carrier = np.searchsorted(sampler.experiments, table["carrier"])
    origin = np.searchsorted(sampler.conditions, table["origin"])
    cells = cross_count(carrier, origin, (len(sampler.experiments), len(sampler.conditions)))
    return Groups(carrier, origin, cells, split_seats(cells))


def cross_count(lines: Integers, columns: Integers, shape: tuple[int, int]) -> Integers:
    """Count how often each line meets each column."""
    return np.bincount(lines * shape[1] + columns, minlength=math.prod(shape)).reshape(shape)


def split_seats(cells: Integers) -> Integers:
    """Split the primary seats of each carrier equally over the origins it has rows in; the last takes what is left."""
    quotas = np.zeros_like(cells)
    for carrier, rows in enumerate(cells):
        served = np.flatnonzero(rows)
        ratio = 1 / len(served)
        whole = math.fsum([ratio] * len(served))
        quotas[carrier, served[:-1]] = math.floor(PRIMARY_SEATS * ratio / whole + 1e-9)
        quotas[carrier, served[-1]] = PRIMARY_SEATS - quotas[carrier].sum()
    return quotas


def load_epoch(sampler: FlexibleBatchSampler, rows: int, epoch: int) -> Integers:
    """Run the DataLoader over an epoch and return the row numbers that came out, one line a batch."""
    sampler.set_epoch(epoch)
    loader = DataLoader(RowNumbers(rows), batch_sampler=sampler, num_workers=WORKERS)
    progress = tqdm(loader, desc=f"DataLoader, {WORKERS} workers, epoch {epoch}", unit=" batches")
    return np.stack([batch.numpy() for batch in progress])


def sha256(batches: Integers) -> str:
    """Hash all row numbers in order, each as 4 little-endian bytes."""
    return hashlib.sha256(batches.astype("<u4").tobytes()).hexdigest()


def batches_per_second(sampler: FlexibleBatchSampler) -> float:
    """Time plain iteration over epochs that were not drawn before."""
    batches = 0
    begin = time.perf_counter()
    for epoch in range(1, 1 + TIMED_EPOCHS):
        sampler.set_epoch(epoch)
        for _ in sampler:
            batches += 1
    return batches / (time.perf_counter() - begin)


def print_columns(title: str, header: Sequence[str], lines: Lines) -> None:
    """Print a table: names to the left, numbers to the right."""
    first, *rest = (max(map(len, column)) for column in zip(header, *lines, strict=True))
    print(f"\n{title}")
    for name, *numbers in (header, *lines):
        print("  " + "   ".join([name.ljust(first), *map(str.rjust, numbers, rest)]))


def print_carriers(names: Sequence[str], groups: Groups, picked: Integers) -> None:
    """Print how often each carrier was picked, the largest first; its chance is its share of the rows."""
    rows = groups.carrier_rows
    batches = np.bincount(picked, minlength=len(names))
    replaced = np.where(groups.too_small, batches, 0)
    lines = [
        (
            names[carrier],
            f"{rows[carrier]:,}",
            f"{rows[carrier] / rows.sum():.2%}",
            f"{batches[carrier] / len(picked):.2%}",
            f"{rows[carrier] / rows.sum() * len(picked):,.1f}",
            f"{batches[carrier]:,}",
            f"{replaced[carrier]:,}",
        )
        for carrier in np.argsort(-rows)
    ]
    lines.append(("all", f"{rows.sum():,}", "", "", "", f"{len(picked):,}", f"{replaced.sum():,}"))
    header = ("carrier", "rows", "share expected", "share got", "batches expected", "batches got", "with replacement")
    print_columns("Batches by picked carrier (expected: its share of the rows; a random pick)", header, lines)


def print_origins(names: Sequence[str], groups: Groups, picked: Integers, batches: Integers) -> None:
    """Print how the primary seats were split, beside the share that each origin has of the table."""
    line = np.arange(len(batches)).repeat(PRIMARY_SEATS)
    got = cross_count(line, groups.origin[batches[:, :PRIMARY_SEATS]].ravel(), (len(batches), len(names)))
    asked = groups.quotas[picked]
    rows = groups.cells.sum(axis=0)
    lines = [
        (
            name,
            f"{rows[origin] / rows.sum():.2%}",
            f"{asked[:, origin].sum() / asked.sum():.2%}",
            f"{got[:, origin].sum() / got.sum():.2%}",
            f"{asked[:, origin].sum():,}",
            f"{got[:, origin].sum():,}",
        )
        for origin, name in enumerate(names)
    ]
    header = ("origin", "share of rows", "share asked", "share got", "seats asked", "seats got")
    print_columns("Primary seats by origin (asked: equal shares of the picked carrier's origins)", header, lines)
    exact = np.count_nonzero((asked == got).all(axis=1))
    print(f"  Split exactly as asked: {exact:,} of {len(batches):,} batches")


def print_leak(groups: Groups, picked: Integers, batches: Integers) -> None:
    """Print how many seats went to carriers other than the picked one."""
    other = groups.carrier[batches] != picked[:, np.newaxis]
    asked = LEAK_SEATS * len(batches)
    got = np.count_nonzero(other)
    lines = [
        ("asked", f"{asked / batches.size:.2%}", f"{asked:,}", "0", f"{asked:,}"),
        (
            "got",
            f"{got / batches.size:.2%}",
            f"{got:,}",
            f"{np.count_nonzero(other[:, :PRIMARY_SEATS]):,}",
            f"{np.count_nonzero(other[:, PRIMARY_SEATS:]):,}",
        ),
    ]
    header = ("", "share of seats", "rows", "in primary seats", "in leak seats")
    print_columns(f"Rows of other carriers (asked: int({BATCH_SIZE} * {LEAKY}) = {LEAK_SEATS} a batch)", header, lines)


def print_replacement(groups: Groups, picked: Integers, batches: Integers) -> None:
    """Print how many batches had a group that is too small, and how many do hold a row twice: these are the same."""
    in_order = np.sort(batches, axis=1)
    repeats = np.count_nonzero((in_order[:, 1:] == in_order[:, :-1]).any(axis=1))
    needed = np.count_nonzero(groups.too_small[picked])
    print("\nReplacement (needed: an origin of the carrier has fewer rows than seats, or all others than leak in)")
    print(f"  Batches that needed it: {needed:,}; batches that hold a row twice: {repeats:,}")


def main() -> None:
    """Run the demo; exit non-zero if the DataLoader delivers anything but the sampler's epoch 0."""
    logging.basicConfig(format="%(levelname)s: %(message)s")
    table = load_table(TABLE)
    sampler = FlexibleBatchSampler(
        table, batch_size=BATCH_SIZE, leaky=LEAKY, experiment_key="carrier", condition_key="origin", seed=0
    )
    groups = group_rows(table, sampler)
    print(
        f"{len(groups.carrier):,} flights, {len(sampler.experiments)} carriers, {len(sampler.conditions)} origins; "
        f"{len(sampler):,} batches of {PRIMARY_SEATS} primary and {LEAK_SEATS} leak seats",
        flush=True,
    )

    batches = load_epoch(sampler, len(groups.carrier), epoch=0)
    picked = groups.carrier[batches[:, 0]]
    print_carriers(sampler.experiments, groups, picked)
    print_origins(sampler.conditions, groups, picked, batches)
    print_leak(groups, picked, batches)
    print_replacement(groups, picked, batches)

    rate = batches_per_second(sampler)
    print(f"\nSpeed of the sampler alone, no DataLoader, no data: {rate:,.0f} batches/s over {TIMED_EPOCHS} epochs")

    loaded, direct = sha256(batches), sha256(sampler.epoch_batches(0))
    print(f"\nSHA-256 of epoch 0, as it came out of the DataLoader: {loaded}")
    if loaded != direct:
        sys.exit(f"The DataLoader's batches differ from sampler.epoch_batches(0), whose SHA-256 is {direct}")
    print("The same as that of sampler.epoch_batches(0)")


if __name__ == "__main__":
    main()
