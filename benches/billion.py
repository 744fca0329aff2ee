"""An index of a billion rows, from files to batches. `make bench BENCH=--billion` runs it and writes its page.

Every step is a process of its own, so that its peak of memory is its own. Tables and index lie in a folder that goes
at the end; it needs 8 bytes a row on the disk.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 1_000_000_000
SHARED = 100_000_000
MAPPED = 50_000_000
PROCESSES = 4
AUDITED = 10_000
_EXPERIMENTS, _CONDITIONS = 20, 4
_FILE = 100_000_000
_GROUP = 4_000_000
_PAGE = Path(__file__).parent.parent / "docs" / "performance-index.md"
_MB = 2**20


def main(rows: int = ROWS, publish: bool = True) -> None:
    """Measure everything over a table of some rows, print it, and write the page."""
    folder = Path(tempfile.mkdtemp(prefix="billion-", dir=os.environ.get("BENCH_FOLDER")))
    try:
        found: dict[str, Any] = {"machine": _machine(), "rows": rows}
        for name in ("write", "build", "open", "batches", "audit"):
            found[name] = _alone(name, folder, rows)
        shared = folder / "shared"
        shared.mkdir()
        shared_rows = min(rows, SHARED)
        _alone("write", shared, shared_rows)
        _alone("build", shared, shared_rows)
        found["shared"] = {"rows": shared_rows, **sharing(shared / "cells.index")}
        found["mapped"] = _alone("mapped", folder, min(rows, MAPPED))
    finally:
        shutil.rmtree(folder)
    page = _page(found)
    print(page)
    if publish:
        _PAGE.write_text(page, encoding="utf-8")


def _alone(step: str, folder: Path, rows: int) -> Any:
    """Run one step in a process of its own, and return what it found."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, step, str(folder), str(rows)], stdout=subprocess.PIPE, text=True, check=True
    )
    print(f"{time.perf_counter() - start:6.0f} s  {step}  {done.stdout.strip()}", file=sys.stderr, flush=True)
    return json.loads(done.stdout)


def write(folder: Path, rows: int) -> dict[str, Any]:
    """Write a data set of parquet files with dictionary columns: experiments of skewed size, and conditions."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    start = time.perf_counter()
    (folder / "cells").mkdir()
    random = np.random.default_rng(rows)
    names = {
        "plate": [f"plate_{n:02d}" for n in range(_EXPERIMENTS)],
        "dose": [f"dose_{n}" for n in range(_CONDITIONS)],
    }
    # Skewed sizes: the product of two even draws.
    draws = np.random.default_rng(0).random((2, 2**16 - 1)).prod(axis=0)
    skewed = (draws * _EXPERIMENTS).astype(np.int8)
    drawn = folder / "cells" / "000.parquet"
    for number, first in enumerate(range(0, rows, _FILE)):
        here = min(_FILE, rows - first)
        if number and here == _FILE:
            # Drawing rows is no part of what is measured.
            shutil.copyfile(drawn, folder / "cells" / f"{number:03d}.parquet")
            continue
        writer = None
        for begin in range(0, here, _GROUP):
            size = min(_GROUP, here - begin)
            codes = {
                "plate": skewed[random.integers(0, len(skewed), size, dtype=np.uint16)],
                "dose": random.integers(0, _CONDITIONS, size, dtype=np.int8),
            }
            table = pa.table(
                {name: pa.DictionaryArray.from_arrays(column, names[name]) for name, column in codes.items()}
            )
            writer = writer or pq.ParquetWriter(folder / "cells" / f"{number:03d}.parquet", table.schema)
            writer.write_table(table)
        if writer is not None:
            writer.close()
    size = sum(path.stat().st_size for path in (folder / "cells").iterdir())
    return {"seconds": time.perf_counter() - start, "bytes": size, "files": len([*(folder / "cells").iterdir()])}


def build(folder: Path, rows: int) -> dict[str, Any]:
    """Build the index from the files, and save it."""
    from cascade_sampler import Index

    before = _status("VmHWM")
    start = time.perf_counter()
    index = Index(folder / "cells", experiment_key="plate", condition_key="dose")
    built = time.perf_counter()
    peak = _status("VmHWM")
    index.save(folder / "cells.index")
    saved = time.perf_counter()
    assert index.rows == rows
    return {
        "seconds": built - start,
        "save": saved - built,
        "peak": peak - before,
        "peak_with_save": _status("VmHWM") - before,
        "bytes": (folder / "cells.index").stat().st_size,
    }


def opening(folder: Path, rows: int) -> dict[str, Any]:
    """Open the file, several times."""
    from cascade_sampler import Index

    path = folder / "cells.index"
    # What the first openings import, and what reading /proc takes, is not asked here.
    for _ in range(20):
        Index.open(path)
        _private()
    times = []
    before = _private()
    for _ in range(20):
        start = time.perf_counter()
        index = Index.open(path)
        times.append(time.perf_counter() - start)
    return {"seconds": float(np.median(times)), "worst": max(times), "private": _private() - before, "rows": index.rows}


def batches(folder: Path, rows: int) -> dict[str, Any]:
    """Make both samplers, draw batches, and resume."""
    from cascade_sampler import CascadeSampler, FlexibleBatchSampler, Index

    found: dict[str, Any] = {}
    for name, kind in (("CascadeSampler", CascadeSampler), ("FlexibleBatchSampler", FlexibleBatchSampler)):
        index = Index.open(folder / "cells.index")
        start = time.perf_counter()
        sampler = kind(index, 256)
        made = time.perf_counter()
        iterator = iter(sampler)
        next(iterator)
        first = time.perf_counter()
        taken = 0
        for _ in iterator:
            taken += 1
            if taken == min(20_000, len(sampler) // 2):
                break
        drawn = time.perf_counter()
        state = iterator.state_dict()
        told = time.perf_counter()
        expected = next(iterator)
        again = kind(Index.open(folder / "cells.index"), 256)
        resumed = time.perf_counter()
        again.load_state_dict(state)
        batch = next(iter(again))
        after = time.perf_counter()
        assert batch.tolist() == expected.tolist()
        found[name] = {
            "make": made - start,
            "first": first - made,
            "each": (drawn - first) / max(taken, 1),
            "state": told - drawn,
            "resume": after - resumed,
            "batches": len(sampler),
        }
    return found


def mapped(folder: Path, rows: int) -> dict[str, Any]:
    """Draw batches over an index in memory and over the same in a file that is mapped, taking turns."""
    from cascade_sampler import CascadeSampler, FlexibleBatchSampler, Index

    random = np.random.default_rng(rows)
    # Skewed sizes: the product of two even draws.
    plate = (random.random(rows, np.float32) * random.random(rows, np.float32) * _EXPERIMENTS).astype(np.int8)
    table = {"plate": plate, "dose": random.integers(0, _CONDITIONS, rows, dtype=np.int8)}
    index = Index(table, experiment_key="plate", condition_key="dose")
    index.save(folder / "mapped.index", for_leak=True)
    opened = Index.open(folder / "mapped.index")
    samplers: dict[str, Callable[[Index], Any]] = {
        "CascadeSampler": lambda over: CascadeSampler(over, 256),
        "CascadeSampler, leaky=0.1": lambda over: CascadeSampler(over, 256, leaky=0.1),
        "FlexibleBatchSampler": lambda over: FlexibleBatchSampler(over, 256),
        "FlexibleBatchSampler, leaky=0.1": lambda over: FlexibleBatchSampler(over, 256, leaky=0.1),
    }
    found = {}
    for name, make in samplers.items():
        both = [iter(make(over)) for over in (index, opened)]
        turns: list[list[float]] = [[], []]
        for turn in range(10):
            # The first turn is long enough to touch most pages of the file.
            taken = min(2_000 if turn else 10_000, rows // 256 // 20)
            for which in (0, 1) if turn % 2 else (1, 0):
                start = time.perf_counter()
                for _ in range(taken):
                    next(both[which])
                turns[which].append((time.perf_counter() - start) / taken)
        in_memory, in_file = (np.array(times[1:]) for times in turns)
        found[name] = {
            "memory": float(in_memory.min()),
            "mapped": float(in_file.min()),
            "ratio": float(np.median(in_file / in_memory)),
        }
    return {"rows": rows, "samplers": found}


def audit(folder: Path, rows: int) -> dict[str, Any]:
    """Audit the first batches of an epoch."""
    from cascade_sampler import CascadeSampler, Index

    before = _status("VmHWM")
    sampler = CascadeSampler(Index.open(folder / "cells.index"), 256, leaky=0.1)
    count = min(AUDITED, len(sampler))
    start = time.perf_counter()
    sampler.audit(batches=count)
    return {"seconds": time.perf_counter() - start, "batches": count, "peak": _status("VmHWM") - before}


def sharing(path: Path) -> dict[str, Any]:
    """Return the memory of one process over an index and of several together, beside that of as many without one."""
    one, several = _held("hold", path, 1), _held("hold", path, PROCESSES)
    bare, bare_several = _held("bare", path, 1), _held("bare", path, PROCESSES)
    return {
        "one": one,
        "several": several,
        "ratio": several / one,
        "bare": bare,
        "bare_several": bare_several,
        "ratio_of_index": (several - bare_several) / (one - bare),
        "file": path.stat().st_size,
    }


def _held(step: str, path: Path, count: int) -> int:
    """Return the proportional share of memory of so many processes that are at the end of a step, together."""
    started = [
        subprocess.Popen(
            [sys.executable, __file__, step, str(path), "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    # All are there before any is measured.
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    found = sum(_rollup(process.pid, "Pss") for process in started)
    for process in started:
        process.communicate("\n")
    return found


def bare(path: Path, rows: int) -> None:
    """Be what `hold` is without an index."""
    import cascade_sampler

    assert cascade_sampler.CascadeSampler
    print("ready", flush=True)
    sys.stdin.readline()


def hold(path: Path, rows: int) -> None:
    """Touch every row of an index as training does, say so, and wait."""
    from cascade_sampler import CascadeSampler, Index

    sampler = CascadeSampler(Index.open(path), 256)
    for _ in sampler:
        pass
    print("ready", flush=True)
    sys.stdin.readline()


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _private() -> int:
    return _rollup("self", "Private_Dirty")


def _rollup(process: int | str, name: str) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    processor = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, {time.strftime('%Y-%m-%d')}, load "
        f"{os.getloadavg()[0]:.1f}"
    )


def _page(found: dict[str, Any]) -> str:
    rows, built, opened, shared = found["rows"], found["build"], found["open"], found["shared"]
    written, audited = found["write"], found["audit"]
    lines = [
        "# Performance of an index",
        "",
        "Written by `make bench BENCH=--billion`, which runs benches/billion.py; not to be changed by hand.",
        "",
        f"{found['machine']}.",
        f"The table has {rows:,} rows in {written['files']} parquet files, {_bytes(written['bytes'])} together:",
        f"{_EXPERIMENTS} experiments of skewed size and {_CONDITIONS} conditions, in dictionary columns. Files of",
        f"{_FILE:,} rows are copies of the first.",
        "Every step is a process of its own. Memory is what the step adds to that of Python and its libraries.",
        "",
        "## Building and opening",
        "",
        "| step | time | memory |",
        "|---|---|---|",
        f"| `Index(folder, ...)` | {built['seconds']:.1f} s | {_bytes(built['peak'])} at the peak, "
        f"{built['peak'] / rows:.1f} bytes a row |",
        f"| `index.save(path)` | {built['save']:.1f} s | {_bytes(built['peak_with_save'])} at the peak |",
        f"| the file | | {_bytes(built['bytes'])} on the disk, {built['bytes'] / rows:.2f} bytes a row |",
        f"| `Index.open(path)`, warm | {_ms(opened['seconds'])}, {_ms(opened['worst'])} at worst of 20 | "
        f"{_bytes(max(opened['private'], 0))} private for 20 openings |",
        "",
        "## Samplers over the file",
        "",
        "Batches of 256 rows, balanced over conditions. `state` is the first `state_dict()`; `resume` loads it into",
        "a new sampler and draws the next batch, 20,001 batches into the epoch.",
        "",
        "| sampler | make | first batch | each batch | state | resume | batches an epoch |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| `{name}` | {_ms(one['make'])} | {_ms(one['first'])} | {one['each'] * 1e6:.1f} µs | "
            f"{_ms(one['state'])} | {_ms(one['resume'])} | {one['batches']:,} |"
            for name, one in found["batches"].items()
        ),
        "",
        f"`audit` of {audited['batches']:,} batches of `CascadeSampler`: {audited['seconds']:.1f} s, "
        f"{_bytes(audited['peak'])} at the peak.",
        "",
        "## Mapped, and in memory",
        "",
        f"Batches of 256 rows over an index of {found['mapped']['rows']:,} rows in memory, and over the same in a file",
        "that is mapped and in the page cache. Both take turns in one process. Times are the best of nine turns, the",
        "ratio is the median of theirs. Rows are read at random: memory of a process can lie in pages of 2 MiB, and a",
        "file lies in pages of 4 KiB. `Index.open(path, copy=True)` is in memory.",
        "",
        "| sampler | in memory | mapped | ratio |",
        "|---|---|---|---|",
        *(
            f"| `{name}` | {one['memory'] * 1e6:.1f} µs | {one['mapped'] * 1e6:.1f} µs | {one['ratio']:.2f} |"
            for name, one in found["mapped"]["samplers"].items()
        ),
        "",
        "## Several processes",
        "",
        f"Over an index of {shared['rows']:,} rows, a file of {_bytes(shared['file'])}, after each process has drawn a",
        "whole epoch. Memory is the proportional share (PSS) of all processes together, Python and torch included. The",
        "second column is the same without an index. Pages that other programs have open too count less.",
        "",
        "| processes | over the index | without one | the index |",
        "|---|---|---|---|",
        f"| 1 | {_bytes(shared['one'])} | {_bytes(shared['bare'])} | {_bytes(shared['one'] - shared['bare'])} |",
        f"| {PROCESSES} | {_bytes(shared['several'])} | {_bytes(shared['bare_several'])} | "
        f"{_bytes(shared['several'] - shared['bare_several'])} |",
        f"| ratio | {shared['ratio']:.2f} | | {shared['ratio_of_index']:.2f} |",
    ]
    return "\n".join(lines) + "\n"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _bytes(number: float) -> str:
    return f"{number / 2**30:.2f} GiB" if number >= 2**30 else f"{number / _MB:.1f} MiB"


WORK: dict[str, Callable[[Path, int], Any]] = {
    "write": write,
    "build": build,
    "open": opening,
    "mapped": mapped,
    "batches": batches,
    "audit": audit,
    "hold": hold,
    "bare": bare,
}

if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] in WORK:
        result = WORK[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
        if result is not None:
            print(json.dumps(result))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS, publish=len(sys.argv) == 1)
