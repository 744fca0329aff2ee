"""What torchrun runs in test_lightning: two ranks, one after another what they do in a life."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import conftest  # noqa: F401
import torch
from lightning_module import Notes, fit, trainer
from rows import Rows, make
from torch import distributed
from torch.utils.data import DataLoader


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
    rank = distributed.get_rank()
    (folder / f"rank{rank}.json").write_text(json.dumps(told))
    distributed.barrier()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main(Path(sys.argv[1]))
