"""Time and memory of this package beside its rivals, on one table, in one process. `make bench` runs it.

Each size's figures are kept in target/bench; README.md and docs/performance.md are written from all that are there.
So a run of some sizes renews those alone.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import batches
import cases
import construction
import report
import tables

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "target" / "bench"
SIZES = (100_000, 1_000_000, 10_000_000, 50_000_000)
LARGEST = 100_000_000
_VERSIONS = ("cascade-sampler", "numpy", "pandas", "pyarrow", "torch", "viscy-data", "pytorch-metric-learning")
#: Rows of the table over which everything is made once before it is timed, and of that of a quick run.
_WARM, _QUICK = 5_000, 20_000
#: Rows from which on rivals are made once.
_ONCE = 10_000_000
#: Seconds after which making a rival is given up.
_GIVEN_UP = 45.0


def main() -> None:
    """Measure the sizes asked for and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=list(SIZES), help="sizes of the table")
    parser.add_argument("--largest", action="store_true", help=f"{LARGEST:,} rows as well")
    parser.add_argument("--quick", action="store_true", help="try everything once on a small table; publish nothing")
    parser.add_argument(
        "--billion", action="store_true", help="an index of a billion rows, and nothing else: 15 minutes"
    )
    parser.add_argument("--publish", action="store_true", help="write the pages from the figures of earlier runs")
    arguments = parser.parse_args()
    if arguments.billion:
        # By itself: all cores and most of the memory are its own.
        subprocess.run([sys.executable, str(Path(__file__).parent / "billion.py")], check=True)
        return
    # What the samplers have to say of small groups and of arguments without effect is not what is asked here.
    logging.disable()
    core = _pin()
    if not arguments.publish:
        sizes = [_QUICK] if arguments.quick else arguments.rows + [LARGEST] * arguments.largest
        effort = batches.Effort(rounds=1, seconds=0.02) if arguments.quick else batches.Effort(rounds=7, seconds=0.3)
        results = Path(tempfile.mkdtemp()) if arguments.quick else RESULTS
        results.mkdir(parents=True, exist_ok=True)
        for rows in sizes:
            figures = _measure(rows, effort, *((1, 1) if arguments.quick else (3, 5)))
            (results / f"{rows}.json").write_text(json.dumps(_machine(core) | figures, indent=1))
        if arguments.quick:
            report.publish(_load(results), results)
            shutil.rmtree(results)
            return
    report.publish(_load(RESULTS), ROOT)


def _measure(rows: int, effort: batches.Effort, repeats: int, runs: int) -> dict[str, Any]:
    start = time.perf_counter()

    def say(*parts: object) -> None:
        print(f"{time.perf_counter() - start:6.0f} s  {rows:>11,} rows ", *parts, file=sys.stderr, flush=True)

    figures: dict[str, Any] = {"rows": rows, "constructions": [], "batches": {}}
    with tempfile.TemporaryDirectory() as name:
        folder, warm = Path(name) / str(rows), Path(name) / str(_WARM)
        tables.write(folder, rows)
        tables.write(warm, _WARM)
        for kind in tables.KINDS:
            for case in cases.CONSTRUCTED if kind == "categorical" else cases.CASES[:2]:
                for who, figure in _constructions(folder, warm, case, kind, rows, repeats).items():
                    say("construction", kind, case.name, who, figure)
                    figures["constructions"].append({"kind": kind, "case": case.name, "who": who, "figure": figure})
        core = batches.Core(ROOT)
        for case in cases.CASES:
            figures["batches"][case.name] = found = batches.measure(folder, rows, case, core, effort)
            say("batches", case.name, {name: round(figure, 2) for name, figure in found.items()})
        core.close()
        figures["runs"] = batches.runs(ROOT, folder, rows, runs)
        say("runs", figures["runs"])
        figures["others"] = batches.others(folder, rows, cases.CASES[1], effort.seconds)
        say("others", figures["others"])
    figures["took"] = time.perf_counter() - start
    return figures


def _constructions(
    folder: Path, warm: Path, case: cases.Case, kind: str, rows: int, repeats: int
) -> dict[str, dict[str, float] | str]:
    """Make a case by everyone that has it, in turn."""
    who = ["here", "numpy"]
    if kind == "categorical" and not case.times and rows >= _ONCE and hasattr(os, "sched_setaffinity"):
        who.insert(1, construction.UNPINNED)
    if kind == "string":
        who.append("factorize")
    if case.times and not case.experiments and not case.conditions:
        who.append("argsort")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in who}
    for repeat in range(repeats):
        for name in who:
            if name == "numpy" and repeat > 0 and rows >= _ONCE:
                continue
            figures = construction.construct(folder, warm, case, kind, name, 300.0)
            assert figures is not None, f"{name} takes minutes for {case.name}"
            found[name].append(figures)
    medians: dict[str, dict[str, float] | str] = {
        name: {figure: median(figures[figure] for figures in several) for figure in several[0]}
        for name, several in found.items()
    }
    if kind == "categorical" and not (case.times and case.conditions):
        others = ["upstream"]
        if case.name == cases.CASES[1].name:
            others += ["WeightedRandomSampler", "MPerClassSampler", "RandomSampler"]
        for name in others:
            # Leak costs nothing there before the batches.
            if name == "upstream" and case.conditions and case.leaky:
                continue
            if name == "upstream" and len(case.experiments) > 1 and rows >= _ONCE:
                medians[name] = "not run: a minute for each million rows"
                continue
            if name == "WeightedRandomSampler" and rows > batches.MOST_WEIGHTED:
                medians[name] = "refuses more than 2^24 rows"
                continue
            once = construction.construct(folder, warm, case, kind, name, _GIVEN_UP)
            medians[name] = once or f"more than {_GIVEN_UP:.0f} s"
    return medians


def _pin() -> int | None:
    """Keep this process, and what it starts, on one core where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def _machine(core: int | None) -> dict[str, Any]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor() or platform.machine()
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{processor}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "pinned": core is not None,
        "large_pages": pages.read_text().partition("[")[2].partition("]")[0] if pages.exists() else "unknown",
        "versions": {"Python": platform.python_version(), "Rust": rust} | {name: version(name) for name in _VERSIONS},
        "load": os.getloadavg()[0],
    }


def _load(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    return sorted(found, key=lambda figures: figures["rows"])


if __name__ == "__main__":
    main()
