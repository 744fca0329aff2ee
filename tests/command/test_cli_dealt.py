"""The command with --dealt."""

from __future__ import annotations

import json

import numpy as np
import pandas
import pytest

from cascade_sampler import CascadeSampler
from test_cli import run

FRAME = pandas.DataFrame(
    {
        "experiment": np.arange(3000) % 7 % 4,
        "condition": np.array(["control", "a", "b", "c"])[np.arange(3000) // 7 % 4],
        "hours": np.arange(3000) // 100 * 0.5,
    }
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("dealt") / "table.parquet"
    FRAME.to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ([], {"experiment_key": "experiment", "condition_key": "condition"}),
        (["--no-experiment-aware", "--no-condition-balanced"], {}),
        (
            ["--temporal-enrichment", "--time-key", "hours", "--no-condition-balanced"],
            {"experiment_key": "experiment", "time_key": "hours"},
        ),
        (
            ["--conditions-per-batch", 2, "--always", "control", "--run-length", 4, "--batches-per-experiment", 2,
             "--experiment-weights", "sqrt", "--leaky", 0.1],
            {"experiment_key": "experiment", "condition_key": "condition", "conditions_per_batch": 2,
             "always": ["control"], "run_length": 4, "batches_per_experiment": 2, "experiment_weights": "sqrt",
             "leaky": 0.1},
        ),
        (
            ["--experiment-weights", "0=2", "--experiment-weights", "1=1"],
            {"experiment_key": "experiment", "condition_key": "condition", "experiment_weights": {0: 2.0, 1: 1.0}},
        ),
    ],
)  # fmt: skip
def test_dealt_batches_are_those_of_the_class(path, options, arguments):
    sampler = CascadeSampler(FRAME, 40, seed=3, **arguments)
    options = ["--dealt", "--batch-size", 40, "--seed", 3, *options]
    out = path.parent / "epoch.npy"
    done = run("batches", path, *options, "--epoch", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(out), sampler.epoch_batches(1))
    counted = json.loads(run("audit", path, *options, "--batches", 5, "--json", "-").stdout)
    wanted = json.loads(json.dumps(sampler.audit(batches=5).to_dict()))
    assert counted == wanted and counted["batches"] == 5


def test_dealt_seats_are_told(path):
    done = run("audit", path, "--dealt", "--batch-size", 40)
    assert "of the seats were dealt" in " ".join(done.stdout.split())
    assert "<dt>seats dealt, not drawn</dt>" in run("audit", path, "--dealt", "--batch-size", 40, "--html", "-").stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--run-length", 4], "--run-length is for dealt batches: give --dealt too"),
        (["--always", "control"], "--always is for dealt batches"),
        (["--experiment-weights", "sqrt"], "--experiment-weights sqrt is for dealt batches"),
        (["--dealt", "--no-drop-last"], "--no-drop-last is without --dealt only"),
        (["--dealt", "--run-length", 0], "--run-length must be at least 1"),
        (["--dealt", "--always", "nobody"], "--always names 'nobody'"),
        (["--batches", 0], "--batches must be at least 1"),
    ],
)
def test_options_that_do_not_go_together(path, options, message):
    done = run("audit", path, "--batch-size", 40, *options)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_fixed_epoch(path):
    options = ["--dealt", "--fixed-epoch", 5, "--batch-size", 40]
    out = path.parent / "fixed.npy"
    keys = {"experiment_key": "experiment", "condition_key": "condition"}
    expected = CascadeSampler(FRAME, 40, fixed_epoch=5, **keys)
    done = run("batches", path, *options, "--out", out)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(out), expected.epoch_batches(5))
    counted = json.loads(run("audit", path, *options, "--json", "-").stdout)
    assert counted == json.loads(json.dumps(expected.audit().to_dict()))
    for more in (["--epoch", 4, "--out", out], ["--epochs", 2]):
        done = run("audit" if "--epochs" in more else "batches", path, *options, *more)
        assert done.returncode == 2 and "--fixed-epoch" in done.stderr and str(more[0]) in done.stderr
    done = run("batches", path, "--fixed-epoch", 5, "--out", out)
    assert done.returncode == 2 and "--fixed-epoch is for dealt batches: give --dealt too" in done.stderr
