"""Every argument can be read back, and none can be assigned."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pytest

from cascade_sampler import FlexibleBatchSampler, viscy

TABLE = {
    "plate": np.repeat(["a", "b", "c"], [30, 20, 10]),
    "well": np.arange(60) % 2,
    "drug": np.arange(60) % 3,
    "hours": np.arange(60) % 5,
}
GIVEN = {
    "batch_size": 7,
    "experiment_aware": True,
    "leaky": 0.25,
    "experiment_weights": {"a": 3, "c": 1},
    "condition_balanced": True,
    "condition_ratio": {0: 2.0, 2: 1},
    "num_replicas": 3,
    "rank": 2,
    "seed": 11,
    "drop_last": False,
    "experiment_key": "plate",
    "condition_key": ["drug"],
    "num_batches": 13,
    "index_dtype": "int32",
    "temporal_enrichment": True,
    "temporal_window_hours": 1.5,
    "temporal_global_fraction": 0.4,
    "time_key": "hours",
    "missing": "exclude",
}
ARGUMENTS = [name for name in inspect.signature(FlexibleBatchSampler).parameters if name != "valid_anchors"]


@pytest.fixture
def sampler() -> FlexibleBatchSampler:
    return FlexibleBatchSampler(TABLE, **GIVEN)


def test_all_arguments_are_given_here():
    assert list(GIVEN) == ARGUMENTS


@pytest.mark.parametrize("name", ARGUMENTS)
def test_it_reads_back_what_was_given(sampler, name):
    used = {"experiment_weights": {"a": 0.75, "b": 0.0, "c": 0.25}}
    for made in (sampler, pickle.loads(pickle.dumps(sampler))):
        assert getattr(made, name) == used.get(name, GIVEN[name])


@pytest.mark.parametrize("name", ARGUMENTS)
def test_defaults_read_back(name):
    defaults = {
        name: parameter.default for name, parameter in inspect.signature(FlexibleBatchSampler).parameters.items()
    }
    table = {"experiment": TABLE["plate"], "condition": TABLE["drug"]}
    used = {"experiment_weights": {"a": 30 / 60, "b": 20 / 60, "c": 10 / 60}, "num_batches": 8, "batch_size": 7}
    assert getattr(FlexibleBatchSampler(table, batch_size=7), name) == used.get(name, defaults[name])


@pytest.mark.parametrize("name", [*ARGUMENTS, "epoch", "experiments", "conditions", "layout", "sampler"])
@pytest.mark.parametrize("kind", [FlexibleBatchSampler, viscy.FlexibleBatchSampler])
def test_nothing_can_be_assigned(name, kind):
    made = (
        FlexibleBatchSampler(TABLE, **GIVEN)
        if kind is FlexibleBatchSampler
        else kind(TABLE, 7, "plate", stratify_by="drug")
    )
    before = getattr(made, name)
    with pytest.raises(AttributeError, match=f"{name} cannot be assigned"):
        setattr(made, name, before)
    assert getattr(made, name) == before


def test_where_an_epoch_is_assigned_the_error_says_how_it_is_set(sampler):
    with pytest.raises(AttributeError, match=r"set_epoch\(epoch\)"):
        sampler.epoch = 3


def test_users_may_add_attributes_of_their_own(sampler):
    sampler.note = "mine"
    assert sampler.note == "mine"


def test_what_is_read_back_is_not_what_is_used(sampler):
    sampler.condition_key.append("well")
    assert sampler.condition_key == ["drug"]
    for mapping in (sampler.condition_ratio, sampler.experiment_weights):
        with pytest.raises(TypeError, match="item assignment"):
            mapping["a"] = 1.0


def test_a_list_that_changes_later_changes_nothing():
    key, ratio = ["drug"], {0: 2.0}
    sampler = FlexibleBatchSampler(TABLE, 7, experiment_key="plate", condition_key=key, condition_ratio=ratio)
    key.append("well")
    ratio[1] = 5.0
    assert sampler.condition_key == ["drug"] and sampler.condition_ratio == {0: 2.0}


def test_without_experiments_there_are_no_weights():
    sampler = FlexibleBatchSampler(TABLE, 7, experiment_aware=False, condition_key="drug")
    assert sampler.experiment_weights == {} and sampler.experiments == ()


def test_labels_of_several_columns_are_tuples():
    sampler = FlexibleBatchSampler(TABLE, 7, experiment_key=["plate", "well"], condition_balanced=False)
    assert sampler.experiment_weights[("a", 0)] == 15 / 60
