"""Time of a temporal batch here and from upstream's own sampler, in one process, in turn. `make bench` runs it.

Both draw from one table, and their first batches are compared before anything is timed. Start-up is set beside a stable
argsort of the times.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from cascade_sampler import viscy

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from upstream import load_upstream

BATCH = 256
EXPERIMENTS = 20
ROUNDS = 5
#: Batches that a round takes of ours, and the seconds after which it takes no more of theirs.
OURS = 1000
SECONDS = 1.0


def table_of(rows: int, distinct: int | None) -> pd.DataFrame:
    """Draw a table with so many distinct times, or as many as it has rows."""
    random = np.random.default_rng(rows)
    # Skewed sizes: the product of two even draws.
    codes = (random.random(rows) * random.random(rows) * EXPERIMENTS).astype(np.int8)
    hours = random.random(rows) * 24 if distinct is None else random.integers(0, distinct, rows) * (24 / distinct)
    return pd.DataFrame(
        {
            "experiment": pd.Categorical.from_codes(codes, [f"e{number:02d}" for number in range(EXPERIMENTS)]),
            "hours_post_perturbation": hours,
        }
    )


def milliseconds(batches: Iterator[Any], count: int, seconds: float) -> float:
    """Take batches until there are enough of them or it has taken long enough; return the time of one."""
    start = time.perf_counter()
    taken = 0
    while taken < count and (taken == 0 or time.perf_counter() - start < seconds):
        next(batches)
        taken += 1
    return (time.perf_counter() - start) / taken * 1e3


def measure(rows: int, distinct: int | None, grouped: bool) -> str:
    """Compare both samplers on one table; return a line of the report."""
    table = table_of(rows, distinct)
    arguments = {
        "batch_size": BATCH,
        "batch_group_by": "experiment" if grouped else None,
        "stratify_by": None,
        "temporal_enrichment": True,
        "seed": 7,
    }
    start = time.perf_counter()
    np.argsort(table["hours_post_perturbation"].to_numpy(), kind="stable")
    argsort = time.perf_counter() - start
    start = time.perf_counter()
    here = viscy.FlexibleBatchSampler(table, **arguments)
    startup = time.perf_counter() - start
    theirs = load_upstream().FlexibleBatchSampler(table, **arguments)
    ours, upstreams = iter(here), iter(theirs)
    for _ in range(2):
        assert list(next(ours)) == [int(row) for row in next(upstreams)]

    def endless() -> Iterator[Any]:
        while True:
            yield from here

    batches, pairs = endless(), []
    for _ in range(ROUNDS):
        theirs_took = milliseconds(upstreams, 50, SECONDS)
        pairs.append((theirs_took, milliseconds(batches, OURS, 60.0)))
    upstream_time, time_here = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(theirs / ours for theirs, ours in pairs)
    return (
        f"{rows:<11} {distinct or 'continuous':<11} {'yes' if grouped else 'no':<8} {upstream_time:<12.3f} "
        f"{time_here * 1e3:<9.1f} {ratio:<9.0f} {startup:<11.3f} {startup / argsort:.2f}"
    )


def main() -> None:
    """Print a line for each number of rows given, each kind of times, grouped and not."""
    print(
        f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}, "
        f"torch {torch.__version__}; batches of {BATCH}, {EXPERIMENTS} experiments"
    )
    print("rows        times       grouped  upstream ms  here us   times as  start-up s  / argsort")
    for rows in [int(argument) for argument in sys.argv[1:]]:
        for distinct in (48, None):
            for grouped in (True, False):
                print(measure(rows, distinct, grouped), flush=True)


if __name__ == "__main__":
    main()
