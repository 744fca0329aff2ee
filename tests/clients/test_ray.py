"""Ray Train: two workers, and a checkpoint of theirs carried on by one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import ray
from ray.train import Checkpoint, CheckpointConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from torch.utils.data import DataLoader

from rows import Rows, globally, make, numbers

EPOCHS = 2
SAVED_AT = 5


def work(config):
    """Make the sampler here, in the worker, where the group is."""
    sampler = make(num_replicas=None, rank=None)
    sampler.check_ranks()
    if config["start"]:
        sampler.load_state_dict(json.loads(Path(config["start"]).read_text()))
    loader = DataLoader(Rows(), batch_sampler=sampler)
    folder = Path(config["folder"])
    seen = {}
    for epoch in range(sampler.epoch, EPOCHS):
        sampler.set_epoch(epoch)
        seen[epoch] = []
        for batch in loader:
            seen[epoch].append(numbers(batch))
            if epoch == 0 and len(seen[0]) == SAVED_AT and not config["start"]:
                saved = folder / f"checkpoint{sampler.rank}"
                saved.mkdir()
                (saved / "sampler.json").write_text(json.dumps(sampler.state_dict()))
                ray.train.report({}, checkpoint=Checkpoint.from_directory(saved) if sampler.rank == 0 else None)
    (folder / f"rank{sampler.rank}.json").write_text(json.dumps(seen))


@pytest.fixture(scope="module", autouse=True)
def cluster():
    here = str(Path(__file__).parent)
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": here}})
    ray_modules = sys.modules[__name__], sys.modules["rows"]
    for module in ray_modules:
        ray.cloudpickle.register_pickle_by_value(module)
    yield
    ray.shutdown()


def run(folder, workers, start=None):
    folder.mkdir()
    trainer = TorchTrainer(
        work,
        train_loop_config={"folder": str(folder), "start": start and str(start)},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=False),
        run_config=RunConfig(storage_path=str(folder), name="run", checkpoint_config=CheckpointConfig(num_to_keep=1)),
    )
    result = trainer.fit()
    assert result.error is None
    told = [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(workers)]
    return told, result.checkpoint


def test_two_workers_and_their_checkpoint_on_one(tmp_path):
    told, checkpoint = run(tmp_path / "two", 2)
    for epoch in range(EPOCHS):
        assert [rank[str(epoch)] for rank in told] == [globally(epoch)[rank::2] for rank in range(2)]
    with checkpoint.as_directory() as folder:
        start = Path(folder) / "sampler.json"
        (told,), _ = run(tmp_path / "one", 1, start)
    assert told == {"0": globally(0)[2 * SAVED_AT : 15], "1": globally(1)[:15]}
