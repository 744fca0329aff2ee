"""One rank of the run that test_soak kills: it trains, notes every batch, and writes checkpoints slowly."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from cascade_sampler import FlexibleBatchSampler

RANKS = 2
EVERY = 6
PAUSE = 0.01
TABLE = {"experiment": np.arange(1000) % 7, "condition": np.arange(1000) % 3}


def make(**arguments):
    """41 global batches: the last round of two ranks is filled."""
    return FlexibleBatchSampler(TABLE, batch_size=24, leaky=0.2, seed=11, **arguments)


def write_slowly(checkpoint, path):
    """Write beside the last checkpoint, in two halves, and put it in its place when it is whole."""
    beside = path.with_suffix(".part")
    torch.save(checkpoint, beside)
    whole = beside.read_bytes()
    with beside.open("wb") as file:
        file.write(whole[: len(whole) // 2])
        file.flush()
        time.sleep(PAUSE)
        file.write(whole[len(whole) // 2 :])
    beside.replace(path)


def note(file, epoch, turn, rows):
    """Write at once: what is written when the process is killed stays."""
    os.write(file, f"{epoch} {turn} {','.join(map(str, rows))}\n".encode())


def train(folder: Path, attempt: str, rank: int, group: int, workers: int, stop: tuple[int, int] | None) -> None:
    """Train from the last checkpoint on until killed, or until `stop`: an epoch, and batches of it."""
    os.setpgid(0, group)
    store = f"file://{folder}/store-{attempt}"
    distributed.init_process_group(
        "gloo", init_method=store, world_size=RANKS, rank=rank, timeout=timedelta(seconds=60)
    )
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sampler = make(num_replicas=None, rank=None)
    model = DistributedDataParallel(torch.nn.Linear(1, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    path = folder / "checkpoint.pt"
    epoch = turn = 0
    if path.exists():
        kept = torch.load(path, weights_only=True)
        model.load_state_dict(kept["model"])
        epoch, turn = kept["epoch"], kept["turn"]
        if kept["state"] is None:
            sampler.resume(epoch, turn)
        else:
            sampler.load_state_dict(kept["state"])
    file = os.open(folder / f"{attempt}-rank{rank}.txt", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    loader = DataLoader(torch.arange(1000.0), batch_sampler=sampler, num_workers=workers)
    while True:
        sampler.set_epoch(epoch)
        for batch in loader:
            note(file, epoch, turn, batch.int().tolist())
            optimizer.zero_grad()
            # The all-reduce: behind it, all ranks have noted this batch.
            model(batch[:, None] / 1000).square().mean().backward()
            optimizer.step()
            turn += 1
            if rank == 0 and turn % EVERY == 0:
                # With workers the sampler is ahead of what was trained on, and the count is what holds.
                state = None if workers else sampler.state_dict()
                write_slowly({"model": model.state_dict(), "epoch": epoch, "turn": turn, "state": state}, path)
            if stop == (epoch, turn):
                if rank == 0:
                    torch.save(model.state_dict(), folder / f"{attempt}-model.pt")
                distributed.barrier()
                distributed.destroy_process_group()
                return
        epoch, turn = epoch + 1, 0
