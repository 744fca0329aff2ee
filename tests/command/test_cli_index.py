"""The command over an index: making one, and taking one where a table is taken."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cascade_sampler import CascadeSampler, FlexibleBatchSampler, Index
from test_cli import FRAME, run

KEYS = ["--experiment-key", "plate", "--condition-key", "condition", "--time-key", "hours"]
LIBRARY = {"experiment_key": "plate", "condition_key": "condition", "time_key": "hours"}


def told(*arguments, **options):
    done = run(*arguments, **options)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def made(tmp_path):
    """An index under a name that tells nothing."""
    FRAME[:900].to_parquet(tmp_path / "0.parquet")
    FRAME[900:].to_parquet(tmp_path / "1.parquet")
    path = tmp_path / "cells.csv"
    code, said, wrong = told("index", tmp_path / "0.parquet", tmp_path / "1.parquet", *KEYS, "--out", path)
    assert (code, wrong) == (0, "")
    assert said.startswith(f"{path}: ")
    assert "2000 rows" in said or "2,000 rows" in said
    return path


def to_file(tmp_path, *arguments):
    code, _, wrong = told("batches", *arguments, "--out", tmp_path / "out.npy")
    assert code == 0, wrong
    return np.load(tmp_path / "out.npy").tolist()


def test_the_index_is_that_of_the_table(made):
    assert Index.open(made) == Index(FRAME, **LIBRARY)


def test_of_a_csv_and_of_arrow(tmp_path, made):
    FRAME.to_csv(tmp_path / "table.csv", index=False)
    code, _, wrong = told("index", tmp_path / "table.csv", *KEYS, "--out", tmp_path / "i")
    assert code == 0, wrong
    assert Index.open(tmp_path / "i") == Index.open(made)
    content = io.BytesIO()
    with pa.ipc.new_stream(content, pa.Table.from_pandas(FRAME).schema) as writer:
        writer.write_table(pa.Table.from_pandas(FRAME))
    code, _, wrong = told("index", "-", "--format", "arrow", *KEYS, "--out", tmp_path / "j", stdin=content.getvalue())
    assert code == 0, wrong
    assert Index.open(tmp_path / "j") == Index.open(made)


def test_batches_over_an_index(tmp_path, made):
    drawn = FlexibleBatchSampler(FRAME, 32, leaky=0.2, experiment_key="plate")
    assert to_file(tmp_path, made, "--batch-size", 32, "--leaky", 0.2) == drawn.epoch_batches(0).tolist()
    dealt = CascadeSampler(FRAME, 32, experiment_key="plate", condition_key="condition", condition_ratio={"x": 3.0})
    options = ["--batch-size", 32, "--dealt", "--condition-ratio", "x=3"]
    assert to_file(tmp_path, made, *options) == dealt.epoch_batches(0).tolist()
    timed = CascadeSampler(FRAME, 32, **LIBRARY)
    options = ["--batch-size", 32, "--dealt", "--temporal-enrichment"]
    assert to_file(tmp_path, made, *options) == timed.epoch_batches(0).tolist()
    # From the standard input it is an index too.
    code, _, wrong = told("batches", "-", "--out", tmp_path / "o.npy", stdin=made.read_bytes())
    assert code == 0, wrong


def test_audit_of_an_index(tmp_path, made):
    code, _, wrong = told("audit", made, "--json", tmp_path / "a.json", "--experiment-weights", "p=1")
    assert code == 0, wrong
    assert json.loads((tmp_path / "a.json").read_text())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--experiment-key", "experiment2"],
            "experiment_key|--experiment-key experiment2 is given, and the index was built",
        ),
        (["--no-experiment-aware"], "--no-experiment-aware does not go with this index"),
        (["--missing", "exclude"], "--missing exclude is given, and the index was built with --missing error"),
    ],
)
def test_options_that_the_index_does_not_have(made, options, said):
    code, _, wrong = told("audit", made, *options)
    assert code == 2
    assert any(one in wrong for one in said.split("|")), wrong


def test_an_index_without_times(tmp_path):
    pq.write_table(pa.Table.from_pandas(FRAME), tmp_path / "t.parquet")
    assert told("index", tmp_path / "t.parquet", "--experiment-key", "plate", "--out", tmp_path / "i")[0] == 0
    for options in (["--dealt", "--temporal-enrichment"], ["--temporal-enrichment", "--no-condition-balanced"]):
        code, _, wrong = told("audit", tmp_path / "i", *options)
        assert code == 2
        assert "--temporal-enrichment needs --time-key" in wrong


def test_what_is_no_table_or_more_than_one_index(tmp_path, made):
    assert "must be the only file" in told("audit", made, made)[2]
    assert "is an index already" in told("index", made, "--out", tmp_path / "i")[2]
    assert "would overwrite what is read" in told("index", tmp_path / "0.parquet", "--out", tmp_path / "0.parquet")[2]
    made.write_bytes(made.read_bytes()[:-100])
    code, _, wrong = told("audit", made)
    assert code == 2
    assert "cells.csv" in wrong
    code, _, wrong = told("index", tmp_path / "0.parquet", "--experiment-key", "plat", "--out", tmp_path / "i")
    assert (code, "the nearest is 'plate'" in wrong) == (2, True)
