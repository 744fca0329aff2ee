"""What torchrun runs in test_lightning: two ranks, one after another what they do in a life."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import distributed
from torch.utils.data import DataLoader

import conftest  # noqa: F401
from lightning_module import Notes, fit, trainer
from rows import Rows, make, make_dealt, numbers


class Gathering(Notes):
    """Its loss sees the rows of all ranks. Notes them, and what it was validated with."""

    def __init__(self):
        super().__init__()
        self.steps, self.validated = [], []

    def training_step(self, batch, batch_idx):
        rows = self.all_gather(batch, sync_grads=True)
        self.steps.append([numbers(of_rank) for of_rank in rows])
        return self.layer(rows / 1000).var()

    def validation_step(self, batch, batch_idx):
        self.validated.append(numbers(batch))


def main(folder: Path) -> None:
    told = {}
    ranks = {"num_replicas": None, "rank": None}
    for kind, workers in (("callback", 2), ("stateful and callback", 0)):
        seen, _ = fit(folder / kind, kind, workers, every=1, epochs=2, devices=2, sampler=ranks)
        told[kind] = {"whole": seen}
        for step in (5, 8):
            start = folder / kind / f"step={step}.ckpt"
            seen, _ = fit(None, kind, workers, epochs=2, devices=2, sampler=ranks, start=start)
            told[kind][f"carried on from {step}"] = seen
    try:
        trainer(None, devices=2, use_distributed_sampler=True).fit(Notes(), DataLoader(Rows(), batch_sampler=make()))
    except TypeError as error:
        told["refused"] = str(error)
    whole = DataLoader(torch.arange(500.0), sampler=make(**ranks), batch_size=None)
    told["predicted"] = trainer(None, devices=2).predict(Notes(), whole)
    model = Gathering()
    fed = make_dealt(**ranks, leaky=0.0, num_batches=16, batches_per_experiment=2)
    fixed = make_dealt(**ranks, fixed_epoch=0, num_batches=4)
    loaders = [DataLoader(Rows(), batch_sampler=sampler) for sampler in (fed, fixed)]
    trainer(None, devices=2, epochs=2, val_check_interval=4).fit(model, *loaders)
    told["gathered"], told["validated"] = model.steps, model.validated
    rank = distributed.get_rank()
    (folder / f"rank{rank}.json").write_text(json.dumps(told))
    distributed.barrier()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
