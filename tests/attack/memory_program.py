"""Does one thing again and again with memory that runs out in one place after another. Run by test_memory_steps.py.

Arguments: what is made before, the action, seconds, seed.
"""

from __future__ import annotations

import copy
import gc
import pickle
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch  # loaded before memory is short

from cascade_sampler import CascadeSampler, FlexibleBatchSampler
from cascade_sampler._report import audit as _audit  # likewise
from cascade_sampler._report import origins as _origins

ROWS = 300_000
LOADED = (copy, pickle, torch, _audit, _origins)


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
    arguments = {"batch_size": 60_000, "leaky": 0.3}
    if sampler is FlexibleBatchSampler:
        arguments |= {"experiment_aware": aware, "condition_balanced": balanced, "condition_key": "condition"}
        arguments |= {"experiment_key": "experiment", "temporal_enrichment": timed, "time_key": "hours"}
    else:
        keys = (("experiment_key", "experiment", aware), ("condition_key", "condition", balanced), ("time_key", "hours", timed))
        arguments |= {name: column for name, column, is_on in keys if is_on}
        arguments |= {"num_batches": 12}
    return lambda **more: sampler(columns, **arguments, **more)


def main(before: str, action: str, seconds: float, seed: str) -> None:
    end, outcomes, number = time.monotonic() + seconds, Counter(), 0
    while number < 2 or time.monotonic() < end:
        draw = random.Random(f"{seed} {number}")
        names = {"make": maker(draw), "pickle": pickle, "copy": copy}
        exec(before, names)
        step = draw.choice([64, 256, 1024]) * 1024 * draw.choice([1, 3])
        for more in range(0, 40 * step, step):
            gc.collect()
            limit(more)
            try:
                exec(action, names)
            except MemoryError:
                outcomes["MemoryError"] += 1
            except StopIteration:
                outcomes["the end"] += 1
            except BaseException as error:
                limit(None)
                print(f"attempt {number}, {more} bytes more")
                raise error
            else:
                outcomes["success"] += 1
                if more > 8 * step:
                    break
            finally:
                limit(None)
        number += 1
    print(f"{sum(outcomes.values())} calls, {dict(outcomes)}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4])
