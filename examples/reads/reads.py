"""How many chunks a batch reads from a chunked store, and how fast, by the length of the runs that rows are dealt in.

The store is zarr, with chunks of 64 rows of 128 x 128 float16 (2 MB). Rows of a plate are neighbours, as they are where
a plate was written at one go. Each run length is measured on files that the system has let go of.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore

from cascade_sampler import CascadeSampler

CHUNK = 64
SIDE = 128
PLATES = 4
BATCH_SIZE = 256
RUN_LENGTHS = (1, 4, 16, 64)


class CountingStore(LocalStore):
    """A folder of chunks that counts how many it is asked for."""

    chunks = 0

    async def get(self, key: str, *arguments: Any, **named: Any) -> Any:
        """Read one object, and count it where it is a chunk."""
        self.chunks += key.startswith("c/")
        return await super().get(key, *arguments, **named)


def write(folder: Path, rows: int) -> None:
    """Write images of noise, a chunk at a time."""
    images = zarr.create_array(
        store=str(folder), shape=(rows, SIDE, SIDE), chunks=(CHUNK, SIDE, SIDE), dtype="float16", compressors=None
    )
    noise = np.random.default_rng(0)
    for start in range(0, rows, CHUNK):
        images[start : start + CHUNK] = noise.random((min(CHUNK, rows - start), SIDE, SIDE), dtype=np.float32)


def let_go(folder: Path) -> None:
    """Ask the system to forget what it holds of the files, so that they are read from the disk again."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                if hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(images: zarr.Array[Any], batch: NDArray[np.int64]) -> NDArray[np.float16]:
    """Return the rows of a batch, each chunk read once."""
    rows = np.empty((len(batch), SIDE, SIDE), dtype=np.float16)
    chunks = batch // CHUNK
    for chunk in np.unique(chunks):
        here = chunks == chunk
        rows[here] = images.blocks[int(chunk)][batch[here] % CHUNK]
    return rows


def measure(folder: Path, rows: int, run_length: int, batches: int) -> tuple[float, float]:
    """Return chunks read a batch, and rows read a second."""
    table = {"plate": np.arange(rows) * PLATES // rows}
    sampler = CascadeSampler(table, BATCH_SIZE, experiment_key="plate", run_length=run_length, seed=0)
    let_go(folder)
    store = CountingStore(folder, read_only=True)
    images = zarr.open_array(store=store, mode="r")
    begin = time.perf_counter()
    for k in range(batches):
        read(images, sampler.batch(k))
    seconds = time.perf_counter() - begin
    return store.chunks / batches, batches * BATCH_SIZE / seconds


def main() -> None:
    """Measure all run lengths; exit non-zero where longer runs do not read fewer chunks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=16_384, help="rows of the store, 32 kB each")
    parser.add_argument("--batches", type=int, default=24, help="batches that are read for each run length")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "images.zarr"
        write(folder, arguments.rows)
        print(f"{'run_length':>10}  {'chunks a batch':>14}  {'rows a second':>13}")
        chunks = []
        for run_length in RUN_LENGTHS:
            read, rate = measure(folder, arguments.rows, run_length, arguments.batches)
            print(f"{run_length:>10}  {read:>14.1f}  {rate:>13,.0f}")
            chunks.append(read)
    if chunks != sorted(chunks, reverse=True) or len(set(chunks)) < len(chunks):
        sys.exit("Longer runs did not read fewer chunks")


if __name__ == "__main__":
    main()
