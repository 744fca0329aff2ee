"""Time of a batch: this package, its core alone, the floor and the rivals, in turn, over one table."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import cases
import numpy as np
import pandas as pd
import tables
from cases import BATCH, Case, endless

from cascade_sampler import FlexibleBatchSampler, _core

#: Slices of each round, short enough that most are not interrupted by other work of the machine.
_SLICES = 20
#: Batches of one slice of the loop, and of the loop as one of 64 ranks.
_LOOP, _DEALT = 100, 3
#: Batches of an epoch, and how often a round makes one in a single call.
_EPOCH, _EPOCHS = 6400, 3
_RANKS = 64
#: Rounds of each of several runs.
_OF_RUN = 3
#: Batches that a rival is asked for at most in a round.
_MOST = 200
#: Rows up to which upstream joins the texts of two columns in bearable time, and intersects cells in it.
_UPSTREAM_JOINS, _UPSTREAM_INTERSECTS = 200_000, 1_000_000
#: torch.multinomial takes no more.
MOST_WEIGHTED = 2**24
#: Rows up to which MPerClassSampler's lists and permutations are worth the wait.
_MOST_PER_CLASS = 10_000_000


class Effort(NamedTuple):
    """How long everything is measured."""

    rounds: int
    #: Seconds of each round that a slow rival gets.
    seconds: float


class Core:
    """The Rust bench, which is asked for round after round."""

    def __init__(self, root: Path) -> None:
        command = ["cargo", "bench", "--quiet", "--locked", "--bench", "beside_floor"]
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def plan(self, folder: Path, rows: int, case: Case) -> float:
        """Plan a case; return the seconds it took."""
        keys, balanced, times = len(case.experiments), int(bool(case.conditions)), case.times or "none"
        return self._ask(f"plan {folder} {rows} {keys} {balanced} {case.leaky} {times}")["seconds"]

    def round(self) -> dict[str, float]:
        """Return nanoseconds a batch."""
        return self._ask(f"round {_SLICES}")

    def close(self) -> None:
        """End the bench."""
        self._process.communicate()

    def _ask(self, request: str) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(request, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the Rust bench ended on: {request}")
        figures: dict[str, float] = json.loads(answer)
        return figures


def measure(folder: Path, rows: int, case: Case, core: Core, effort: Effort) -> dict[str, float]:
    """Return medians over rounds: nanoseconds a batch by name, and ratios as ``"name / name"``."""
    table = tables.read(folder, case.columns or ("experiment",))
    here = cases.here(case, table, num_batches=_EPOCH)
    # The same plan: another sampler would make it once more.
    dealt = _core.Feed(here._feed.plan, cases.SEED, _RANKS, 0, "int64")
    rivals = {"numpy": cases.in_numpy(case, table)} | _upstream(case, table)
    _check(here, rivals, _checked(case, rows))
    core.plan(folder, rows, case)
    of_rivals = {name: endless(rival) for name, rival in rivals.items()}
    rounds = [_round(here, iter(dealt), of_rivals, core, effort) for _ in range(effort.rounds)]
    figures = {name: median(figures[name] for figures in rounds) for name in rounds[0]}
    for name, other in [
        ("batch", "floor"),
        ("pass", "words"),
        ("loop", "floor"),
        *((name, "loop") for name in rivals),
        *((name, "numpy") for name in rivals if name != "numpy"),
    ]:
        figures[f"{name} / {other}"] = median(figures[name] / figures[other] for figures in rounds)
    if "deal" in figures:
        # Around a time nothing is dealt.
        figures["deal / floor"] = median(figures["deal"] / figures["floor"] for figures in rounds)
    figures["beyond"] = median(figures["loop"] - figures["batch"] - figures["empty"] for figures in rounds)
    return figures


def runs(root: Path, folder: Path, rows: int, count: int) -> dict[str, list[float]]:
    """Return, for each case, the core's batch as a multiple of the floor in so many processes of their own, sorted."""
    ratios: dict[str, list[float]] = {case.name: [] for case in cases.CASES}
    for _ in range(count):
        core = Core(root)
        for case in cases.CASES:
            core.plan(folder, rows, case)
            rounds = [core.round() for _ in range(_OF_RUN)]
            ratios[case.name].append(median(figures["batch"] / figures["floor"] for figures in rounds))
        core.close()
    return {name: sorted(found) for name, found in ratios.items()}


def _round(
    here: FlexibleBatchSampler,
    dealt: Iterator[Any],
    rivals: dict[str, Iterator[Any]],
    core: Core,
    effort: Effort,
) -> dict[str, float]:
    times: dict[str, list[float]] = {"loop": [], "empty": [], "dealt_loop": [], "epoch_batches": []}
    batches, empty, int64 = iter(here), np.empty, np.int64
    for _ in range(_SLICES):
        with _timed(times["loop"], _LOOP):
            for _ in islice(batches, _LOOP):
                pass
        with _timed(times["empty"], _LOOP):
            for _ in range(_LOOP):
                empty(BATCH, int64)
        with _timed(times["dealt_loop"], _DEALT):
            for _ in islice(dealt, _DEALT):
                pass
    for _ in range(_EPOCHS):
        with _timed(times["epoch_batches"], _EPOCH):
            here.epoch_batches(0)
    for name, rival in rivals.items():
        times[name] = _each(rival, effort.seconds, _MOST)
    return {name: median(values) for name, values in times.items()} | core.round()


@contextmanager
def _timed(times: list[float], count: int) -> Iterator[None]:
    """Time what is done so many times, and note the nanoseconds of one."""
    start = time.perf_counter_ns()
    yield
    times.append((time.perf_counter_ns() - start) / count)


def _each(batches: Iterator[Any], seconds: float, most: int) -> list[float]:
    """Take batches until it has taken long enough; return the time of each."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < most and (not times or time.perf_counter() < end):
        start = time.perf_counter_ns()
        next(batches)
        times.append(time.perf_counter_ns() - start)
    return times


def _check(here: Iterable[Any], rivals: dict[str, Iterable[Any]], count: int) -> None:
    """See to it that the first batches are the same."""
    expected = list(islice(here, count))
    for name, rival in rivals.items():
        for number, (batch, other) in enumerate(zip(expected, rival, strict=False)):
            if not np.array_equal(batch, other):
                raise AssertionError(f"batch {number} of {name} is not that of this package")


def _checked(case: Case, rows: int) -> int:
    """Return how many batches are compared: those of upstream take seconds around a time."""
    return 3 if case.times and rows > 1_000_000 else 20


def _upstream(case: Case, table: pd.DataFrame) -> dict[str, Any]:
    """Return upstream's sampler, where it has the case."""
    if case.times and case.conditions:
        return {}
    if len(case.experiments) > 1 and len(table) > _UPSTREAM_JOINS:
        return {}
    if not case.conditions or len(table) <= _UPSTREAM_INTERSECTS:
        return {"upstream": cases.upstream(case, table)}
    # What takes it minutes is put in its place, as it would come out; the check of the batches tells.
    sampler = cases.upstream(Case(case.name, case.experiments, leaky=case.leaky), table)
    experiments, conditions = (table[name].cat for name in (*case.experiments, *case.conditions))
    for group in experiments.categories:
        rows = sampler._group_indices[group]
        codes = conditions.codes.to_numpy()[rows]
        for code, stratum in enumerate(conditions.categories):
            sampler._group_strat_indices[group, stratum] = rows[codes == code]
    sampler.stratify_by = list(case.conditions)
    return {"upstream": sampler}


def others(folder: Path, rows: int, case: Case, seconds: float) -> dict[str, Any]:
    """Return, for samplers that promise less, nanoseconds a batch over an epoch, or why there are none."""
    table = tables.read(folder, case.columns)
    makers: dict[str, Callable[[], Any]] = {
        "RandomSampler": lambda: cases.plain(case, table),
        "WeightedRandomSampler": lambda: cases.weighted(case, table),
        "MPerClassSampler": lambda: cases.per_class(case, table),
    }
    found: dict[str, Any] = {}
    for name, make in makers.items():
        if name == "WeightedRandomSampler" and rows > MOST_WEIGHTED:
            found[name] = "refuses more than 2^24 rows"
        elif name == "MPerClassSampler" and rows > _MOST_PER_CLASS:
            found[name] = "not run: its lists take minutes"
        else:
            sampler = make()
            count = len(sampler)
            if name == "MPerClassSampler":
                # It draws an epoch ahead, batch by batch: a short one tells the time of each.
                count = 4
                sampler.sampler.list_size = count * BATCH
            batches = iter(sampler)
            start = time.perf_counter_ns()
            next(batches)
            first = time.perf_counter_ns() - start
            if name == "MPerClassSampler":
                found[name] = first / count
            else:
                # The epoch is drawn with its first batch.
                later = median(_each(batches, seconds, min(count - 1, _MOST)))
                found[name] = (first + later * (count - 1)) / count
    return found
