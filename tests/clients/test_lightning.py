"""Lightning: who sets the epoch, where a checkpoint carries on, and what it must be told not to rebuild."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from cascade_sampler.lightning import resume_callback
from launch import torchrun
from lightning_module import Notes, fit, trainer
from rows import TABLE, Rows, globally, make, make_dealt

TOTAL = 15
EXPECTED = {epoch: globally(epoch)[:TOTAL] for epoch in range(5)}


def from_position(epoch, batch, epochs=3):
    """What is fed from there on, by epoch."""
    whole = {later: EXPECTED[later] for later in range(epoch, epochs)}
    whole[epoch] = whole[epoch][batch:]
    return {epoch: batches for epoch, batches in whole.items() if batches}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", ["callback", "stateful", "stateful and callback"])
def test_resume(tmp_path, kind, workers):
    """Every fifth step of two epochs: inside of epochs and behind their last batches."""
    seen, _ = fit(tmp_path, kind, workers, every=5, epochs=2)
    assert seen == from_position(0, 0, 2)
    # Without the callback the ends of epochs are skipped, or repeated: with torch's own samplers as well.
    for step in (5, 20) if kind == "stateful" else (5, 15, 20, 30):
        seen, _ = fit(None, kind, workers, start=tmp_path / f"step={step}.ckpt")
        assert seen == from_position(*divmod(step, TOTAL)), step


@pytest.mark.parametrize("workers", [0, 2])
def test_resume_at_the_ends_of_epochs_with_a_stateful_loader(tmp_path, workers):
    fit(tmp_path, "stateful and callback", workers, epochs=1)
    seen, _ = fit(None, "stateful and callback", workers, start=tmp_path / "step=15.ckpt")
    assert seen == from_position(1, 0)


def test_resume_at_the_ends_of_epochs_and_again(tmp_path):
    seen, run = fit(tmp_path, "callback", 2, epochs=2)
    for step in (15, 30):
        seen, _ = fit(None, "callback", 2, start=tmp_path / f"step={step}.ckpt")
        assert seen == from_position(step // TOTAL, 0)
    run.save_checkpoint(tmp_path / "behind.ckpt")
    seen, _ = fit(None, "callback", 2, start=tmp_path / "behind.ckpt", epochs=4)
    assert seen == from_position(2, 0, 4)
    # A resumed run's own checkpoints carry on too.
    fit(tmp_path / "first", "callback", 2, every=4, epochs=1)
    fit(tmp_path / "second", "callback", 2, every=3, epochs=1, start=tmp_path / "first/step=4.ckpt")
    for step in (6, 12, 15):
        seen, _ = fit(None, "callback", 2, start=tmp_path / f"second/step={step}.ckpt")
        assert seen == from_position(*divmod(step, TOTAL)), step


def test_resume_where_epochs_are_cut_short(tmp_path):
    cut = {"limit_train_batches": 6}
    fit(tmp_path, "callback", 2, every=3, epochs=2, **cut)
    for step in (3, 6, 9, 12):
        seen, _ = fit(None, "callback", 2, start=tmp_path / f"step={step}.ckpt", **cut)
        epoch, batch = divmod(step, 6)
        expected = {later: EXPECTED[later][:6] for later in range(epoch, 3)}
        expected[epoch] = expected[epoch][batch:]
        assert seen == expected, step


class Module(LightningDataModule):
    """Makes the sampler in setup, as the callback needs it."""

    def setup(self, stage):
        self.sampler = make()

    def train_dataloader(self):
        return DataLoader(Rows(), batch_sampler=self.sampler)


def test_a_data_modules_sampler(tmp_path):
    for epochs, start in ((1, None), (2, tmp_path / "step=7.ckpt")):
        data, model = Module(), Notes()
        run = trainer(tmp_path, [resume_callback(lambda data=data: data.sampler)], every=7, epochs=epochs)
        run.fit(model, datamodule=data, ckpt_path=start)
    assert model.seen == from_position(0, 7, 2)


def test_a_checkpoint_without_a_position_and_one_of_another_table(tmp_path):
    fit(tmp_path, "plain", 0, every=7, epochs=1)
    with pytest.warns(UserWarning, match="no position of a batch sampler"):
        fit(None, "callback", 0, start=tmp_path / "step=7.ckpt")
    fit(tmp_path / "other", "callback", 0, every=7, epochs=1, sampler={"leaky": 0.5})
    with pytest.raises(ValueError, match="they differ in leaky"):
        fit(None, "callback", 0, start=tmp_path / "other/step=7.ckpt")


def test_predict_rebuilds_unless_the_sampler_is_given_as_sampler():
    run = trainer(None)
    with pytest.raises(TypeError, match=r"trainer.predict rebuilds even so.*batch_size=None"):
        run.predict(Notes(), DataLoader(Rows(), batch_sampler=make()))
    whole = DataLoader(torch.arange(500.0), sampler=make(), batch_size=None)
    assert run.predict(Notes(), whole) == EXPECTED[0]


def test_the_callback_itself():
    with pytest.raises(TypeError, match="sampler must be a FlexibleBatchSampler or a CascadeSampler, or a callable"):
        resume_callback(3)
    copy = pickle.loads(pickle.dumps(resume_callback(make())))
    assert type(copy) is type(resume_callback(make))
    program = (
        "import sys, cascade_sampler.lightning as c; sys.exit(any(n.startswith('lightning') for n in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_two_ranks(tmp_path):
    """Fit, checkpoints of both kinds, predict and the refused rebuild, in one run of two processes."""
    torchrun(Path(__file__).with_name("lightning_program.py"), 2, tmp_path)
    told = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2)]
    for kind in ("callback", "stateful and callback"):
        for run, first in (("whole", 0), ("carried on from 5", 10), ("carried on from 8", 16)):
            ranks = [told[rank][kind][run] for rank in range(2)]
            for epoch in range(2):
                expected = globally(epoch)
                dealt = [
                    ranks[turn % 2].get(str(epoch), [])[turn // 2]
                    for turn in range(2 * len(ranks[0].get(str(epoch), [])))
                ]
                assert dealt == expected[first if epoch == 0 else 0 :], (kind, run, epoch)
    for rank in range(2):
        assert "use_distributed_sampler=False" in told[rank]["refused"]
        assert told[rank]["predicted"] == globally(0)[rank::2]
        # Sanity check (2 steps), in the midst of both epochs, at their ends: each rank its own, always the same.
        fixed = make_dealt(num_batches=4).epoch_batches(0).tolist()[rank::2]
        assert told[rank]["validated"] == fixed * 5
    # A loss that gathers sees one experiment a step, from different rows.
    assert told[0]["gathered"] == told[1]["gathered"]
    assert len(told[0]["gathered"]) == 2 * 8
    for first, second in told[0]["gathered"]:
        assert len(set(TABLE["experiment"][[*first, *second]])) == 1
        assert first != second
    assert len({TABLE["experiment"][first[0]] for first, _ in told[0]["gathered"]}) == 5
    # One rank carries on where two stopped.
    seen, _ = fit(None, "callback", 0, start=tmp_path / "callback/step=5.ckpt")
    assert seen == from_position(0, 10)
