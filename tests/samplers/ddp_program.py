"""What torchrun runs in test_ranks: a model in DistributedDataParallel, trained for two epochs, or from a state on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from cascade_sampler import FlexibleBatchSampler

EPOCHS = 2
STATE_AFTER = 7
TABLE = {"experiment": np.arange(1000) % 7, "condition": np.arange(1000) % 3}


def make(**arguments):
    """31 global batches, which neither 2 nor 3 divide."""
    return FlexibleBatchSampler(TABLE, batch_size=32, leaky=0.2, seed=5, **arguments)


def main(folder: Path, start: str = "") -> None:
    distributed.init_process_group("gloo")
    sampler = make(num_replicas=None, rank=None)
    loader = DataLoader(torch.arange(1000), batch_sampler=sampler)
    model = DistributedDataParallel(torch.nn.Linear(1, 1))
    if start:
        sampler.load_state_dict(json.loads(Path(start).read_text()))
    sampler.check_ranks()
    seen, states = [], []
    for epoch in range(sampler.epoch, EPOCHS):
        sampler.set_epoch(epoch)
        seen.append([])
        for rows in loader:
            model(rows[:, None].float()).mean().backward()
            seen[-1].append(rows.tolist())
            if len(seen[-1]) == STATE_AFTER:
                states.append(sampler.state_dict())
    # An all-reduce that a rank was left alone with would hang here, if it had not before.
    distributed.barrier()
    told = {"length": len(sampler), "seen": seen, "state": states[0]}
    (folder / f"rank{sampler.rank}.json").write_text(json.dumps(told))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
