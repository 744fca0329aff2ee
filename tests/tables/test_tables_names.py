"""Which columns a key means, what is said where one is not there, and what is taken for a table and is none."""

from __future__ import annotations

import collections
import logging
import pickle
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._tables.errors import NoColumnError
from streams import Stream

pytestmark = pytest.mark.frames

FLAT = pd.DataFrame({"experiment": ["a", "b"] * 10, "condition": ["x", "x", "y", "y"] * 5})


def refusal(table: Any, kind: type[Exception] = NoColumnError, **arguments: Any) -> str:
    with pytest.raises(kind) as caught:
        FlexibleBatchSampler(table, 4, **arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    "table", [FLAT, dict(FLAT), pl.DataFrame(dict(FLAT)), pa.table(dict(FLAT)), MappingProxyType(dict(FLAT))]
)
def test_a_missing_column(table):
    for kind in (KeyError, ValueError, LookupError):
        message = refusal(table, kind, condition_key="perturbation")
        assert message.startswith("condition_key: valid_anchors has no column 'perturbation'; its columns are ")
        assert "pass condition_key=, or condition_balanced=False" in message
    assert "pass experiment_key=, or experiment_aware=False" in refusal(table, experiment_key="plate")
    assert "pass time_key=, or temporal_enrichment=False" in refusal(table, temporal_enrichment=True)
    error = pickle.loads(pickle.dumps(NoColumnError("no column")))
    assert str(error) == "no column" and isinstance(error, (KeyError, ValueError))


@pytest.mark.parametrize(
    ("names", "wanted", "hint"),
    [
        (["experiment", " condition"], "condition", "the nearest is ' condition', with spaces around it"),
        (["Condition", "x"], "condition", "the nearest is 'Condition'"),
        (["\ufeffexperiment"], "experiment", r"the nearest is '\ufeffexperiment'"),
        (['"experiment"'], "experiment", "the nearest is '\"experiment\"'"),
        (["conditions", "conditoin", "y"], "condition", "the nearest are 'conditions', 'conditoin'"),
        ([1, 2], "1", "the nearest is 1, which is no text but int"),
        (["a" * 5000 + "b"], "experiment", "…"),
        ([f"column_{number}" for number in range(500)], "xyz", "and 490 more"),
        ([], "xyz", "it has no columns"),
    ],
)
def test_the_nearest_column(names, wanted, hint):
    table = {name: ["a", "b"] * 4 for name in names}
    message = refusal(table, experiment_key=wanted, condition_balanced=False)
    assert hint in message and len(message) < 700


def test_several_levels_of_columns():
    deep = pd.DataFrame({("meta", "experiment"): FLAT.experiment, ("meta", "condition"): FLAT.condition})
    for key in (("meta", "experiment"), [("meta", "experiment")]):
        assert FlexibleBatchSampler(deep, 4, experiment_key=key, condition_balanced=False).experiments == ("a", "b")
    both = FlexibleBatchSampler(deep, 4, experiment_key=list(deep.columns), condition_balanced=False)
    assert both.experiments == (("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"))
    for key in ("experiment", "meta"):
        message = refusal(deep, experiment_key=key, condition_balanced=False)
        assert "pass a tuple, ('meta', 'experiment')" in message
    times = pd.DataFrame({("a", "k"): [1, 2] * 10, ("a", "t"): np.arange(20.0)})
    arguments = {"experiment_key": ("a", "k"), "time_key": ("a", "t"), "condition_balanced": False}
    assert FlexibleBatchSampler(times, 4, temporal_enrichment=True, **arguments).num_batches == 5


def test_names_in_the_index():
    for frame in (FLAT.set_index("experiment"), FLAT.set_index(["experiment", "condition"])):
        assert "call reset_index() first" in refusal(frame)


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        pd.Index,
        np.array,
        pd.Series,
        pl.Series,
        collections.UserList,
        collections.deque,
        lambda names: dict.fromkeys(names).keys(),
    ],
)
def test_any_sequence_of_names_is_a_key(make):
    names = make(["experiment", "condition"])
    found = FlexibleBatchSampler(FLAT, 4, experiment_key=names, condition_balanced=False)
    assert found.experiments == (("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"))
    one = FlexibleBatchSampler(FLAT, 4, experiment_key=make(["experiment"]), condition_balanced=False)
    assert one.experiments == ("a", "b")


@pytest.mark.parametrize(
    "key", [{"experiment"}, frozenset({"experiment"}), {"experiment": 1}, b"experiment", 1.5, None, True]
)
def test_what_is_no_key(key):
    assert "must be a column name or a list of column names" in refusal(FLAT, TypeError, experiment_key=key)


def test_a_column_that_is_there_twice():
    twice = pd.DataFrame(np.zeros((8, 2)), columns=["k", "k"])
    arrow = pa.table([pa.array([1, 2] * 4)] * 2, names=["k", "k"])
    for table in (twice, arrow, Stream(arrow)):
        message = refusal(table, ValueError, experiment_key="k", condition_balanced=False)
        assert "column 'k'" in message and "several columns of that name" in message


def test_what_holds_a_table_and_is_none():
    rows = [{"experiment": "a", "condition": 1}, {"experiment": "b", "condition": 2}]
    message = refusal(rows, TypeError)
    shown = "{name: [row[name] for row in valid_anchors] for name in ('experiment', 'condition')}"
    assert shown in message
    valid_anchors = rows * 4
    assert FlexibleBatchSampler(eval(shown, {"valid_anchors": valid_anchors}), 4).experiments == ("a", "b")
    by_row = dict(enumerate(rows * 4))
    message = refusal(by_row, TypeError)
    made = eval(message[message.index("{name: ") :], {"valid_anchors": by_row})
    assert FlexibleBatchSampler(made, 4).experiments == ("a", "b")
    fields = np.zeros(8, dtype=[("experiment", "i4"), ("condition", "i4")])
    message = refusal(fields, TypeError)
    made = eval(message[message.index("{name: ") :], {"valid_anchors": fields})
    assert FlexibleBatchSampler(made, 4).experiments == (0,)
    annotated = SimpleNamespace(obs=FLAT, obs_names=[], n_obs=20)
    assert "pass its table of observations, valid_anchors.obs" in refusal(annotated, TypeError)
    group = SimpleNamespace(keys=lambda: ["experiment"])
    assert "for name in ('experiment',)" in refusal(group, TypeError)


@pytest.mark.parametrize(
    ("index", "lines"),
    [
        (np.arange(20)[::-1], 1),
        (pd.RangeIndex(19, -1, -1), 1),
        (np.roll(np.arange(20), 1), 1),
        (np.arange(20), 0),
        (pd.RangeIndex(20), 0),
        (np.arange(20) + 1, 0),
        (np.arange(20) * 2, 0),
        (np.zeros(20, dtype=int), 0),
        ([f"row {row}" for row in range(20)], 0),
        (np.arange(20) + 0.5, 0),
        (np.roll(np.arange(20), 1).astype(np.uint8), 1),
    ],
)
def test_an_index_that_permutes_the_rows_is_told_of_once(index, lines, caplog):
    frame = FLAT.set_axis(index, axis=0)
    FlexibleBatchSampler(frame, 2)
    told = [record for record in caplog.records if "index" in record.getMessage()]
    assert len(told) == lines
    assert all("Batches hold positions" in r.getMessage() and r.levelno == logging.WARNING for r in told)
