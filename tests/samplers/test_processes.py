"""Real DataLoader workers under every start method, threads, forks, Ctrl-C."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from cascade_sampler import FlexibleBatchSampler

TABLE = {"experiment": np.arange(2000) % 5, "condition": np.arange(2000) % 3}


class Rows(Dataset):
    """Every row is its own number."""

    def __getitem__(self, row):
        return torch.tensor(row)

    def __getitems__(self, rows):
        return [torch.tensor(row) for row in rows]

    def __len__(self):
        return 2000


def make(**arguments):
    return FlexibleBatchSampler(TABLE, **{"batch_size": 32, "leaky": 0.25, **arguments})


@pytest.mark.parametrize("index_dtype", ["int64", "int32", "list"])
def test_dataloader_in_the_process(index_dtype):
    sampler = make(index_dtype=index_dtype)
    loader = DataLoader(Rows(), batch_sampler=sampler)
    assert len(loader) == len(sampler) == 62
    for epoch in range(3):
        assert [batch.tolist() for batch in loader] == make().epoch_batches(epoch).tolist()


@pytest.mark.parametrize(
    ("context", "persistent"),
    [
        ("fork", False),
        ("fork", True),
        ("spawn", False),
        ("forkserver", True),
        # Each worker imports torch anew.
        pytest.param("spawn", True, marks=pytest.mark.slow),
        pytest.param("forkserver", False, marks=pytest.mark.slow),
    ],
)
def test_dataloader_with_workers(context, persistent):
    sampler = make(drop_last=False)
    loader = DataLoader(
        Rows(), batch_sampler=sampler, num_workers=2, multiprocessing_context=context, persistent_workers=persistent
    )
    expected = [[batch.tolist() for batch in epochs] for epochs in itertools.repeat(make(drop_last=False), 2)]
    assert [batch.tolist() for batch in loader] == expected[0]
    assert [batch.tolist() for batch in loader] == expected[1]
    sampler.set_epoch(0)
    assert [batch.tolist() for batch in loader] == expected[0]


# Without an accelerator torch says that it does not pin; the thread that would do it runs none the less.
@pytest.mark.filterwarnings("ignore:'pin_memory' argument:UserWarning")
@pytest.mark.parametrize("workers", [0, 2])
def test_dataloader_that_pins_memory(workers):
    loader = DataLoader(Rows(), batch_sampler=make(), num_workers=workers, pin_memory=True)
    for epoch in range(2):
        assert [batch.tolist() for batch in loader] == make().epoch_batches(epoch).tolist()


def first_batches(sampler, count):
    return [batch.tolist() for batch in itertools.islice(sampler, count)]


@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
def test_a_sampler_handed_to_another_process(context):
    sampler = make(num_replicas=3, rank=1)
    sampler.set_epoch(4)
    with multiprocessing.get_context(context).Pool(1) as pool:
        found = pool.apply(first_batches, (sampler, 10))
    assert found == first_batches(sampler, 10)


def test_eight_threads_get_each_batch_once():
    sampler = make(num_batches=20_000, num_replicas=2, rank=1)
    batches = iter(sampler)
    found: list[list[bytes]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def work(mine):
        start.wait()
        mine.extend(batch.tobytes() for batch in batches)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in found]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    together = sorted(itertools.chain(*found))
    assert together == sorted(batch.tobytes() for batch in sampler.epoch_batches(0))


@pytest.mark.slow
def test_forking_while_threads_draw_never_hangs():
    sampler = make(num_batches=10**9, num_replicas=64, rank=63)
    batches = iter(sampler)
    stop = threading.Event()

    def step():
        while not stop.is_set():
            next(batches)

    def look_up():
        for k in itertools.count():
            if stop.is_set():
                return
            sampler.batch(k * 37 % 5000, k % 6)

    threads = [threading.Thread(target=target) for target in (step, step, look_up, look_up)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(40):
            child = os.fork()
            if child == 0:
                ok = len(next(batches)) == 32 and len(sampler.batch(3)) == 32 and len(next(iter(sampler))) == 32
                os._exit(0 if ok else 1)
            deadline = time.monotonic() + 60
            while (done := os.waitpid(child, os.WNOHANG)) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                    pytest.fail("a forked process hangs")
                time.sleep(0.001)
            assert os.waitstatus_to_exitcode(done[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    "call",
    [
        "sampler.epoch_batches()",
        "sampler.batch(10**9 - 1)",
        "next(iter(far))",
    ],
)
def test_ctrl_c_is_answered(call):
    program = f"""
        import signal, sys, time
        import numpy as np
        from cascade_sampler import FlexibleBatchSampler
        # Processes started in the background inherit that they are not to be interrupted.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        table = {{"experiment": np.arange(100000) % 5, "condition": np.arange(100000) % 3}}
        sampler = FlexibleBatchSampler(table, batch_size=2, leaky=0.5, num_batches=10**9)
        far = FlexibleBatchSampler(table, 256, leaky=0.5, num_replicas=2**31, rank=2**31 - 1, num_batches=2**31)
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        sent = time.monotonic()
        try:
            assert child.communicate(timeout=60)[0] == "interrupted\n"
        finally:
            child.kill()
        print(f"answered, and ended, after {time.monotonic() - sent:.3f} s")


def test_pickles_are_small():
    rows = 100_000
    sampler = FlexibleBatchSampler({"experiment": np.arange(rows) % 5, "condition": np.arange(rows) % 3}, leaky=0.1)
    assert len(pickle.dumps(sampler)) < 2 * rows + 2000
