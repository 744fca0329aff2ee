"""Try what is installed, and nothing else: ``python release/smoke.py``, from a folder without the package.

The digests are those of the specification's batches: they are the same on every platform, under every Python.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import pickle
import sys
import sysconfig
import threading

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

import cascade_sampler
from cascade_sampler import CascadeSampler, FlexibleBatchSampler

ROWS = 3000
TABLE = {
    "plate": [f"plate_{row * row % 7}" for row in range(ROWS)],
    "dose": [row % 5 for row in range(ROWS)],
    "hours": [row % 48 / 2 for row in range(ROWS)],
}
EXPECTED = {"dealt": "84f0d3bfb63944df", "drawn": "6aac2b1fbf3676fe", "near": "9620339a7546cbb2"}


def digest(sampler: CascadeSampler | FlexibleBatchSampler) -> str:
    """Return what three epochs are, as one number."""
    found = hashlib.sha256()
    for epoch in range(3):
        found.update(np.asarray(sampler.epoch_batches(epoch), dtype="<i8").tobytes())
    return found.hexdigest()[:16]


def samplers() -> dict[str, CascadeSampler | FlexibleBatchSampler]:
    """Make a sampler of each kind."""
    keys = {"experiment_key": "plate", "condition_key": "dose", "seed": 7}
    return {
        "dealt": CascadeSampler(TABLE, 48, leaky=0.25, **keys),
        "drawn": FlexibleBatchSampler(TABLE, 48, leaky=0.25, **keys),
        "near": FlexibleBatchSampler(TABLE, 48, temporal_enrichment=True, time_key="hours", **keys),
    }


def main() -> None:
    """Run every check; an assertion that fails ends the program."""
    assert cascade_sampler.__version__ == importlib.metadata.version("cascade-sampler")
    found = {name: digest(sampler) for name, sampler in samplers().items()}
    assert found == EXPECTED, found

    sampler = samplers()["dealt"]
    epoch = sampler.epoch_batches(0).tolist()
    loader = DataLoader(TensorDataset(torch.arange(ROWS)), batch_sampler=sampler, num_workers=2)
    assert [batch.tolist() for (batch,) in loader] == epoch
    assert pickle.loads(pickle.dumps(sampler)).epoch_batches(0).tolist() == epoch
    assert sampler.explain(0).row.tolist() == epoch[0]
    assert sampler.audit(epochs=1).coverage

    wrong = None
    try:
        CascadeSampler(TABLE, 0)
    except ValueError as error:
        wrong = error
    assert wrong is not None and "batch_size" in str(wrong)

    results: list[list[list[int]]] = []
    threads = [threading.Thread(target=lambda: results.append(sampler.epoch_batches(0).tolist())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [epoch] * 8
    without = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert not without or not sys._is_gil_enabled(), "importing it brought the lock of the interpreter back"
    kind = "without its lock" if without else ""
    print("Python", sys.version.split()[0], kind, "numpy", np.__version__, "torch", torch.__version__, "passed")


if __name__ == "__main__":
    main()
