"""Ctrl-C at any moment: KeyboardInterrupt or success, and what was there before goes on as if nothing had been."""

from __future__ import annotations

import copy
import os
import pickle
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from budget import attempts
from cascade_sampler import CascadeSampler, FlexibleBatchSampler

ROWS = 150_000
COLUMNS = {
    "experiment": np.arange(ROWS) % 997,
    "condition": np.arange(ROWS) // 3 % 5,
    "hours": np.arange(ROWS) * 7 % 10_007 / 8,
    "name": np.array([f"row {row % 5000}" for row in range(ROWS)]),
}


def sampler(draw: random.Random) -> Any:
    key = draw.choice(["experiment", "name", ["experiment", "name"]])
    if draw.random() < 0.5:
        times = {"temporal_enrichment": draw.random() < 0.5, "time_key": "hours"}
        return FlexibleBatchSampler(COLUMNS, 600, experiment_key=key, leaky=0.2, seed=3, **times)
    times = draw.choice([{}, {"time_key": "hours"}])
    return CascadeSampler(COLUMNS, 600, experiment_key=key, condition_key="condition", leaky=0.2, seed=3, **times)


ACTIONS: dict[str, Callable[[Any], Any]] = {
    "epoch_batches": lambda made: made.epoch_batches(1),
    "one batch": lambda made: made.batch(200, 2),
    "audit": lambda made: made.audit(),
    "explain": lambda made: made.explain(150),
    "state": lambda made: made.state_dict(),
    "pickling": lambda made: pickle.loads(pickle.dumps(made)),
    "copying": copy.copy,
    "iteration": lambda made: [batch.sum() for _, batch in zip(range(50), made, strict=False)],
}


@pytest.fixture(autouse=True)
def python_hears() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted(action: Callable[[], Any], after: float) -> str:
    """How an action ends that is interrupted once, after so many seconds or when it is done."""
    alarm = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    outcome = "KeyboardInterrupt"
    try:
        alarm.start()
        action()
        outcome = "success"
        alarm.join()
        time.sleep(0.01)
    except KeyboardInterrupt:
        pass
    alarm.join()
    return outcome


def test_ctrl_c() -> None:
    made = {}
    for number, draw, outcomes in attempts("SIGINT", 0.25, least=8):
        kept = random.Random(number % 8)
        if number % 8 not in made:
            made[number % 8] = (sampler(kept), sampler(random.Random(number % 8)).batch(3, 1))
        subject, expected = made[number % 8]
        name = draw.choice([*ACTIONS, "construction"])
        after = draw.choice([0.0, draw.uniform(0, 0.01), draw.uniform(0, 0.2)])
        action = (lambda: sampler(draw)) if name == "construction" else (lambda: ACTIONS[name](subject))
        outcomes[f"{name}: {interrupted(action, after)}"] += 1
        assert (subject.batch(3, 1) == expected).all()
