"""Time and peak memory of making a sampler, and the time to its first batch, each in a fresh process."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tables
from cases import MAKERS, Case

#: What a construction is set beside: work on the same columns that a user could not do without.
_REFERENCES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "factorize": lambda table: [pd.factorize(table[name]) for name in table.columns],
    "argsort": lambda table: [np.argsort(table[name].to_numpy(), kind="stable") for name in table.columns],
}
#: This package's sampler, where the process may run on as many cores as there are.
UNPINNED = "here, two cores"

# The server that forks the processes imports once what the benchmark imports; it finds modules by this path alone.
os.environ["PYTHONPATH"] = str(Path(__file__).parent)
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["construction", "batches", "report"])


def construct(folder: Path, warm: Path, case: Case, kind: str, who: str, seconds: float) -> dict[str, float] | None:
    """Make a sampler of `who` in a process of its own.

    Parameters
    ----------
    folder, warm : Path
        The table, and a small one, over which the same is made first: so what is imported late is not counted.
    case, kind
        What is made, and from which kind of columns.
    who : str
        One of `MAKERS`, or of "factorize" and "argsort" for these over the same columns, or `UNPINNED`.
    seconds : float
        After so many it is given up.

    Returns
    -------
    dict, or None where it was given up
        Seconds to make it, bytes of peak memory beyond what was in use before, seconds of the first ``next()``.
    """
    here, there = _context.Pipe(duplex=False)
    process = _context.Process(target=_measure, args=(there, folder, warm, case, kind, who))
    process.start()
    there.close()
    try:
        if here.poll(seconds):
            figures: dict[str, float] = here.recv()
            return figures
        return None
    except EOFError:
        raise RuntimeError(f"{who} failed on {case.name}, {kind} columns of {folder.name} rows") from None
    finally:
        process.kill()
        process.join()
        here.close()


def _measure(results: Connection, folder: Path, warm: Path, case: Case, kind: str, who: str) -> None:
    logging.disable()
    if who == UNPINNED:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        who = "here"

    def make(table: pd.DataFrame) -> Any:
        return _REFERENCES[who](table) if who in _REFERENCES else MAKERS[who](case, table)

    made = make(tables.read(warm, case.columns, kind))
    if who not in _REFERENCES:
        next(iter(made))
    table = tables.read(folder, case.columns, kind)
    gc.collect()
    before = _forget_peak()
    start = time.perf_counter()
    made = make(table)
    seconds = time.perf_counter() - start
    peak = _peak() - before
    figures = {"seconds": seconds, "bytes": float(peak)}
    if who not in _REFERENCES:
        start = time.perf_counter()
        next(iter(made))
        figures["first"] = time.perf_counter() - start
    results.send(figures)


def _forget_peak() -> int:
    """Return the bytes in use, from which on the peak counts; elsewhere than on Linux the peak so far."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
