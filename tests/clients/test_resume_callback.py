"""The callback that finds the sampler: loaders that are made late, loaders of several samplers, tuners, wrong loaders."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
import torch
import yaml
from lightning.pytorch import Callback, LightningDataModule, Trainer
from lightning.pytorch.cli import LightningCLI
from lightning.pytorch.tuner import Tuner
from lightning.pytorch.utilities import CombinedLoader
from monai.data import ThreadDataLoader
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler.lightning import ResumeCallback, resume_callback
from lightning_module import Notes, trainer
from rows import ROWS, Rows, globally, make, make_dealt, numbers

TOTAL = 15
EXPECTED = {epoch: globally(epoch)[:TOTAL] for epoch in range(4)}
LOADERS = {
    "in the process": lambda sampler: DataLoader(Rows(), batch_sampler=sampler),
    "workers": lambda sampler: DataLoader(Rows(), batch_sampler=sampler, num_workers=2),
    "persistent": lambda sampler: DataLoader(Rows(), batch_sampler=sampler, num_workers=1, persistent_workers=True),
    "stateful": lambda sampler: StatefulDataLoader(Rows(), batch_sampler=sampler, num_workers=2),
    "thread": lambda sampler: ThreadDataLoader(Rows(), batch_sampler=sampler),
    "thread workers": lambda sampler: ThreadDataLoader(
        Rows(), batch_sampler=sampler, num_workers=1, use_thread_workers=True, buffer_size=2
    ),
}


class Late(LightningDataModule):
    """Makes sampler and loader when the trainer asks for the loader, as VisCy does."""

    def __init__(self, kind: str = "in the process", batch_size: int = 32, leaky: float = 0.2):
        super().__init__()
        self.kind, self.batch_size, self.leaky, self.sampler = kind, batch_size, leaky, None

    def train_dataloader(self):
        self.sampler = make(batch_size=self.batch_size, leaky=self.leaky)
        return LOADERS[self.kind](self.sampler)


def from_step(step, epochs=3):
    """What is fed from there on, by epoch."""
    first, batch = divmod(step, TOTAL)
    return {epoch: EXPECTED[epoch][batch if epoch == first else 0 :] for epoch in range(first, epochs)}


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Train by LightningCLI, from a configuration file that names the callback's class."""
    monkeypatch.chdir(tmp_path)

    def run(kind, *, epochs, every=None, start=None):
        saves = {
            "dirpath": str(tmp_path),
            "filename": "{step}",
            "save_top_k": -1,
            "every_n_train_steps": every,
            "save_on_train_epoch_end": None if every else True,
        }
        settings = {
            "trainer": {
                "accelerator": "cpu",
                "logger": False,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "use_distributed_sampler": False,
                "max_epochs": epochs,
                "callbacks": [
                    {"class_path": "cascade_sampler.lightning.ResumeCallback"},
                    {"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": saves},
                ],
            },
            "data": {"kind": kind},
        }
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
        more = [f"--ckpt_path={start}"] if start else []
        return LightningCLI(
            Notes, Late, save_config_callback=None, args=["fit", f"--config={tmp_path / 'run.yaml'}", *more]
        )

    return run


@pytest.mark.parametrize("kind", LOADERS)
def test_command_line(command, tmp_path, kind):
    """Stopped in the midst of an epoch, and at the ends of epochs."""
    assert command(kind, epochs=2, every=7).model.seen == from_step(0, 2)
    for step in (7, 21):
        assert command(kind, epochs=3, start=tmp_path / f"step={step}.ckpt").model.seen == from_step(step)
    command(kind, epochs=2)
    for step in (15, 30):
        assert command(kind, epochs=3, start=tmp_path / f"step={step}.ckpt").model.seen == from_step(step)


@pytest.mark.parametrize("kind", ["in the process", "workers"])
def test_nothing_is_fetched_before(tmp_path, kind):
    """Rows of other batches are not even read."""
    trainer(tmp_path, [ResumeCallback()], every=7, epochs=1).fit(Notes(), datamodule=Late())
    asked = []

    class Noting(FlexibleBatchSampler):
        def __iter__(self):
            for batch in super().__iter__():
                asked.append([int(row) for row in batch])
                yield batch

    class Data(Late):
        def train_dataloader(self):
            made = make()
            state = {name: getattr(made, name) for name in ("batch_size", "leaky", "seed")}
            from rows import TABLE

            return LOADERS[kind](Noting(TABLE, **state))

    trainer(None, [ResumeCallback()], epochs=1).fit(Notes(), datamodule=Data(), ckpt_path=tmp_path / "step=7.ckpt")
    assert asked == EXPECTED[0][7:]


@pytest.mark.parametrize("callback", [ResumeCallback, None])
def test_a_named_sampler_that_was_replaced(tmp_path, callback):
    """The callable names the sampler of `setup`, and the loader has another one."""

    class Data(Late):
        def setup(self, stage):
            self.sampler = make()

    for epochs, start in ((1, None), (2, tmp_path / "step=7.ckpt")):
        data, model = Data(), Notes()
        chosen = callback() if callback else resume_callback(lambda data=data: data.sampler)
        trainer(tmp_path, [chosen], every=7, epochs=epochs).fit(model, datamodule=data, ckpt_path=start)
    assert model.seen == from_step(7, 2)


class Both(Notes):
    """Notes what it was fed from two loaders."""

    def training_step(self, batch, batch_idx):
        pair = [numbers(batch["long"]), numbers(batch["short"])]
        self.seen.setdefault(self.current_epoch, []).append(pair)
        return self.layer(batch["long"] / 1000).mean()


class Ends(Both):
    """As its parent, of which the short one may have ended."""

    def training_step(self, batch, batch_idx):
        pair = [None if rows is None else numbers(rows) for rows in (batch["long"], batch["short"])]
        self.seen.setdefault(self.current_epoch, []).append(pair)
        return self.layer(batch["long"] / 1000).mean()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("mode", ["max_size_cycle", "min_size"])
def test_several_samplers(tmp_path, workers, mode):
    """The shorter one is gone through more than once, and is carried on in its own epoch."""

    def run(start=None, **arguments):
        samplers = {"long": make(), "short": make(batch_size=100)}
        loaders = {
            name: DataLoader(Rows(), batch_sampler=sampler, num_workers=workers) for name, sampler in samplers.items()
        }
        model = Both()
        trainer(tmp_path, [ResumeCallback()], **arguments).fit(model, CombinedLoader(loaders, mode), ckpt_path=start)
        return [pair for epoch in sorted(model.seen) for pair in model.seen[epoch]]

    whole = run(every=1, epochs=2)
    assert len(whole) == {"max_size_cycle": 30, "min_size": 10}[mode]
    # With workers Lightning names the epoch after the first round was begun, so that the short one has it twice.
    exact = slice(0, 1 if mode == "max_size_cycle" and workers else 2)
    for step in (3, 7, 13, 15, 22) if mode == "max_size_cycle" else (2, 5, 8):
        resumed = run(tmp_path / f"step={step}.ckpt", every=1, epochs=2)
        assert [pair[exact] for pair in resumed] == [pair[exact] for pair in whole[step:]], step


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("fixed", [None, 4])
def test_dealt_batches(tmp_path, workers, fixed):
    def run(start=None, **arguments):
        model = Notes()
        loader = DataLoader(Rows(), batch_sampler=make_dealt(fixed_epoch=fixed), num_workers=workers)
        trainer(tmp_path, [ResumeCallback()], **arguments).fit(model, loader, ckpt_path=start)
        return model.seen

    expected = {epoch: make_dealt().epoch_batches(epoch if fixed is None else fixed).tolist() for epoch in range(3)}
    assert run(every=5, epochs=2) == {epoch: expected[epoch] for epoch in range(2)}
    for step in (5, 15, 20, 30):
        first, batch = divmod(step, TOTAL)
        whole = {epoch: expected[epoch][batch if epoch == first else 0 :] for epoch in range(first, 3)}
        assert run(tmp_path / f"step={step}.ckpt", every=5, epochs=3) == whole, step


class Validated(Notes):
    """Notes what it was validated with."""

    def __init__(self):
        super().__init__()
        self.validated = []

    def validation_step(self, batch, batch_idx):
        self.validated.append(numbers(batch))


@pytest.mark.parametrize("workers", [0, 2])
def test_validation_with_a_fixed_epoch(workers):
    """The sanity check, in the midst of an epoch, at its end: the same batches, and training has its own."""
    model, fixed = Validated(), make_dealt(fixed_epoch=0, num_batches=4)
    loaders = [DataLoader(Rows(), batch_sampler=sampler, num_workers=workers) for sampler in (make_dealt(), fixed)]
    trainer(None, epochs=2, val_check_interval=5, num_sanity_val_steps=4).fit(model, *loaders)
    assert model.validated == fixed.epoch_batches(0).tolist() * 7
    assert model.seen == {epoch: make_dealt().epoch_batches(epoch).tolist() for epoch in range(2)}


@pytest.mark.parametrize("chosen", [lambda data: ResumeCallback(), lambda data: resume_callback(lambda: data.sampler)])
@pytest.mark.parametrize("search", ["power", "binsearch"])
def test_batch_size_finder(tmp_path, monkeypatch, chosen, search):
    """The finder saves and restores a checkpoint around runs with samplers of other sizes; the run behind it is whole."""
    monkeypatch.chdir(tmp_path)

    class Validated(Notes):
        def validation_step(self, batch, batch_idx):
            pass

    class Data(Late):
        def val_dataloader(self):
            return DataLoader(Rows(), batch_size=50)

    data, model = Data(batch_size=2), Validated()
    run = trainer(None, [chosen(data)], epochs=1, limit_val_batches=1, limit_train_batches=9)
    found = Tuner(run).scale_batch_size(model, datamodule=data, mode=search, steps_per_trial=2, max_trials=3)
    assert data.batch_size == found
    model.seen.clear()
    run.fit(model, datamodule=data)
    assert model.seen == {0: globally(0, batch_size=found)[:9]}


def test_batch_size_finder_before_a_resumed_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer(tmp_path, [ResumeCallback()], every=7, epochs=1).fit(Notes(), datamodule=Late())
    data, model = Late(), Notes()
    run = trainer(None, [ResumeCallback()], epochs=2)
    Tuner(run).lr_find(model, datamodule=data, num_training=5, update_attr=False)
    model.seen.clear()
    run.fit(model, datamodule=data, ckpt_path=tmp_path / "step=7.ckpt")
    assert model.seen == from_step(7, 2)


def test_positions_that_reach_no_loader(tmp_path):
    trainer(tmp_path, [ResumeCallback()], every=7, epochs=1).fit(Notes(), datamodule=Late())
    start = tmp_path / "step=7.ckpt"
    for callback in (ResumeCallback(), resume_callback(lambda: None), resume_callback(make())):
        model = Notes()
        with pytest.raises(RuntimeError, match=r"position of 1 batch sampler.*draws from [01] of cascade_sampler"):
            trainer(None, [callback]).fit(model, DataLoader(Rows(), batch_size=32), ckpt_path=start)
        assert model.seen == {}
    two = {name: DataLoader(Rows(), batch_sampler=make()) for name in ("long", "short")}
    with pytest.raises(RuntimeError, match="draws from 2 of cascade_sampler"):
        trainer(None, [ResumeCallback()]).fit(Both(), CombinedLoader(two), ckpt_path=start)
    # What was refused is forgotten: the next run begins where it is told to.
    model = Notes()
    trainer(None, [ResumeCallback()], epochs=1).fit(model, datamodule=Late())
    assert model.seen == from_step(0, 1)


@pytest.mark.parametrize("kind", LOADERS)
def test_positions_of_another_table(tmp_path, kind):
    trainer(tmp_path, [ResumeCallback()], every=7, epochs=1).fit(Notes(), datamodule=Late(leaky=0.5))
    model = Notes()
    with pytest.raises(ValueError, match=r"they differ in leaky \(state: 0.5, here: 0.2\)"):
        trainer(None, [ResumeCallback()]).fit(model, datamodule=Late(kind), ckpt_path=tmp_path / "step=7.ckpt")
    assert model.seen == {}


def test_checkpoints_of_either_callback_serve_the_other(tmp_path):
    sampler = make()
    trainer(tmp_path / "named", [resume_callback(sampler)], every=7, epochs=1).fit(
        Notes(), DataLoader(Rows(), batch_sampler=sampler)
    )
    trainer(tmp_path / "found", [ResumeCallback()], every=7, epochs=1).fit(Notes(), datamodule=Late())
    for folder, callback in (("named", ResumeCallback()), ("found", resume_callback(lambda: None))):
        model = Notes()
        trainer(None, [callback], epochs=2).fit(model, datamodule=Late(), ckpt_path=tmp_path / folder / "step=7.ckpt")
        assert model.seen == from_step(7, 2)


def test_a_checkpoint_that_is_validated_or_tested_with(tmp_path):
    """Nothing is resumed where nothing is trained."""

    class Tested(Notes):
        def test_step(self, batch, batch_idx):
            self.seen.setdefault("test", []).append(numbers(batch))

    class Data(Late):
        def test_dataloader(self):
            return self.train_dataloader()

    trainer(tmp_path, [ResumeCallback()], every=7, epochs=1).fit(Notes(), datamodule=Late())
    model = Tested()
    trainer(None, [ResumeCallback()]).test(model, datamodule=Data(), ckpt_path=tmp_path / "step=7.ckpt")
    assert model.seen["test"] == EXPECTED[0]


@pytest.mark.parametrize("batches", [5, 15])
def test_a_sampler_that_is_gone_through_more_than_once_is_warned_of(batches, recwarn):
    loaders = {
        "long": DataLoader(Rows(), batch_sampler=make()),
        "short": DataLoader(Rows(), batch_sampler=make(batch_size=100, num_batches=batches)),
    }
    model = Both()
    trainer(None, [ResumeCallback()], epochs=3).fit(model, CombinedLoader(loaders, "max_size_cycle"))
    said = [str(warning.message) for warning in recwarn if "num_batches=15" in str(warning.message)]
    assert len(said) == (batches == 5)
    short = [tuple(pair[1]) for epoch in range(3) for pair in model.seen[epoch]]
    # With as many batches as the other, no batch comes twice.
    assert (len(set(short)) == len(short)) == (batches == 15)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sampler_that_ends_before_the_other(tmp_path, workers):
    def run(start=None, **arguments):
        samplers = {"long": make(), "short": make(batch_size=100)}
        loaders = {
            name: DataLoader(Rows(), batch_sampler=sampler, num_workers=workers) for name, sampler in samplers.items()
        }
        model = Ends()
        with pytest.warns(UserWarning, match=r"from then on .mode \"max_size\".*num_batches=15"):
            trainer(tmp_path, [ResumeCallback()], **arguments).fit(
                model, CombinedLoader(loaders, "max_size"), ckpt_path=start
            )
        return [pair for epoch in sorted(model.seen) for pair in model.seen[epoch]]

    whole = run(every=1, epochs=2)
    assert [pair[1] is None for pair in whole] == ([False] * 5 + [True] * 10) * 2
    for step in (1, 4, 15, 16):
        assert run(tmp_path / f"step={step}.ckpt", every=1, epochs=2) == whole[step:], step
    # Behind its end the longer one is exact, and so is the next epoch.
    late = run(tmp_path / "step=7.ckpt", every=1, epochs=2)
    assert [pair[0] for pair in late] == [pair[0] for pair in whole[7:]]
    assert late[8:] == whole[15:]


def test_a_loader_without_a_sampler_is_warned_of():
    with pytest.warns(UserWarning, match="finds no batch sampler of cascade_sampler in the training loader"):
        trainer(None, [ResumeCallback()], epochs=1).fit(Notes(), DataLoader(Rows(), batch_size=100))
    # Lightning puts a sequential sampler in the place of this one, and feeds one row a step.
    whole = DataLoader(torch.arange(float(ROWS)).reshape(-1, 1), sampler=make(), batch_size=None)
    with pytest.warns(UserWarning, match=r"overfit_batches=\.\.\.\) replaces it"):
        trainer(None, [ResumeCallback()], epochs=1, overfit_batches=2).fit(Notes(), whole)


def test_the_class_itself(monkeypatch):
    assert issubclass(ResumeCallback, Callback)
    assert ResumeCallback.__module__ == "cascade_sampler.lightning"
    assert importlib.import_module(ResumeCallback.__module__).ResumeCallback is ResumeCallback
    Trainer(callbacks=[ResumeCallback()], accelerator="cpu", logger=False, enable_checkpointing=False)
    program = (
        "import sys; sys.modules['lightning'] = None\n"
        "import cascade_sampler.lightning as module\n"
        "try:\n    from cascade_sampler.lightning import ResumeCallback\n"
        "except ImportError as error:\n    assert 'pip install lightning' in str(error), error\n"
        "else:\n    raise SystemExit('imported')\n"
        "try:\n    module.nothing\n"
        "except AttributeError:\n    pass\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
