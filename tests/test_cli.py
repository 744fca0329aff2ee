"""The command: in this process where that tells the same, and as a process of its own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas
import pytest

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._command.main import main

ENDS = [".csv", ".csv.gz", ".parquet", ".arrow", ".feather"]
random = np.random.default_rng(0)
FRAME = pandas.DataFrame(
    {
        "experiment": random.integers(0, 4, 2000),
        "condition": random.choice(["x", "y=1"], 2000),
        "plate": random.choice(["p", "q"], 2000),
        "hours": random.integers(0, 40, 2000) / 2,
        "unused": [object.__name__] * 2000,
    }
)


def run(*arguments, stdin=b""):
    """Run the command here, which spares importing torch each time."""
    streams = [io.TextIOWrapper(io.BytesIO(content), "utf-8") for content in (stdin, b"", b"")]
    kept = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        with pytest.raises(SystemExit) as left:
            main(list(map(str, arguments)))
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    written = []
    for stream in streams[1:]:
        stream.flush()
        written.append(stream.buffer.getvalue())
    return SimpleNamespace(
        returncode=left.value.code, raw=written[0], stdout=written[0].decode(), stderr=written[1].decode()
    )


def process(*arguments, **options):
    """Run the command as a process."""
    return subprocess.run(
        [sys.executable, "-m", "cascade_sampler", *map(str, arguments)],
        **{"capture_output": True, "text": True, **options},
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def written(folder, end):
    path = folder / f"table{end}"
    if not path.exists():
        if end.startswith(".csv"):
            FRAME.to_csv(path, index=False)
        elif end == ".parquet":
            FRAME.to_parquet(path)
        else:
            FRAME.to_feather(path)
    return path


@pytest.mark.parametrize("end", ENDS)
def test_audit_of_each_kind_of_file(folder, end):
    done = run("audit", written(folder, end), "--leaky", 0.2, "--seed", 3, "--epochs", 2, "--json", "-", "--typed")
    assert done.returncode == 0, done.stderr
    sampler = FlexibleBatchSampler(FRAME, leaky=0.2, seed=3)
    assert json.loads(done.stdout) == json.loads(json.dumps(sampler.audit(2).to_dict()))


@pytest.mark.parametrize("end", ENDS)
def test_batches_of_each_kind_of_file(folder, end):
    out = folder / "epoch.rows"
    done = run("batches", written(folder, end), "--epoch", 2, "--out", out, "--index-dtype", "int32", "--typed")
    assert done.returncode == 0 and not done.stdout, done.stderr
    found = np.load(out)
    assert found.dtype == np.int32
    assert np.array_equal(found, FlexibleBatchSampler(FRAME).epoch_batches(2))


def test_every_option(folder):
    out = folder / "all.npy"
    done = run(
        "batches", written(folder, ".parquet"), "--batch-size", 64, "--experiment-key", "experiment", "--experiment-key",
        "plate", "--experiment-weights", "1|p=2", "--experiment-weights", "3|q=1", "--condition-ratio", "y=1=3",
        "--leaky", 0.25, "--seed", 9, "--num-batches", 20, "--temporal-enrichment", "--temporal-window-hours", 3,
        "--temporal-global-fraction", 0.5, "--time-key", "hours", "--missing", "exclude", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sampler = FlexibleBatchSampler(
        FRAME,
        64,
        experiment_key=["experiment", "plate"],
        experiment_weights={(1, "p"): 2.0, (3, "q"): 1.0},
        condition_ratio={"y=1": 3.0},
        leaky=0.25,
        seed=9,
        num_batches=20,
        temporal_enrichment=True,
        temporal_window_hours=3.0,
        temporal_global_fraction=0.5,
        time_key="hours",
    )
    assert np.array_equal(np.load(out), sampler.epoch_batches(0))


def test_without_keys(folder):
    out = folder / "plain.npy"
    off = ("--no-experiment-aware", "--no-condition-balanced")
    assert run("batches", written(folder, ".csv"), *off, "--out", out).returncode == 0
    sampler = FlexibleBatchSampler(FRAME, experiment_aware=False, condition_balanced=False)
    assert np.array_equal(np.load(out), sampler.epoch_batches(0))


def test_strict_and_the_text(folder):
    path = written(folder, ".parquet")
    found = run("audit", path, "--strict", "--leaky", 0.001)
    assert found.returncode == 1 and "leaks nothing" in found.stdout
    assert run("audit", path, "--leaky", 0.001).returncode == 0
    clean = run("audit", path, "--strict", "--leaky", 0.1, "--batch-size", 40)
    assert clean.returncode == 0, clean.stdout
    assert clean.stdout.rstrip() == str(FlexibleBatchSampler(FRAME, 40, leaky=0.1).audit())
    assert not clean.stderr


def test_only_the_columns_that_are_needed(folder):
    """A type that the sampler would refuse is never looked at."""
    import pyarrow
    import pyarrow.parquet

    path = folder / "odd.parquet"
    columns = {"experiment": ["a", "b"] * 50, "condition": ["x"] * 100, "image": [b"\xff" * 10] * 100}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    content = path.read_bytes()
    # Ruin the image column's page: reading it would fail.
    chunk = pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(2)
    start, size = chunk.dictionary_page_offset, chunk.total_compressed_size
    path.write_bytes(content[:start] + b"\x00" * size + content[start + size :])
    with pytest.raises(Exception, match=r".+"):
        pyarrow.parquet.read_table(path)
    assert run("audit", path, "--batch-size", 10).returncode == 0


def test_help():
    for command in ([], ["audit"], ["batches"]):
        assert run(*command, "--help").returncode == 0
    assert run("--version").stdout.startswith("cascade-sampler")


@pytest.fixture
def bad(folder):
    (folder / "empty.csv").write_text("")
    (folder / "text.parquet").write_text("no parquet")
    (folder / "text.csv.gz").write_text("no gzip")
    (folder / "text.arrow").write_text("no arrow")
    (folder / "table.xlsx").write_text("")
    (folder / "ragged.csv").write_text("experiment,condition\na,b\na,b,c\n")
    (folder / "header.csv").write_text("experiment,condition\n")
    (folder / "gaps.csv").write_text("experiment,condition\na,x\n,x\n")
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["audit", "{}/none.csv"], "does not exist"),
        (["audit", "{}"], "is a directory"),
        (["audit", "{}/empty.csv"], "[Ee]mpty"),
        (["audit", "{}/text.parquet"], "[Pp]arquet"),
        (["audit", "{}/text.csv.gz"], "gz|zlib"),
        (["audit", "{}/text.arrow"], "[Aa]rrow|IPC"),
        (["audit", "{}/table.xlsx"], "the end of the name must be one of .parquet"),
        (["audit", "{}/ragged.csv"], "Expected 2 columns, got 3"),
        (["audit", "{}/header.csv"], "no rows"),
        (["audit", "{}/gaps.csv"], "1 rows without a label"),
        (["audit", "{}/table.csv", "--experiment-key", "plat"], "--experiment-key: the file has no column 'plat'; its"),
        (["audit", "{}/table.csv", "--leaky", "2"], "leaky must be a fraction"),
        (["audit", "{}/table.csv", "--leaky", "x"], "'--leaky': 'x' is not a valid float"),
        (["audit", "{}/table.csv", "--batch-size", "0"], "batch_size must be at least 1"),
        (["audit", "{}/table.csv", "--epochs", "0"], "epochs must be at least 1"),
        (["audit", "{}/table.csv", "--epoch", "-1"], "epoch must be at least 0"),
        (["audit", "{}/table.csv", "--experiment-weights", "9=1"], "experiment_weights names '9', without rows"),
        (["audit", "{}/table.csv", "--experiment-weights", "1"], "must be LABEL=NUMBER"),
        (["audit", "{}/table.csv", "--condition-ratio", "x=-1"], "must be finite and not negative"),
        (["audit", "{}/table.csv", "--missing", "drop"], "'drop' is not one of"),
        (["audit", "{}/table.csv", "--json", "{}/none/a.json"], "No such file"),
        (["audit", "{}/table.csv", "--temporal-enrichment", "--time-key", "plate"], "time"),
        (["batches", "{}/table.csv"], "Missing option '--out'"),
        (["batches", "{}/table.csv", "--out", "{}/none/a.npy"], "No such file"),
        (["batches", "{}/table.csv", "--out", "{}/a.npy", "--no-drop-last"], "no array of one shape"),
        (["nonsense"], "No such command"),
        (["audit"], "Missing argument 'FILE'"),
        (["audit", "{}/table.csv", "--nonsense"], "No such option"),
    ],
)
def test_bad_input_is_one_line(bad, arguments, message):
    import re

    written(bad, ".csv")
    done = run(*[argument.replace("{}", str(bad)) for argument in arguments])
    assert done.returncode == 2, done.stdout
    assert not done.stdout
    assert done.stderr.startswith("cascade-sampler: ") and done.stderr.count("\n") == 1, done.stderr
    assert re.search(message, done.stderr), done.stderr
