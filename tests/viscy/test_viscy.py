"""The adapter: what it adds to the sampler under it. Its batches are those of test_known_answers and upstream_compare."""

from __future__ import annotations

import datetime as dt
import inspect
import pickle

import numpy as np
import pytest

import cascade_sampler
from cascade_sampler.viscy import FlexibleBatchSampler

TABLE = {
    "marker": np.repeat(["a", "b", "c"], [60, 30, 30]),
    "channel": np.tile([0, 1], 60),
    "perturbation": np.tile(["x", "x", "y"], 40),
    "hours_post_perturbation": np.arange(120) % 24 / 2,
}


def epoch(sampler):
    return [list(batch) for batch in sampler]


@pytest.fixture
def said(caplog):
    def messages(table=TABLE, **arguments):
        caplog.clear()
        FlexibleBatchSampler(table, **{"batch_size": 20, **arguments})
        assert {record.name for record in caplog.records} <= {"cascade_sampler"}
        return [record.getMessage() for record in caplog.records]

    return messages


def test_arguments_of_upstream():
    parameters = inspect.signature(FlexibleBatchSampler).parameters.values()
    positional = {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}
    assert list(positional.items())[1:] == [
        ("batch_size", 128),
        ("batch_group_by", None),
        ("leaky", 0.0),
        ("group_weights", None),
        ("stratify_by", "perturbation"),
        ("temporal_enrichment", False),
        ("temporal_window_hours", 2.0),
        ("temporal_global_fraction", 0.3),
        ("num_replicas", 1),
        ("rank", 0),
        ("seed", 0),
        ("drop_last", True),
    ]


def test_it_is_the_sampler_under_other_names():
    theirs = FlexibleBatchSampler(
        TABLE, 20, batch_group_by=["marker", "channel"], leaky=0.2, group_weights={"a|0": 1, "b|1": 2}, seed=5
    )
    ours = cascade_sampler.FlexibleBatchSampler(
        TABLE,
        20,
        experiment_key=["marker", "channel"],
        condition_key="perturbation",
        leaky=0.2,
        experiment_weights={("a", 0): 1, ("b", 1): 2},
        seed=5,
    )
    assert isinstance(theirs, cascade_sampler.FlexibleBatchSampler)
    assert epoch(theirs) == epoch(ours)
    assert theirs.experiments == ours.experiments
    assert epoch(pickle.loads(pickle.dumps(theirs))) == epoch(ours)


def test_batches_are_lists_of_int():
    batch = next(iter(FlexibleBatchSampler(TABLE, 20)))
    assert type(batch) is list
    assert {type(row) for row in batch} == {int}
    assert next(iter(FlexibleBatchSampler(TABLE, 20, index_dtype="int32"))).dtype == np.int32


def test_a_list_of_one_column_is_that_column():
    arguments = {"batch_size": 20, "group_weights": {"0": 1.0, "1": 3.0}}
    one = FlexibleBatchSampler(TABLE, batch_group_by=["channel"], stratify_by=["perturbation"], **arguments)
    assert one.experiments == (0, 1)
    assert epoch(one) == epoch(FlexibleBatchSampler(TABLE, batch_group_by="channel", **arguments))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([3, 4], ["3", "4"]),
        ([0.5, 1e16], ["0.5", "1e+16"]),
        ([False, True], ["False", "True"]),
        (np.array([0.1, 0.5], dtype=np.float32), ["0.1", "0.5"]),
        (
            [dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2)],
            ["2026-01-01 00:00:00", "2026-01-02 00:00:00"],
        ),
        (
            [dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2)],
            ["2026-01-01 00:00:00.000000", "2026-01-02 00:00:00.000000"],
        ),
        ([dt.timedelta(hours=1), dt.timedelta(hours=2)], None),
    ],
)
def test_weights_by_text(labels, names):
    table = {"k": np.repeat(np.asarray(labels), 30)}
    arguments = {"batch_size": 10, "batch_group_by": "k", "stratify_by": None}
    by_label = FlexibleBatchSampler(table, **arguments)
    names = names or [str(label) for label in by_label.experiments]
    by_text = FlexibleBatchSampler(table, **arguments, group_weights={names[1]: 1.0})
    found = epoch(by_text)
    assert min(row for batch in found for row in batch) >= 30
    itself = FlexibleBatchSampler(table, **arguments, group_weights={by_label.experiments[1]: 1.0})
    assert epoch(itself) == found


@pytest.mark.frames
def test_weights_of_a_stream():
    import pyarrow as pa

    table = pa.table({"k": np.repeat([1, 2], 30)})
    arguments = {"batch_size": 10, "batch_group_by": "k", "stratify_by": None, "group_weights": {"2": 1.0}}
    assert epoch(FlexibleBatchSampler(table.to_reader(), **arguments)) == epoch(
        FlexibleBatchSampler(table, **arguments)
    )


def test_a_group_named_twice():
    with pytest.raises(ValueError, match="names a group twice"):
        FlexibleBatchSampler(TABLE, 20, batch_group_by="channel", group_weights={"0": 1.0, 0: 2.0})


@pytest.mark.parametrize("weights", [None, {"a|b|c": 1.0}])
@pytest.mark.parametrize("argument", ["batch_group_by", "stratify_by"])
def test_labels_of_one_text(argument, weights):
    table = {"k": ["a|b", "a"] * 20, "s": ["c", "b|c"] * 20}
    arguments = {"batch_group_by": None, "stratify_by": None, argument: ["k", "s"]}
    with pytest.raises(ValueError, match=rf"^{argument}: the labels .* have the same text 'a\|b\|c'"):
        FlexibleBatchSampler(table, 10, **arguments, group_weights=weights)


@pytest.mark.frames
def test_categories_of_one_text():
    import pandas as pd

    frame = pd.DataFrame({"k": pd.Categorical([1, "1"] * 20, categories=["1", 1])})
    with pytest.raises(ValueError, match="same text '1'"):
        FlexibleBatchSampler(frame, 10, batch_group_by="k", stratify_by=None)


def test_strata_with_a_focal_time(said):
    focal = {"batch_group_by": "marker", "temporal_enrichment": True, "batch_size": 20}
    left_out = "temporal_enrichment=True leaves stratify_by='perturbation' out, as VisCy does"
    assert [message.startswith(left_out) for message in said(**focal)] == [True]
    assert said(**focal, stratify_by=None) == []
    assert said(**focal, keep_strata=True) == []
    assert epoch(FlexibleBatchSampler(TABLE, **focal)) == epoch(FlexibleBatchSampler(TABLE, **focal, stratify_by=None))
    both = cascade_sampler.FlexibleBatchSampler(
        TABLE,
        20,
        experiment_key="marker",
        condition_key="perturbation",
        temporal_enrichment=True,
        time_key="hours_post_perturbation",
    )
    assert epoch(FlexibleBatchSampler(TABLE, **focal, keep_strata=True)) == epoch(both)
    assert {sum(TABLE["perturbation"][batch] == "x") for batch in both} == {10}


def test_arguments_without_effect(said):
    assert said(leaky=0.5, group_weights={"no such group": 1.0}) == [
        "These arguments have no effect: leaky (batch_group_by=None), group_weights (batch_group_by=None)"
    ]
    assert said(temporal_window_hours=1.0) == [
        "These arguments have no effect: temporal_window_hours (temporal_enrichment=False)"
    ]
    assert said() == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_group_by": "site"}, KeyError, "batch_group_by: valid_anchors has no column 'site'"),
        (
            {"batch_group_by": "site", "group_weights": {"a": 1}},
            KeyError,
            "batch_group_by: valid_anchors has no column",
        ),
        ({"stratify_by": ["marker", "site"]}, KeyError, "stratify_by: valid_anchors has no column 'site'"),
        ({"stratify_by": {"k"}}, TypeError, "stratify_by must be a column name"),
        (
            {"batch_group_by": "marker", "group_weights": {"d": 1}},
            ValueError,
            "names no group that has rows: it names 'd'",
        ),
        ({"group_weights": {"a": -1}}, ValueError, r"group_weights\['a'\] must be finite"),
        ({"leaky": 2}, ValueError, "leaky must be a fraction"),
        ({"keep_strata": 1}, TypeError, "keep_strata must be True or False"),
        ({"temporal_enrichment": "yes"}, TypeError, "temporal_enrichment must be True or False"),
        ({"temporal_window_hours": -1.0}, ValueError, "temporal_window_hours must be"),
        ({"missing": "drop"}, ValueError, "missing must be one of"),
    ],
)
def test_errors_name_the_arguments_that_were_given(arguments, error, message):
    with pytest.raises(error, match=message):
        FlexibleBatchSampler(TABLE, **{"batch_size": 20, **arguments})


def test_a_table_without_times():
    with pytest.raises(KeyError, match="temporal_enrichment: valid_anchors has no column 'hours_post_perturbation'"):
        FlexibleBatchSampler({"perturbation": ["x"] * 20}, 10, temporal_enrichment=True)


def test_weights_of_groups_without_rows(said):
    named = {"batch_group_by": "marker", "group_weights": {"a": 1.0, "no": 2.0, 7: 1.0}, "stratify_by": None}
    assert said(**named) == ["group_weights names groups without rows, which are ignored, as in VisCy: 'no', 7"]
    sampler = FlexibleBatchSampler(TABLE, 20, **named)
    assert epoch(sampler) == epoch(FlexibleBatchSampler(TABLE, 20, **{**named, "group_weights": {"a": 5.0}}))
    assert sampler.group_weights == {"a": 1.0, "no": 2.0, 7: 1.0}
    many = {f"{number:02}": 1.0 for number in range(40)}
    (line,) = said(batch_group_by="marker", stratify_by=None, group_weights={**many, "a": 1.0})
    assert line.endswith("'09' and 30 more")
    with pytest.raises(ValueError, match="experiment_weights names 'no', without rows"):
        cascade_sampler.FlexibleBatchSampler(
            TABLE, 20, experiment_key="marker", condition_balanced=False, experiment_weights={"a": 1.0, "no": 2.0}
        )


@pytest.mark.parametrize("gap", ["perturbation", "hours_post_perturbation", "marker"])
def test_weights_of_groups_that_lose_all_their_rows(said, gap):
    table = {"marker": ["a", "b", "c"] * 40, "perturbation": ["x", "y"] * 60, "hours_post_perturbation": [1.0] * 120}
    table[gap] = [None if marker == "c" else value for marker, value in zip(table["marker"], table[gap], strict=True)]
    named = {
        "batch_group_by": "marker",
        "temporal_enrichment": gap.startswith("hours"),
        "group_weights": {"a": 1.0, "b": 1.0, "c": 2.0},
        "missing": "exclude",
    }
    if gap.startswith("hours"):
        named["stratify_by"] = None
    lines = said(table, **named)
    assert "group_weights names groups without rows, which are ignored, as in VisCy: 'c'" in lines
    assert len([line for line in lines if "group_weights" in line]) == 1
    sampler = FlexibleBatchSampler(table, 20, **named)
    assert sampler.experiments == ("a", "b")
    other = FlexibleBatchSampler(table, 20, **{**named, "group_weights": {"a": 5.0, "b": 5.0}})
    assert epoch(sampler) == epoch(other)
    with pytest.raises(ValueError, match="names no group that has rows: it names 'c'"):
        FlexibleBatchSampler(table, 20, **{**named, "group_weights": {"c": 1.0}})


@pytest.mark.frames
def test_weights_as_a_series():
    import pandas as pd

    arguments = {"batch_size": 20, "batch_group_by": ["marker", "channel"], "stratify_by": None}
    weights = {("a", 0): 1.0, ("b", 1): 2.0}
    expected = epoch(FlexibleBatchSampler(TABLE, **arguments, group_weights=weights))
    for series in (pd.Series(weights), pd.Series({"a|0": 1, "b|1": 2})):
        assert epoch(FlexibleBatchSampler(TABLE, **arguments, group_weights=series)) == expected
    with pytest.raises(ValueError, match="in the index of the Series"):
        FlexibleBatchSampler(TABLE, **arguments, group_weights=pd.Series([1.0, 2.0], index=["a|0", "a|0"]))


@pytest.mark.parametrize("arguments", [{}, {"num_replicas": 2, "rank": 1}, {"index_dtype": "int32"}])
def test_fewer_rows_than_a_batch(arguments, caplog):
    table = {name: column[:7] for name, column in TABLE.items()}
    sampler = FlexibleBatchSampler(table, 20, batch_group_by="marker", **arguments)
    lines = [record.getMessage() for record in caplog.records]
    assert not any("drawn with replacement" in line for line in lines)
    assert [line.startswith("There are no batches, as in VisCy: 7 rows do not fill") for line in lines].count(True) == (
        0 if "rank" in arguments else 1
    )
    for copy in (sampler, pickle.loads(pickle.dumps(sampler))):
        assert (len(copy), copy.num_batches, list(copy), list(copy)) == (0, 0, [], [])
        assert copy.epoch_batches().shape == (0, 20)
        copy.set_epoch(3)
        copy.load_state_dict(copy.state_dict())
        assert copy.epoch == 3
        assert "no batches" in repr(copy)
        for asked in (lambda copy=copy: copy.batch(0), lambda copy=copy: copy.explain(0), copy.audit):
            with pytest.raises(ValueError, match="fewer than 20 rows; lower batch_size, or set drop_last=False"):
                asked()
    from torch.utils.data import DataLoader

    assert list(DataLoader(range(7), batch_sampler=sampler)) == []
    assert [len(batch) for batch in FlexibleBatchSampler(table, 20, drop_last=False)] == [7]
    with pytest.raises(ValueError, match="7 rows do not fill one batch of 20"):
        cascade_sampler.FlexibleBatchSampler(table, 20, experiment_aware=False, condition_balanced=False)


def test_attributes_of_upstream():
    """Under upstream's names, as given, keys as lists; none can be assigned, nor changed in place."""
    sampler = FlexibleBatchSampler(TABLE, 20, "marker", 0.25, {"a": 2}, ["perturbation"], True, 1.0, 0.5)
    expected = {
        "batch_group_by": ["marker"],
        "leaky": 0.25,
        "group_weights": {"a": 2.0},
        "stratify_by": ["perturbation"],
        "temporal_enrichment": True,
        "temporal_window_hours": 1.0,
        "temporal_global_fraction": 0.5,
    }
    assert sampler.valid_anchors is TABLE
    for name in ("batch_group_by", "stratify_by"):
        getattr(sampler, name).append("channel")
    sampler.group_weights["b"] = 1.0
    assert {name: getattr(sampler, name) for name in expected} == expected
    for name in ("valid_anchors", *expected):
        with pytest.raises(AttributeError, match=f"{name} cannot be assigned"):
            setattr(sampler, name, None)
    without = FlexibleBatchSampler(TABLE, 20, None, 0.5, stratify_by=None)
    assert (without.batch_group_by, without.stratify_by, without.group_weights) == (None, None, None)
    assert without.leaky == 0.5


@pytest.mark.parametrize("key", [[], ()])
def test_a_key_of_no_column_is_none(key):
    sampler = FlexibleBatchSampler(TABLE, 20, batch_group_by=key, stratify_by=key)
    assert (sampler.batch_group_by, sampler.stratify_by) == (None, None)
    assert epoch(sampler) == epoch(FlexibleBatchSampler(TABLE, 20, batch_group_by=None, stratify_by=None))


def test_missing_groups():
    table = {"k": ["a", None, "b", "b"] * 20}
    arguments = {"batch_size": 10, "batch_group_by": "k", "stratify_by": None, "group_weights": {"a": 1.0, "b": 1.0}}
    with pytest.raises(ValueError, match="20 rows without a label"):
        FlexibleBatchSampler(table, **arguments)
    sampler = FlexibleBatchSampler(table, **arguments, missing="exclude")
    assert len(sampler) == 6
    assert all(row % 4 != 1 for batch in sampler for row in batch)


def test_docstring_example():
    import doctest

    from cascade_sampler import viscy

    assert doctest.testmod(viscy) == (0, 3)
