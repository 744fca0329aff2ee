"""Threads on one sampler, with forks among them, and columns that are written to while they are read."""

from __future__ import annotations

import os
import pickle
import random
import signal
import threading
import time
import traceback
from typing import Any

import numpy as np
import pytest

from budget import attempts
from cascade_sampler import CascadeSampler, FlexibleBatchSampler, _core

ROWS = 6000
COLUMNS = {
    "experiment": np.arange(ROWS) % 17,
    "condition": np.arange(ROWS) // 3 % 5,
    "hours": np.arange(ROWS) * 7 % 1009 / 8,
}


def samplers() -> list[Any]:
    flexible = {"experiment_key": "experiment", "leaky": 0.2, "seed": 3, "time_key": "hours"}
    return [
        FlexibleBatchSampler(COLUMNS, 60, **flexible),
        FlexibleBatchSampler(COLUMNS, 60, temporal_enrichment=True, **flexible),
        CascadeSampler(COLUMNS, 60, experiment_key="experiment", condition_key="condition", leaky=0.2, seed=3),
    ]


def check(draw: random.Random, made: list[Any], expected: list[Any]) -> None:
    number = draw.randrange(len(made))
    subject, (batches, audited) = made[number], expected[number]
    position = draw.randrange(len(batches))
    action = draw.randrange(6)
    if action == 0:
        assert (subject.epoch_batches(1) == batches).all()
    elif action == 1:
        assert subject.explain(position, 1).row.tolist() == batches[position].tolist()
    elif action == 2:
        assert (pickle.loads(pickle.dumps(subject)).batch(position, 1) == batches[position]).all()
    elif action == 3:
        subject.state_dict()
        subject.set_epoch(1)
        for batch, _ in zip(subject, range(3), strict=False):
            assert len(batch) == 60
    elif action == 4:
        assert subject._feed.audit(1, 1)["seen"].tolist() == audited
    else:
        assert (subject.batch(position, 1) == batches[position]).all()


def wait_for(child: int) -> int:
    """The exit status of a forked process; one that hangs is killed, which is a status of its own."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def test_threads_with_forks() -> None:
    made = samplers()
    expected = [(subject.epoch_batches(1), subject._feed.audit(1, 1)["seen"].tolist()) for subject in samplers()]
    for _, draw, outcomes in attempts("threads with forks", 0.25):
        failures: list[BaseException] = []
        done = threading.Event()

        def work(seed: float) -> None:
            own = random.Random(seed)
            try:
                while not done.is_set():
                    check(own, made, expected)
                    outcomes["operations of threads"] += 1
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(draw.random(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                seed = draw.random()
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        for _ in range(5):
                            check(random.Random(seed), made, expected)
                        status = 0
                    except BaseException:
                        traceback.print_exc()
                    finally:
                        os._exit(status)
                assert wait_for(child) == 0
                outcomes["forks"] += 1
        finally:
            done.set()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]


KINDS = {
    "codes": [0, 1, 2, 5],
    "codes out of range": [0, 5, 6, 100, -1, 127],
    "times": [0.0, 1.0, 2.5, -3.0, 1e30],
    "times that are none": [np.nan, np.inf, -np.inf, 0.5],
}
REFUSALS = ("or was changed while it was read", "is infinite", "no rows to draw from", "conditions share a batch")


@pytest.mark.parametrize("kind", KINDS)
def test_columns_that_are_written_to_while_they_are_read(kind: str) -> None:
    rows = 60_000
    for _, draw, outcomes in attempts(f"written to: {kind}", 0.08, least=5):
        labels = draw.choice([6, 2**17])
        codes = (np.arange(rows) % 6).astype(draw.choice(["i1", "i4", "i8"]))
        hours = (np.arange(rows) % draw.choice([7, 40_000]) / 2).astype(draw.choice(["f4", "f8"]))
        written, done = (codes if kind.startswith("codes") else hours), threading.Event()
        sound = written.copy()
        numbers = np.random.default_rng(draw.getrandbits(32))
        with np.errstate(over="ignore"):
            values = np.array(KINDS[kind]).astype(written.dtype)

        def write() -> None:
            while not done.is_set():
                written[numbers.integers(0, rows, 50)] = values[numbers.integers(len(values))]
                written[:] = sound

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(10):
                column = [(codes, None)], labels
                conditions, times = draw.choice([None, column]), draw.choice([[hours], [hours], None])
                try:
                    index = _core.Index(rows, column, conditions, times)
                    if draw.random() < 0.5:
                        plan = _core.Plan(index, 8, 0.5, None, None, True, 6, 2.0, 0.3)
                    else:
                        plan = _core.dealt_plan(index, 8, 0.3, "size", None, [], None, 1, 1, 6, 2.0, 0.3)
                except ValueError as error:
                    assert any(refusal in str(error) for refusal in REFUSALS), error
                    outcomes["refused"] += 1
                    continue
                feed = _core.Feed(plan, 0, 1, 0, "int64")
                assert all(len(batch) == 8 and batch.min() >= 0 and batch.max() < rows for batch in feed)
                feed.audit(0, 1)
                feed.explain(3, 0)
                # What was accepted is a table, which is accepted again.
                make, arguments = plan.index.__reduce__()
                planned, (_, *settings) = plan.__reduce__()
                again = _core.Feed(planned(make(*arguments), *settings), 0, 1, 0, "int64")
                assert (again.epoch_batches(0) == feed.epoch_batches(0)).all()
                outcomes["accepted"] += 1
        finally:
            done.set()
            writer.join()
