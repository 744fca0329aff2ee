"""A Lightning model that notes what it was fed."""

from __future__ import annotations

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from cascade_sampler.lightning import resume_callback
from rows import Rows, make, numbers


class Notes(LightningModule):
    """Per epoch the batches that were trained on."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.seen = {}

    def training_step(self, batch, batch_idx):
        self.seen.setdefault(self.current_epoch, []).append(numbers(batch))
        return self.layer(batch / 1000).mean()

    def predict_step(self, batch, batch_idx):
        return numbers(batch)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


def trainer(folder, callbacks=(), *, every=None, devices=1, epochs=3, **arguments):
    """A Trainer that says little; `every`: steps between checkpoints, or None for one at each epoch's end."""
    saves = []
    if folder is not None:
        # save_last=False and distinct names: each checkpoint is kept.
        saves = [
            ModelCheckpoint(
                folder,
                filename="{step}",
                save_top_k=-1,
                every_n_train_steps=every,
                every_n_epochs=None if every else 1,
                save_on_train_epoch_end=None if every else True,
            )
        ]
    given = {"use_distributed_sampler": False, "enable_checkpointing": bool(saves), **arguments}
    return Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        max_epochs=epochs,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[*callbacks, *saves],
        **given,
    )


def fit(folder, kind, workers, *, start=None, **arguments):
    """Train, from a checkpoint on if one is given, and return what was fed by epoch."""
    sampler = make(**arguments.pop("sampler", {}))
    loader = (StatefulDataLoader if "stateful" in kind else DataLoader)(
        Rows(), batch_sampler=sampler, num_workers=workers
    )
    callbacks = [resume_callback(sampler)] if "callback" in kind else []
    model = Notes()
    run = trainer(folder, callbacks, **arguments)
    run.fit(model, loader, ckpt_path=start)
    return model.seen, run
