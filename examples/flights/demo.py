"""Draw one epoch of batches from a year of flights, through a real DataLoader, and print what they hold.

Carriers are the experiments and origins the conditions: each batch is picked from one carrier and spread evenly over
the airports that it flies from, with a fifth of the seats leaked to other carriers. The audit counts what the sampler
hands out; that the DataLoader delivers the same is shown beside it, and one batch is compared with the table itself.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from cascade_sampler import CascadeSampler, FlexibleBatchSampler

TABLE = Path(__file__).resolve().parent / "flights.npz"
BATCH_SIZE = 128
LEAKY = 0.2
WORKERS = 2
TIMED_EPOCHS = 100
COVERED_EPOCHS = 3

Integers = NDArray[np.int64]


class RowNumbers(Dataset[int]):
    """A dataset whose samples are their own row numbers, so that batches can be traced back to the table."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> int:
        return int(row)


def load_table(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read the columns, those of codes as text."""
    with np.load(path, allow_pickle=False) as stored:
        return {
            "carrier": stored["carrier_names"][stored["carrier_codes"]],
            "origin": stored["origin_names"][stored["origin_codes"]],
            "hour": stored["hour"],
        }


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


def check_audit(table: dict[str, NDArray[np.generic]], sampler: FlexibleBatchSampler, batches: Integers) -> None:
    """Compare the audit's counts with the rows that came out of the DataLoader; exit if they differ."""
    audit = sampler.audit(epoch=0).to_dict()
    leak = sampler.layout["leak"]
    seats, leaked = (
        [int(np.count_nonzero(table["carrier"][rows] == label)) for label in sampler.experiments]
        for rows in (batches, batches[:, leak])
    )
    draws = np.bincount(np.bincount(batches.ravel(), minlength=len(table["carrier"]))).tolist()
    if (seats, leaked, draws) != (audit["experiments"]["seats"], audit["experiments"]["leaked"], audit["draws"]):
        sys.exit("The audit does not count what the DataLoader delivered")


def coverage(table: dict[str, NDArray[np.generic]]) -> str:
    """Say which share of the rows epochs come to when batches are drawn, and when they are dealt."""
    keys = {"experiment_key": "carrier", "seed": 0}
    origin = {"condition_key": "origin"}
    samplers = {
        "FlexibleBatchSampler, carriers": FlexibleBatchSampler(table, BATCH_SIZE, condition_balanced=False, **keys),
        "CascadeSampler, carriers": CascadeSampler(table, BATCH_SIZE, **keys),
        "FlexibleBatchSampler, carriers and origins": FlexibleBatchSampler(table, BATCH_SIZE, **keys, **origin),
        "CascadeSampler, carriers and origins": CascadeSampler(table, BATCH_SIZE, **keys, **origin),
    }
    lines = [f"{'Rows seen by the end of epoch':42}{'0':>9}{'1':>9}{'2':>9}{'epochs until 99 %':>20}"]
    for name, sampler in samplers.items():
        covered = sampler.audit(COVERED_EPOCHS).coverage
        seen = "".join(f"{rows / len(table['carrier']):9.2%}" for rows in covered["seen"])
        lines.append(f"{name:42}{seen}{covered['epochs_until']['99']:20.1f}")
    return "\n".join(lines)


def main() -> None:
    """Run the demo; exit non-zero if the DataLoader delivers anything but the sampler's epoch 0."""
    logging.basicConfig(format="%(levelname)s: %(message)s")
    table = load_table(TABLE)
    sampler = FlexibleBatchSampler(
        table, batch_size=BATCH_SIZE, leaky=LEAKY, experiment_key="carrier", condition_key="origin", seed=0
    )
    batches = load_epoch(sampler, len(table["carrier"]), epoch=0)
    print(sampler.audit(epoch=0))
    check_audit(table, sampler, batches)
    print("\nThe same carriers, leak and draws, counted in what came out of the DataLoader")

    print(f"\nDrawn anew for each batch, and dealt like cards:\n{coverage(table)}")

    rate = batches_per_second(sampler)
    print(f"\nSpeed of the sampler alone, no DataLoader, no data: {rate:,.0f} batches/s over {TIMED_EPOCHS} epochs")

    loaded, direct = sha256(batches), sha256(sampler.epoch_batches(0))
    print(f"\nSHA-256 of epoch 0, as it came out of the DataLoader: {loaded}")
    if loaded != direct:
        sys.exit(f"The DataLoader's batches differ from sampler.epoch_batches(0), whose SHA-256 is {direct}")
    print("The same as that of sampler.epoch_batches(0)")


if __name__ == "__main__":
    main()
