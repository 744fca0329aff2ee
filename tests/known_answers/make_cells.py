"""Write the file of a small index beside this file, and the batches of two samplers over it: `python make_cells.py`.

Unlike the other answers these come from the package itself: what is kept is that a file which Python wrote says the same
later, and in Rust.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np

from cascade_sampler import CascadeSampler, FlexibleBatchSampler, Index

HERE = Path(__file__).parent
ROWS = 300
DRAWN: dict[str, Any] = {"batch_size": 20, "leaky": 0.2, "seed": 7, "temporal_enrichment": True}
DEALT: dict[str, Any] = {"batch_size": 20, "leaky": 0.1, "seed": 7}


def table() -> dict[str, Any]:
    """A table with gaps, labels of several types, and times."""
    rows = np.arange(ROWS)
    plates = ["b", "a", 'é"', None, "a"]
    return {
        "plate": [plates[row % 5] for row in rows],
        "well": [datetime.date(2020, 1, 1 + row % 3) for row in rows],
        "dose": rows % 4 / 2,
        "hours": rows * rows % 17 / 4,
    }


def main() -> None:
    """Write both."""
    index = Index(table(), experiment_key=["plate", "well"], condition_key="dose", time_key="hours", missing="exclude")
    index.save(HERE / "cells.safetensors")
    answers = {
        "note": "Epoch 1 of samplers over cells.safetensors, which make_cells.py writes. Arguments are those of the classes.",
        "rows": index.rows,
        "kept": index.kept,
        "fingerprint": index.fingerprint,
        "drawn": {"arguments": DRAWN, "batches": FlexibleBatchSampler(index, **DRAWN).epoch_batches(1).tolist()},
        "dealt": {"arguments": DEALT, "batches": CascadeSampler(index, **DEALT).epoch_batches(1).tolist()},
    }
    (HERE / "cells.json").write_text(json.dumps(answers) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
