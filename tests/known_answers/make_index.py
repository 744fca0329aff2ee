"""Write a small index file beside this file, and what two samplers over it yield: `python make_index.py`.

Unlike the other answers these come from the package itself: what is kept is that a file which Python wrote says the same
later, and in Rust.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from cascade_sampler import CascadeSampler, FlexibleBatchSampler, Index

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "shared"))

from encoding import digest  # noqa: E402

ROWS = 4000
DRAWN: dict[str, Any] = {"batch_size": 20, "leaky": 0.2, "seed": 7, "temporal_enrichment": True}
DEALT: dict[str, Any] = {"batch_size": 20, "leaky": 0.1, "seed": 7}


def table() -> dict[str, Any]:
    """A table with gaps, labels of several types, and times of which some lists hold few and some many different ones."""
    rows = np.arange(ROWS)
    plates = ["b", "b", "b", "b", 'é"', 'é"', 'é"', 'é"', "a", None]
    plate = [plates[row % 10] for row in rows]
    hours = np.where(rows % 10 < 4, rows % 24, rows * rows % 7919 / 16)
    hours[::50] = np.nan
    return {
        "plate": plate,
        "well": [datetime.date(2020, 1, 2 if name == "a" and row % 20 < 10 else 1) for row, name in enumerate(plate)],
        # Short lists beside long ones.
        "dose": np.where(rows % 100 < 2, 7.5, rows % 4 / 2),
        "hours": hours,
    }


def answers(sampler: CascadeSampler | FlexibleBatchSampler) -> dict[str, Any]:
    """Return the first batch of epoch 1, and the hash of all of them."""
    batches = sampler.epoch_batches(1)
    return {"first": batches[0].tolist(), "batches": len(batches), "digest": digest(batches.ravel())}


def main() -> None:
    """Write both."""
    index = Index(table(), experiment_key=["plate", "well"], condition_key="dose", time_key="hours", missing="exclude")
    # Version 1's leak makes the second list of rows, which is saved with the rest.
    drawn = FlexibleBatchSampler(index, **DRAWN)
    index.save(HERE / "index.safetensors")
    known = {
        "note": "Epoch 1 of samplers over index.safetensors, which make_index.py writes. Arguments are those of the classes.",
        "rows": index.rows,
        "kept": index.kept,
        "fingerprint": index.fingerprint,
        "drawn": {"arguments": DRAWN, **answers(drawn)},
        "dealt": {"arguments": DEALT, **answers(CascadeSampler(index, **DEALT))},
    }
    (HERE / "index.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
