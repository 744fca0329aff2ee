"""Where every seat came from, against the specification on drawn tables."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_sampler import FlexibleBatchSampler
from oracle_origins import Explaining
from strategies import cases, refused

TABLE = {"experiment": ["a"] * 6 + ["b"] * 4 + ["c"] * 2, "condition": ["x", "y"] * 6, "t": np.arange(12.0)}


def explaining(oracle):
    return Explaining(**{field.name: getattr(oracle, field.name) for field in fields(oracle)})


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(0, 60), st.integers(0, 12))
def test_every_seat(case, epoch, k):
    table, arguments, oracle = case
    if refused(oracle):
        return
    sampler = FlexibleBatchSampler(table, **arguments)
    k %= sampler.num_batches
    wanted = explaining(oracle).explain(k, epoch)
    found = sampler.explain(k, epoch)
    assert found.row.tolist() == wanted.rows == sampler.batch(k, epoch).tolist()
    if arguments["experiment_aware"]:
        named = [sampler.experiments[place] for place in found.experiment.tolist()]
        assert named == [table["experiment"][row] for row in wanted.rows]
        assert sampler.experiments[found.picked] == wanted.label
    else:
        assert set(found.experiment.tolist()) == {-1} and found.picked == -1
    if arguments["condition_balanced"]:
        named = [sampler.conditions[place] for place in found.condition.tolist()]
        assert named == [table["condition"][row] for row in wanted.rows]
    else:
        assert set(found.condition.tolist()) == {-1}
    assert found.source.tolist() == wanted.column("source")
    assert found.replaced.tolist() == wanted.column("replaced")
    assert found.fallback.tolist() == wanted.column("fallback")
    assert found.focal_time == wanted.focal
    if len(found.row) == sampler.batch_size:
        for name, part in sampler.layout.items():
            assert set(found.source[part].tolist()) <= {found.sources.index(name)}
        assert sum(len(found.row[part]) for part in sampler.layout.values()) == sampler.batch_size


def test_a_record_that_does_not_change():
    found = FlexibleBatchSampler(TABLE, batch_size=4, leaky=0.25, seed=1).explain(0)
    dtypes = {name: getattr(found, name).dtype.name for name in found.to_dict()}
    assert dtypes == {
        "row": "int64", "experiment": "int64", "condition": "int64", "source": "int8", "replaced": "bool",
        "fallback": "bool", "dealt": "bool",
    }  # fmt: skip
    assert found.sources == ("primary", "near", "far", "leak")
    with pytest.raises(FrozenInstanceError):
        found.picked = 3
    with pytest.raises(ValueError, match="read-only"):
        found.row[0] = 3
    again = pickle.loads(pickle.dumps(found))
    assert again.row.tolist() == found.row.tolist() and again.picked == found.picked


def test_it_changes_nothing():
    sampler = FlexibleBatchSampler(TABLE, batch_size=4, seed=1)
    expected = [batch.tolist() for batch in FlexibleBatchSampler(TABLE, batch_size=4, seed=1)]
    iterator = iter(sampler)
    found = [next(iterator).tolist()]
    sampler.explain(2)
    sampler.audit()
    assert found + [batch.tolist() for batch in iterator] == expected
    assert sampler.epoch == 0


@pytest.mark.parametrize("k", [-1, 3, 1.5, "0"])
def test_a_batch_that_is_none(k):
    with pytest.raises((ValueError, TypeError), match="k must be"):
        FlexibleBatchSampler(TABLE, batch_size=4).explain(k)


@pytest.mark.frames
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "narwhals"])
def test_a_frame_of_the_users_library(library):
    import narwhals
    import pandas
    import polars
    import pyarrow

    table, kind = {
        "pandas": (pandas.DataFrame(TABLE), pandas.DataFrame),
        "polars": (polars.DataFrame(TABLE), polars.DataFrame),
        "pyarrow": (pyarrow.table(TABLE), pyarrow.Table),
        "narwhals": (narwhals.from_native(polars.DataFrame(TABLE)), polars.DataFrame),
    }[library]
    found = FlexibleBatchSampler(table, batch_size=4, leaky=0.25, seed=1).explain(0)
    frame = found.to_frame()
    assert isinstance(frame, kind)
    names = found.to_frame(names=True)
    assert [str(name) for name in names["source"]] == ["primary"] * 3 + ["leak"]
    assert np.asarray(frame["row"]).tolist() == found.row.tolist()


def test_a_mapping_stays_one():
    found = FlexibleBatchSampler(TABLE, batch_size=4, seed=1).explain(0)
    assert found.to_frame(names=True)["condition"] == [TABLE["condition"][row] for row in found.row.tolist()]


def test_layout():
    sampler = FlexibleBatchSampler(TABLE, batch_size=10, leaky=0.2)
    assert sampler.layout == {"primary": slice(0, 8), "leak": slice(8, 10)}
    sampler = FlexibleBatchSampler(TABLE, batch_size=10, leaky=0.2, temporal_enrichment=True, time_key="t")
    assert sampler.layout == {"near": slice(0, 6), "far": slice(6, 8), "leak": slice(8, 10)}


def test_a_batch_prints_as_ten_lines_with_labels():
    table = {
        "experiment": np.array(["plate 1", "p\u202elate"])[np.arange(200) % 2],
        "condition": np.arange(200) // 2 % 3,
        "hours_post_infection": np.arange(200) // 50 * 1.5,
    }
    origins = FlexibleBatchSampler(table, 24, leaky=0.25, temporal_enrichment=True).explain(0)
    lines = str(origins).splitlines()
    name = table["experiment"][origins.row[0]].replace("\u202e", "\\u202e")
    assert lines[0].startswith(f"A batch of 24 rows, picked from '{name}', around ")
    assert lines[1].split() == ["experiment", "condition", "row", "source"]
    assert len(lines) == 13 and lines[-1].strip() == "and 14 more"
    for line, row, source in zip(lines[2:12], origins.row, origins.source, strict=False):
        cells = line.split()
        shown = table["experiment"][row].replace("\u202e", "\\u202e").split()
        assert cells[: len(shown)] == shown
        assert cells[len(shown) : len(shown) + 3] == [str(table["condition"][row]), str(row), origins.sources[source]]
    assert repr(origins) == str(origins) and max(map(len, lines)) <= 80
    alone = FlexibleBatchSampler({"x": [0]}, 1, experiment_aware=False, condition_balanced=False).explain(0)
    assert str(alone).splitlines()[0] == "A batch of 1 row" and "more" not in str(alone)
