"""Train the same encoder on shuffled and on composed batches, and see whether it learned the digit or the instrument.

It prints a table and writes a line a run to results.csv and the representations, in two dimensions, to digits.png.
Only the images and the name of the instrument enter training.
"""

from __future__ import annotations

import argparse
import csv
import logging
import multiprocessing
import os
import statistics
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import astuple, dataclass, fields
from pathlib import Path

# One thread a run, set before numpy starts its own: two runs go side by side, and each gives the same numbers anywhere.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Subset, TensorDataset
from tqdm import tqdm

import measure
import picture
import simclr
from cascade_sampler import CascadeSampler, FlexibleBatchSampler
from instruments import Photographs, one_digit, photograph

HERE = Path(__file__).resolve().parent
BATCH_SIZE = 128
EPOCHS = 40
SEEDS = 5
PIXELS = "none: the pixels themselves"
SHUFFLING = "plain shuffling"
LEAKS = {"cascade": 0.0, "cascade, leak 0.1": 0.1, "cascade, leak 0.2": 0.2, "cascade, leak 0.5": 0.5}
RUNS = {"dealt cascade": 1, "dealt cascade, runs of 8 of one digit": 8}
ARMS = (PIXELS, SHUFFLING, *LEAKS, *RUNS)
SHOWN = (SHUFFLING, "cascade")


@dataclass(frozen=True)
class Run:
    """One encoder, judged."""

    batches: str
    seed: int
    digits_recognised: float
    own_instrument: float
    instrument_read: float


def shuffled(dataset: TensorDataset, seed: int, epochs: int) -> Iterator[Iterable[list[Tensor]]]:
    """Yield, for each epoch, the batches of a DataLoader that shuffles."""
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(dataset, BATCH_SIZE, shuffle=True, drop_last=True, generator=generator)
    for _ in range(epochs):
        yield loader


def composed(
    dataset: TensorDataset, photographs: Photographs, leaky: float, seed: int, epochs: int
) -> Iterator[Iterable[list[Tensor]]]:
    """Yield, for each epoch, as many batches of one instrument and the leak.

    The instrument is the experiment. There are no conditions to balance: the only ones that would mean anything are the
    digits, which training must not know.
    """
    sampler = FlexibleBatchSampler(
        {"experiment": photographs.instrument},
        batch_size=BATCH_SIZE,
        leaky=leaky,
        condition_balanced=False,
        seed=seed * epochs,  # epoch e is drawn from seed + e: runs share no epoch
    )
    loader = DataLoader(dataset, batch_sampler=sampler)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        yield loader


def dealt(
    dataset: TensorDataset, photographs: Photographs, run_length: int, seed: int, epochs: int
) -> Iterator[Iterable[list[Tensor]]]:
    """Yield, for each epoch, as many batches of one instrument, dealt one by one or in runs.

    For runs the table is sorted by digit, so that neighbours are alike, as they are where samples were recorded one
    after another. It is what runs cost at the worst; the digits enter in no other way.
    """
    rows = np.argsort(photographs.digit, kind="stable") if run_length > 1 else np.arange(len(photographs.digit))
    sampler = CascadeSampler(
        {"experiment": photographs.instrument[rows]},
        BATCH_SIZE,
        experiment_key="experiment",
        run_length=run_length,
        num_batches=len(rows) // BATCH_SIZE,
        seed=seed,
    )
    loader = DataLoader(Subset(dataset, rows.tolist()), batch_sampler=sampler)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        yield loader


def represent(arm: str, photographs: Photographs, seed: int, epochs: int) -> NDArray[np.float32]:
    """Train an encoder in the way of the arm and return what it makes of each image."""
    images = torch.from_numpy(photographs.images)
    if arm == PIXELS:
        return images.flatten(1).numpy()
    dataset = TensorDataset(images)
    if arm == SHUFFLING:
        encoder = simclr.train(shuffled(dataset, seed, epochs), seed)
    elif arm in RUNS:
        encoder = simclr.train(dealt(dataset, photographs, RUNS[arm], seed, epochs), seed)
    else:
        encoder = simclr.train(composed(dataset, photographs, LEAKS[arm], seed, epochs), seed)
    with torch.inference_mode():
        return encoder.represent(images).numpy()


def judge(arm: str, seed: int, epochs: int) -> tuple[Run, NDArray[np.float32] | None]:
    """Return what was measured of a run, and where the picture shows it, its images in two dimensions."""
    photographs = photograph(seed)
    points = represent(arm, photographs, seed, epochs)
    run = Run(
        arm,
        seed,
        measure.digits_recognised(points, photographs),
        measure.own_instrument(points, photographs),
        measure.instrument_read(points, photographs),
    )
    return run, picture.flatten(points) if arm in SHOWN and seed == 0 else None


def table(runs: Iterable[Run]) -> str:
    """Return the mean and the standard deviation over seeds of each arm, as Markdown."""
    lines = [
        "| batches | digits recognised | neighbours from own instrument | instrument read by linear probe |",
        "|---|---|---|---|",
    ]
    by_arm: dict[str, list[Run]] = {}
    for run in runs:
        by_arm.setdefault(run.batches, []).append(run)
    for arm, its in by_arm.items():
        numbers = zip(*(astuple(run)[2:] for run in its), strict=True)
        lines.append(f"| {arm} | {' | '.join(map(with_spread, numbers))} |")
    return "\n".join(lines)


def with_spread(numbers: tuple[float, ...]) -> str:
    """Write a mean and, of two or more numbers, their standard deviation."""
    spread = f" ± {statistics.stdev(numbers):.2f}" if len(numbers) > 1 else ""
    return f"{statistics.mean(numbers):.2f}{spread}"


def write(runs: Iterable[Run], path: Path) -> None:
    """Write a line a run."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Run))
        for run in runs:
            arm, seed, *numbers = astuple(run)
            writer.writerow([arm, seed, *(f"{number:.4f}" for number in numbers)])


def read(path: Path) -> list[Run]:
    """Read what `write` wrote."""
    with path.open(newline="") as file:
        return [
            Run(
                line["batches"],
                int(line["seed"]),
                float(line["digits_recognised"]),
                float(line["own_instrument"]),
                float(line["instrument_read"]),
            )
            for line in csv.DictReader(file)
        ]


def main() -> None:
    """Run all, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs of each kind (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="epochs of each run (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: beside this file)")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(levelname)s: %(message)s")

    jobs = [(arm, seed) for seed in range(arguments.seeds) for arm in ARMS]
    done: dict[tuple[str, int], tuple[Run, NDArray[np.float32] | None]] = {}
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as workers:
        pending = {workers.submit(judge, arm, seed, arguments.epochs): (arm, seed) for arm, seed in jobs}
        for future in tqdm(as_completed(pending), total=len(jobs), unit=" runs"):
            done[pending[future]] = future.result()

    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = [done[arm, seed][0] for arm in ARMS for seed in range(arguments.seeds)]
    write(runs, arguments.out / "results.csv")
    shown = [(done[arm, 0][0], flat) for arm in SHOWN if (flat := done[arm, 0][1]) is not None]
    picture.draw(
        [
            picture.Panel(
                run.batches,
                flat,
                f"{run.digits_recognised:.0%} of digits recognised",
                f"{run.own_instrument:.0%} of neighbours from own instrument",
            )
            for run, flat in shown
        ],
        photograph(0),
        one_digit(0),
        arguments.out / "digits.png",
    )
    print(f"\nMean ± standard deviation of {arguments.seeds} seeds, {arguments.epochs} epochs each\n")
    print(table(runs))


if __name__ == "__main__":
    main()
