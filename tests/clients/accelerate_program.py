"""What torchrun runs in test_accelerate: two processes, all that Accelerate does to a batch sampler."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

from accelerate import Accelerator, DataLoaderConfiguration, skip_first_batches
from torch.utils.data import DataLoader

import conftest  # noqa: F401
from cascade_sampler._samplers.ranks import DealtTwiceWarning
from rows import Rows, make, numbers


def drawn(loader):
    return [numbers(batch) for batch in loader]


def main(folder: Path) -> None:
    accelerator = Accelerator(cpu=True)
    told = {"rank": accelerator.process_index}

    prepared = accelerator.prepare(DataLoader(Rows(), batch_sampler=make()))
    told["prepared"] = []
    for epoch in (0, 1, 3):
        prepared.set_epoch(epoch)
        told["prepared"].append(drawn(prepared))

    prepared = accelerator.prepare(DataLoader(Rows(), batch_sampler=make(), num_workers=2))
    prepared.set_epoch(2)
    told["skipped"] = drawn(skip_first_batches(prepared, 4))

    told["lists"] = drawn(
        accelerator.prepare(DataLoader(Rows(), batch_sampler=make(index_dtype="list", drop_last=False)))
    )
    told["refused"] = []
    # 500 rows are 15 batches of 32 and a short one; with 25 they divide, and Accelerate fails none the less.
    for size in (32, 25):
        try:
            drawn(accelerator.prepare(DataLoader(Rows(), batch_sampler=make(drop_last=False, batch_size=size))))
        except ValueError as error:
            told["refused"].append(str(error))

    sampler = make(num_replicas=None, rank=None)
    sampler.check_ranks()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told["not prepared"] = drawn(DataLoader(Rows(), batch_sampler=sampler))
        drawn(DataLoader(Rows(), batch_sampler=sampler))
    told["warned"] = [str(warning.message) for warning in caught if warning.category is DealtTwiceWarning]

    stateful = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(use_stateful_dataloader=True))
    loader = stateful.prepare(DataLoader(Rows(), batch_sampler=make()))
    loader.set_epoch(1)
    batches = iter(loader)
    told["before"] = [numbers(next(batches)) for _ in range(3)]
    state = loader.state_dict()
    loader = stateful.prepare(DataLoader(Rows(), batch_sampler=make()))
    loader.set_epoch(1)
    loader.load_state_dict(state)
    told["after"] = drawn(loader)

    (folder / f"rank{told['rank']}.json").write_text(json.dumps(told))
    accelerator.wait_for_everyone()
    accelerator.end_training()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
