"""A run of two processes is killed twenty times, and what it trained on is what an undisturbed run trains on."""

from __future__ import annotations

import multiprocessing
import os
import random
import secrets
import signal
import time

import pytest
import torch

import soak_program
from soak_program import RANKS, train

KILLS = 20
#: Every so many kills one waits for a checkpoint to be half written.
AIMED = 4
#: Every so many kills one may come while the run starts; the others come when it trains.
EARLY = 5
LONGEST = 0.8

CONTEXT = multiprocessing.get_context("forkserver")
# DistributedDataParallel imports the compiler when it is made, which takes seconds.
CONTEXT.set_forkserver_preload(
    ["torch.optim", "torch._dynamo", "torch.nn.parallel", "cascade_sampler._samplers.flexible"]
)


def start(folder, attempt, workers, stop=None):
    """Start all ranks in one process group, whose leader is the first of them."""
    leader = CONTEXT.Process(target=train, args=(folder, attempt, 0, 0, workers, stop))
    leader.start()
    # A group can be joined once its leader has made it.
    while os.getpgid(leader.pid) != leader.pid:
        assert leader.is_alive()
        time.sleep(0.001)
    others = [
        CONTEXT.Process(target=train, args=(folder, attempt, rank, leader.pid, workers, stop))
        for rank in range(1, RANKS)
    ]
    for process in others:
        process.start()
    while any(os.getpgid(process.pid) != leader.pid for process in others):
        time.sleep(0.001)
    return [leader, *others]


def finish(processes):
    try:
        for process in processes:
            process.join(120)
            assert process.exitcode == 0
    finally:
        for process in processes:
            process.kill()


def wait_until(there, processes):
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline and all(process.is_alive() for process in processes)
        time.sleep(0.002)


def noted(folder, attempt):
    """What each rank noted in an attempt, by epoch and turn; the last line of a killed one may lack its end."""
    told = []
    for rank in range(RANKS):
        path = folder / f"{attempt}-rank{rank}.txt"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        split = [line.split() for line in lines if line.endswith("\n")]
        told.append({(int(epoch), int(turn)): rows.strip() for epoch, turn, rows in split})
    return told


def position(folder):
    path = folder / "checkpoint.pt"
    if not path.exists():
        return (0, 0)
    kept = torch.load(path, weights_only=True)
    return (kept["epoch"], kept["turn"])


def in_order(told, first, end):
    """Return the global batches between two positions, as the ranks of an attempt noted them."""
    turns = sorted(at for at in told[0] if first <= at < end)
    return [rank[at] for at in turns for rank in told]


@pytest.mark.slow
def test_killed_twenty_times_it_trains_on_the_same_batches(tmp_path):
    seed = int(os.environ.get("SOAK_SEED", secrets.randbelow(2**32)))
    print(f"SOAK_SEED={seed}")
    draw = random.Random(seed)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    whole.mkdir()

    found, at, half_written = [], (0, 0), 0
    for attempt in range(KILLS):
        processes = start(killed, str(attempt), workers=attempt % 2)
        part = killed / "checkpoint.part"
        part.unlink(missing_ok=True)
        if attempt % EARLY != 1:
            wait_until((killed / f"{attempt}-rank0.txt").exists, processes)
        time.sleep(draw.uniform(0, LONGEST))
        if attempt % AIMED == 0:
            wait_until(part.exists, processes)
        os.killpg(processes[0].pid, signal.SIGKILL)
        for process in processes:
            process.join(60)
            assert process.exitcode == -signal.SIGKILL
        half_written += part.exists()
        reached = position(killed)
        found += in_order(noted(killed, attempt), at, reached)
        at = reached

    stop = (at[0] + 1, 5)
    finish(start(killed, "last", workers=0, stop=stop))
    found += in_order(noted(killed, "last"), at, stop)
    finish(start(whole, "only", workers=0, stop=stop))
    print(f"{KILLS} kills, {half_written} of them within a checkpoint; {len(found)} global batches up to {stop}")
    assert half_written > 0
    assert at > (1, 0)
    assert found == in_order(noted(whole, "only"), (0, 0), stop)

    alone = soak_program.make()
    rounds = len(soak_program.make(num_replicas=RANKS))
    expected = [alone.batch(k, 0) for k in range(alone.num_batches)]
    assert found[: len(expected)] == [",".join(map(str, rows)) for rows in expected]
    assert len(found) == RANKS * (stop[0] * rounds + stop[1])
    weights = [torch.load(path, weights_only=True) for path in (killed / "last-model.pt", whole / "only-model.pt")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
