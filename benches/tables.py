"""The table that all samplers of the benchmark draw from: experiments of skewed size, conditions, markers, times."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

EXPERIMENTS = 20
#: The columns of labels and how many each has, and those of times.
LABELS = {"experiment": EXPERIMENTS, "condition": 4, "marker": 5}
TIMES = ("hours_48", "hours_continuous")
KINDS = ("categorical", "string", "integer")


def write(folder: Path, rows: int) -> None:
    """Draw a table and write each column to a file of bare numbers."""
    random = np.random.default_rng(rows)
    # Skewed sizes: the product of two even draws.
    experiment = (random.random(rows) * random.random(rows) * EXPERIMENTS).astype(np.uint8)
    columns = {
        "experiment": experiment,
        "condition": random.integers(0, LABELS["condition"], rows, dtype=np.uint8),
        "marker": random.integers(0, LABELS["marker"], rows, dtype=np.uint8),
        "hours_48": random.integers(0, 48, rows, dtype=np.uint8).astype(np.float32) * np.float32(0.5),
        "hours_continuous": random.random(rows) * 24,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, column in columns.items():
        column.tofile(folder / name)


def read(folder: Path, columns: Iterable[str], kind: str = "categorical") -> pd.DataFrame:
    """Return the columns as a frame, those of labels as `kind` says."""
    return pd.DataFrame({name: _column(folder / name, kind) for name in columns}, copy=False)


def _column(path: Path, kind: str) -> pd.Series:
    if path.name in TIMES:
        return pd.Series(np.fromfile(path, dtype=np.float32 if path.name == "hours_48" else np.float64))
    codes = np.fromfile(path, dtype=np.int8)
    names = [f"{path.name}_{number:02d}" for number in range(LABELS[path.name])]
    if kind == "categorical":
        return pd.Series(pd.Categorical.from_codes(codes, names))
    if kind == "integer":
        return pd.Series(codes.astype(np.int64) * 7 + 1000)
    chunks = pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.large_string())).cast(pa.large_string())
    column = pd.Series(chunks, dtype="str", copy=False)
    del chunks
    pa.default_memory_pool().release_unused()
    return column
