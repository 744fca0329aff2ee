"""Writes a small index file, and what the batches over it are. The package itself is what is asked here: the file says whether
what Python writes is what Rust reads, and what a release writes is what later ones read.

    python make_index.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from cascade_sampler import _core

HERE = Path(__file__).parent
ROWS, BATCH_SIZE, LEAKY, SEED, EPOCH = 4000, 32, 0.25, 11, 2


def index() -> _core.Index:
    """Return an index with lists of each kind: short ones, and those of few and of many different times."""
    generator = np.random.Generator(np.random.PCG64(5))
    experiments = generator.integers(0, 3, ROWS).astype(np.int8)
    conditions = np.minimum(generator.geometric(0.5, ROWS) - 1, 4).astype(np.int8)
    times = generator.random(ROWS) * 100
    times[experiments == 0] = np.floor(times[experiments == 0])
    times[::50] = np.nan
    return _core.Index(ROWS, ([(experiments, None)], 3), ([(conditions, None)], 5), [times], pools=True)


def digest(plan: Any) -> str:
    """Return the hash of all rows of an epoch, as little-endian integers of 32 bits."""
    feed = _core.Feed(plan, SEED, 1, 0, "uint32", fixed_epoch=EPOCH)
    rows = np.concatenate(list(feed)).astype("<u4")
    return hashlib.sha256(rows.tobytes()).hexdigest()


def main() -> None:
    """Write both files."""
    made = index()
    drawn = _core.Plan(made, BATCH_SIZE, LEAKY, None, None, True, None, 2.0, 0.3)
    dealt = _core.dealt_plan(made, BATCH_SIZE, LEAKY, "size", None, [], None, 1, 1, None, 2.0, 0.3)
    made.save(HERE / "index.safetensors", {"made_by": "tests/known_answers/make_index.py"})
    known = {
        "rows": ROWS,
        "batch_size": BATCH_SIZE,
        "leaky": LEAKY,
        "seed": SEED,
        "epoch": EPOCH,
        "drawn": digest(drawn),
        "dealt": digest(dealt),
    }
    (HERE / "index.json").write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
