"""The file of an index: labels with their types, other processes, and files that are not what they were."""

from __future__ import annotations

import datetime
import decimal
import fractions
import json
import math
import multiprocessing
import pathlib
import pickle
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from cascade_sampler import CascadeSampler, FlexibleBatchSampler, Index, _core
from cascade_sampler._index.labels import packed, told, unpacked
from cascade_sampler._tables.kinds import identity
from encoding import digest

ROWS = 120
TABLE: dict[str, Any] = {
    "plate": np.repeat(["a", "b", "c"], [60, 40, 20]),
    "dose": np.tile([0, 1, 10], 40),
    "hours": np.arange(ROWS) % 7 / 2,
}
KEYS = {"experiment_key": "plate", "condition_key": "dose", "time_key": "hours"}
ANSWERS = Path(__file__).parents[1] / "known_answers"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Index(TABLE, **KEYS).save(tmp_path / "cells.index")
    return tmp_path / "cells.index"


LABELS = [
    "a", "", "é\0\ud800", '"quoted"', 0, -1, 2**70, True, False, 0.5, 1.0, -0.0, 1e300, math.inf, -math.inf,
    np.float32(0.1), np.float16(0.1), b"\x00\xff", ("a", 1), ("a", ("b", 2.0)), (),
    datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, 3, 4, 5, 6),
    datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    datetime.timedelta(days=-1, microseconds=5), datetime.time(3, 4), np.datetime64("2020-01-02T03:04:05.123456789"),
    np.datetime64("2020", "Y"), np.timedelta64(5, "h"), np.timedelta64(3, "ns"),
    decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=5), pathlib.PurePosixPath("a/b"),
    pathlib.PureWindowsPath("a/b"),
]  # fmt: skip


@pytest.mark.parametrize("label", LABELS, ids=repr)
def test_a_label_comes_back_as_what_it_was(label):
    again = unpacked(json.loads(json.dumps(packed(label), allow_nan=False)))
    assert identity(again) == identity(label)
    assert type(again) is type(label)


@given(st.recursive(st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.binary(),
                    lambda inner: st.lists(inner, max_size=3).map(tuple)))  # fmt: skip
def test_any_label_of_plain_types_comes_back(label):
    again = unpacked(json.loads(json.dumps(packed(label), allow_nan=False)))
    assert again == label
    assert type(again) is type(label)


EQUAL = [
    [1, 1.0, True, np.float32(1), decimal.Decimal("1.00"), fractions.Fraction(2, 2)],
    [datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2), np.datetime64("2020-01-02"), pd.Timestamp("2020-01-02")],
    [datetime.timedelta(hours=1), np.timedelta64(60, "m"), pd.Timedelta(hours=1)],
    [("a", 1), ("a", 1.0)],
    ["1"], [b"1"], [("1",)], [(("1",),)], [datetime.timedelta(0)], [0, 0.0, -0.0, False], [math.inf], [-math.inf],
    [decimal.Decimal("1e999999999")], [decimal.Decimal("0.1")], [0.1], [uuid.UUID(int=1)], [pathlib.PurePosixPath("1")],
]  # fmt: skip


def test_a_fingerprint_goes_by_what_labels_are_and_not_by_their_types():
    found = [{json.dumps(told(label)) for label in same} for same in EQUAL]
    assert all(len(one) == 1 for one in found)
    assert len(set().union(*found)) == len(EQUAL)


@pytest.mark.parametrize("moment", [pd.Timestamp("2020-01-02T03:04:05.123456789"), pd.Timestamp(5, tz="Europe/Paris")])
def test_moments_of_pandas_are_kept_as_the_same_moment_or_refused(moment):
    try:
        assert identity(unpacked(packed(moment))) == identity(moment)
    except ValueError as error:
        # Python's own moments end at microseconds, and numpy's have no zones.
        assert moment.tzinfo is not None
        assert "cannot be kept" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"a": 1, "b": 2}, {"complex": "1"}, {"bytes": "zz"}, {"datetime": 3}, {"datetime64": [1, "Y"]},
     {"datetime64": [2**99, "ns", 1]}, {"timedelta64": [1, "M", 1]}, {"tuple": "ab"}, {"tuple": [None]},
     {"decimal": "x"}, {"fraction": "1/0"}, {"uuid": 7}, {"timedelta": [1e400, 0, 0]}, {"float32": []}],
)  # fmt: skip
def test_what_is_no_label_is_an_error(value):
    with pytest.raises(ValueError, match="is no"):
        unpacked(value)


def test_a_label_that_cannot_be_kept_is_named_when_the_index_is_saved(tmp_path):
    whole = Index({"month": pd.period_range("2020-01", periods=3, freq="M")}, experiment_key="month")
    assert len(CascadeSampler(whole, 1)) == 3
    with pytest.raises(ValueError, match=r"the label '?2020-01'? of type pandas\..*Period cannot be kept in a file"):
        whole.save(tmp_path / "i")
    assert not any(tmp_path.iterdir())


def test_a_file_is_opened_as_it_was_saved(path):
    whole = Index(TABLE, **KEYS)
    for how in ({}, {"verify": True}, {"copy": True}):
        found = Index.open(path, **how)
        assert found == whole and hash(found) == hash(whole)
        assert (found.experiments, found.conditions, found.time_key) == (("a", "b", "c"), (0, 1, 10), "hours")
        assert repr(found).endswith(f"opened from {str(path)!r})")
        found.save(path)
    assert Index.open(path).nbytes < Index.open(path, copy=True).nbytes
    with pytest.raises(TypeError, match="verify must be True or False, got 1"):
        Index.open(path, verify=1)  # type: ignore[arg-type]


def test_a_state_needs_no_pass_over_the_rows_of_a_file(path, monkeypatch):
    from cascade_sampler._index import digests

    expected = FlexibleBatchSampler(TABLE, 10, **KEYS).state_dict()
    monkeypatch.setattr(
        digests, "digest", lambda values: pytest.fail("rows are passed over") if len(values) == ROWS else ""
    )
    for sampler in (FlexibleBatchSampler(Index.open(path), 10), CascadeSampler(Index.open(path), 10)):
        found = pickle.loads(pickle.dumps(sampler)).state_dict()["fingerprint"]
        assert all(found[name] == expected["fingerprint"][name] for name in ("experiments", "conditions"))
    assert Index.open(path).fingerprint


def test_pickled_is_the_path(path):
    whole = Index.open(path)
    samplers = [CascadeSampler(whole, 10), FlexibleBatchSampler(whole, 10, leaky=0.2)]
    for one in (whole, *samplers):
        assert len(pickle.dumps(one)) < 10_000
    for sampler in samplers:
        again = pickle.loads(pickle.dumps(sampler))
        assert again.epoch_batches().tolist() == sampler.epoch_batches().tolist()
        assert again.index == sampler.index
    assert pickle.loads(pickle.dumps(whole.without("time_key"))) == whole.without("time_key")


def test_a_file_that_is_another_meanwhile_is_an_error_on_the_other_side(path):
    pickled = pickle.dumps(CascadeSampler(Index.open(path), 10))
    held = Index.open(path)
    Index({**TABLE, "dose": TABLE["dose"] + 1}, **KEYS).save(path)
    with pytest.raises(ValueError, match=r"cells\.index"):
        pickle.loads(pickled)
    # What was mapped stays.
    assert CascadeSampler(held, 10).epoch_batches().shape == (12, 10)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"cells\.index"):
        pickle.loads(pickled)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_that_are_spawned_open_it_themselves(path, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not a start method of this system")
    sampler = CascadeSampler(Index.open(path), 10)
    loader = DataLoader(
        TensorDataset(torch.arange(ROWS)), batch_sampler=sampler, num_workers=1, multiprocessing_context=method
    )
    assert [batch.tolist() for (batch,) in loader] == sampler.epoch_batches(0).tolist()


def open_of(whole: Index, path: Path, **changed: str | None) -> None:
    """Write the index with other metadata, and open it."""
    from cascade_sampler._index import metadata

    texts = metadata.written(whole._core, whole._facts)
    for name, text in changed.items():
        texts.pop(name) if text is None else texts.update({name: text})
    whole._core.save(str(path), texts)
    Index.open(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, None) for name in ("missing", "left_out", "digests", "experiment_key", "experiments", "time_key")),
        *((name, "[" * 100_000) for name in ("missing", "conditions", "digests")),
        *((name, "{") for name in ("missing", "left_out", "digests", "condition_key", "experiments")),
        ("missing", '"drop"'), ("left_out", '{"a": -1}'), ("left_out", "[]"), ("digests", "{}"),
        ("digests", '{"experiments": 3}'), ("digests", "[]"), ("experiments", '["a","b"]'), ("experiments", '"abc"'),
        ("experiments", '["a","b",null]'), ("experiment_key", "[]"), ("experiment_key", "null"), ("time_key", "null"),
        ("conditions", "[" + "1" * 5000 + ",1,2]"),
    ],
)  # fmt: skip
def test_metadata_that_is_not_what_was_written_is_an_error(tmp_path, name, text):
    with pytest.raises(ValueError, match="metadata of the index file is damaged"):
        open_of(Index(TABLE, **KEYS), tmp_path / "i", **{name: text})


def test_a_file_that_another_program_wrote_without_labels_is_refused(tmp_path):
    Index(TABLE, **KEYS)._core.save(str(tmp_path / "i"), {})
    with pytest.raises(ValueError, match="Python did not write it"):
        Index.open(tmp_path / "i")


@pytest.mark.parametrize("content", [b"", b"PAR1" * 20, b"\xff" * 200, b"\x02" + bytes(7) + b"{}"])
def test_a_file_that_is_none_of_an_index(tmp_path, content):
    (tmp_path / "i").write_bytes(content)
    with pytest.raises(_core.IndexFileError, match="i"):
        Index.open(tmp_path / "i")


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Index.open(tmp_path / "nowhere")
    with pytest.raises(OSError, match="nowhere"):
        Index(TABLE).save(tmp_path / "nowhere" / "i")
    with pytest.raises(TypeError):
        Index.open(3)  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_opening_takes_no_memory_of_its_own(tmp_path):
    rows = 4_000_000
    path = tmp_path / "i"
    Index({"e": np.arange(rows) % 20}, experiment_key="e").save(path)
    program = f"""
        import gc
        from cascade_sampler import CascadeSampler, Index

        def private():
            lines = open("/proc/self/smaps_rollup").read().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Private_Clean")))

        def work():
            sampler = CascadeSampler(Index.open({str(path)!r}), 256)
            return sampler, sampler.batch(0), sampler.state_dict()

        work()
        gc.collect()
        before = private()
        kept = work()
        print(private() - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    # The list alone is 16 MB. What a batch touches is counted as this process's own as long as no other maps the file.
    assert int(done.stdout) < 4_000


def test_an_index_that_python_wrote_long_ago(tmp_path):
    known = json.loads((ANSWERS / "index.json").read_text())
    index = Index.open(ANSWERS / "index.safetensors", verify=True)
    assert (index.rows, index.kept, index.fingerprint) == (known["rows"], known["kept"], known["fingerprint"])
    for name, make in (("drawn", FlexibleBatchSampler), ("dealt", CascadeSampler)):
        batches = make(index, **known[name]["arguments"]).epoch_batches(1)
        assert batches[0].tolist() == known[name]["first"]
        assert (len(batches), digest(batches.ravel())) == (known[name]["batches"], known[name]["digest"])
    # And as it is written today.
    index.save(tmp_path / "i")
    assert (tmp_path / "i").read_bytes() == (ANSWERS / "index.safetensors").read_bytes()
