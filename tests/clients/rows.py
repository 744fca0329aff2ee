"""The table, the dataset and the model that every client is tested with."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from cascade_sampler import CascadeSampler, FlexibleBatchSampler

ROWS = 500
TABLE = {"experiment": np.arange(ROWS) % 5, "condition": np.arange(ROWS) % 3}


class Rows(Dataset):
    """Every row is its own number, as floats of shape (1,)."""

    def __len__(self):
        return ROWS

    def __getitem__(self, row):
        return torch.tensor([float(row)])


def make(**arguments):
    """15 global batches, which 2 does not divide."""
    return FlexibleBatchSampler(TABLE, **{"batch_size": 32, "leaky": 0.2, "seed": 5, **arguments})


def make_dealt(**arguments):
    """15 global batches, dealt."""
    keys = {"experiment_key": "experiment", "condition_key": "condition"}
    return CascadeSampler(TABLE, **{"batch_size": 32, "leaky": 0.2, "seed": 5, "num_batches": 15, **keys, **arguments})


def numbers(rows):
    """The row numbers in a batch of `Rows`."""
    return [int(row) for row in torch.as_tensor(rows).flatten()]


def globally(epoch, **arguments):
    """All global batches of an epoch, and the one that fills the last round of two ranks."""
    sampler = make(**arguments)
    return [list(map(int, sampler._feed.batch(k, epoch))) for k in range(sampler.num_batches + 1)]
