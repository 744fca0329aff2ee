"""Does one thing after another with memory that runs out in one place after another. Run by test_memory_steps.py, which
passes seconds and a seed."""

from __future__ import annotations

import copy
import gc
import logging
import os
import pickle
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch  # loaded before memory is short

from cascade_sampler import CascadeSampler, FlexibleBatchSampler
from cascade_sampler._report import audit as _audit  # likewise
from cascade_sampler._report import origins as _origins

ROWS = 100_000
LOADED = (copy, pickle, torch, _audit, _origins)


#: What is attacked: what is made before, and what is done with less memory. All of it is tried on both samplers.
SUBJECTS = {
    "construction": ("", "make()"),
    "iteration": ("s = make(); i = iter(s); next(i)", "next(i, None)"),
    "lists": ("s = make(index_dtype='list'); i = iter(s)", "next(i, None)"),
    "epoch_batches": ("s = make()", "s.epoch_batches()"),
    "one batch": ("s = make()", "s.batch(1)"),
    "audit": ("s = make()", "s.audit()"),
    "the core's audit": ("s = make()", "s._feed.audit(0, 1)"),
    "text and page": ("s = make(); a = s.audit(); str(a)", "str(a); a.to_dict()"),
    "explain": ("s = make()", "s.explain(2)"),
    "state": ("s = make(); i = iter(s); next(i)", "i.state_dict()"),
    "loading a state": (
        "s = make(); i = iter(s); next(i); t = make()",
        "t.load_state_dict(i.state_dict()); next(iter(t))",
    ),
    "pickling": ("s = make()", "pickle.dumps(s)"),
    "unpickling": ("b = pickle.dumps(make())", "pickle.loads(b)"),
    "copying": ("s = make()", "copy.deepcopy(s)"),
}


def table(draw: random.Random) -> dict[str, np.ndarray]:
    rows = np.arange(ROWS)
    return {
        "experiment": rows % draw.choice([3, 1000, ROWS // 2]),
        "condition": rows // 7 % draw.choice([2, 50]),
        "hours": rows % draw.choice([5, 3000, ROWS]) / 8,
    }


def limit(more: int | None) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft = resource.RLIM_INFINITY if more is None else size + more
    resource.setrlimit(resource.RLIMIT_AS, (soft, resource.RLIM_INFINITY))


def maker(draw: random.Random):
    columns, timed, aware = table(draw), draw.random() < 0.5, draw.random() < 0.8
    balanced, sampler = draw.random() < 0.5, draw.choice([FlexibleBatchSampler, CascadeSampler])
    arguments = {"batch_size": 30_000, "leaky": 0.3}
    if sampler is FlexibleBatchSampler:
        arguments |= {"experiment_aware": aware, "condition_balanced": balanced, "condition_key": "condition"}
        arguments |= {"experiment_key": "experiment", "temporal_enrichment": timed, "time_key": "hours"}
    else:
        keys = (
            ("experiment_key", "experiment", aware),
            ("condition_key", "condition", balanced),
            ("time_key", "hours", timed),
        )
        arguments |= {name: column for name, column, is_on in keys if is_on}
        arguments |= {"num_batches": 12}
    return lambda **more: sampler(columns, **arguments, **more)


def amounts(draw: random.Random) -> Iterator[int]:
    """Bytes: in small steps, and then in ever larger ones."""
    step = draw.choice([64, 256, 1024]) * 1024
    yield from range(0, 12 * step, step)
    more = 12 * step
    while more < 2**32:
        yield more
        more = int(more * draw.uniform(1.1, 1.6))


def attack(subject: str, seconds: float, seed: str) -> None:
    """Do one thing until time is up. An error other than MemoryError comes out."""
    before, action = SUBJECTS[subject]
    end, outcomes, number = time.monotonic() + seconds, Counter(), 0
    while number < 1 or time.monotonic() < end:
        draw = random.Random(f"{seed} {subject} {number}")
        names = {"make": maker(draw), "pickle": pickle, "copy": copy}
        exec(before, names)
        successes = 0
        for more in amounts(draw):
            gc.collect()
            limit(more)
            try:
                exec(action, names)
            except MemoryError:
                outcomes["MemoryError"] += 1
            except BaseException:
                limit(None)
                print(f"attempt {number}, {more} bytes more", flush=True)
                raise
            else:
                outcomes["success"] += 1
                successes += 1
            finally:
                limit(None)
            if successes > 2:
                break
        number += 1
    print(f"{subject}: {sum(outcomes.values())} attempts: {dict(outcomes)}", flush=True)


def main(seconds: float, seed: str) -> int:
    """Attack every subject in a process of its own, forked from this one, and return how many failed."""
    failed = 0
    logging.disable()
    for subject in SUBJECTS:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                attack(subject, seconds / len(SUBJECTS), seed)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        status = os.waitpid(child, 0)[1]
        if status:
            failed += 1
            print(f"{subject}: ended with status {status}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2]))
