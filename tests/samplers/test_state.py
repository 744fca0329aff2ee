"""A run is written down and carried on: the very next batch, on any number of ranks, or a clear refusal."""

from __future__ import annotations

import copy
import io
import itertools
import json
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_sampler import CascadeSampler, FlexibleBatchSampler, viscy

ROWS = 1000
TABLE = {
    "experiment": np.arange(ROWS) % 7,
    "condition": np.arange(ROWS) % 3,
    "hours_post_infection": (np.arange(ROWS) % 11) / 2,
}


def make(replicas: int = 1, rank: int = 0, **arguments):
    given = {"batch_size": 30, "leaky": 0.2, "seed": 3, "temporal_enrichment": True, **arguments}
    return FlexibleBatchSampler(TABLE, num_replicas=replicas, rank=rank, **given)


def lists(batches):
    return [batch.tolist() for batch in batches]


def globally(epoch, **arguments):
    """The global sequence of an epoch, from a sampler of its own, and what fills its last round on 6 ranks."""
    sampler = make(**arguments)
    return [sampler.batch(k, epoch).tolist() for k in range(sampler.num_batches)]


def take(sampler, count):
    return lists(itertools.islice(sampler, count))


@settings(deadline=None)
@given(
    epoch=st.integers(0, 5),
    before=st.integers(1, 4),
    after=st.integers(1, 4),
    rounds=st.integers(0, 33),
    saved=st.sampled_from(["sampler", "iterator"]),
    loaded=st.sampled_from(["sampler", "iterator"]),
    drop_last=st.booleans(),
)
def test_any_ranks_state_serves_every_rank_of_any_number(epoch, before, after, rounds, saved, loaded, drop_last):
    expected = globally(epoch, drop_last=drop_last)
    following = globally(epoch + 1, drop_last=drop_last)
    states, done = [], []
    for rank in range(before):
        sampler = make(before, rank, drop_last=drop_last)
        sampler.set_epoch(epoch)
        iterator = iter(sampler)
        done.append(take(iterator, rounds))
        states.append((iterator if saved == "iterator" else sampler).state_dict())
    position = min(rounds, len(sampler)) * before
    dealt = [done[rank][turn] for turn in range(min(rounds, len(sampler))) for rank in range(before)]
    assert dealt[: len(expected)] == expected[: len(dealt)]
    for state in states:
        left = []
        for rank in range(after):
            sampler = make(after, rank, drop_last=drop_last)
            if loaded == "sampler":
                sampler.load_state_dict(state)
                iterator = iter(sampler)
            else:
                iterator = iter(sampler)
                iterator.load_state_dict(json.loads(json.dumps(state)))
            left.append(lists(iterator))
        assert len({len(batches) for batches in left}) == 1
        found = [left[rank][turn] for turn in range(len(left[0])) for rank in range(after)]
        if position < len(expected):
            assert found[: len(expected) - position] == expected[position:]
            assert len(left[0]) == -(-(len(expected) - position) // after)
        elif loaded == "sampler":
            assert found[: len(following)] == following
        else:
            assert found == []


def test_a_resumed_epoch_is_followed_by_the_next_and_len_stays():
    sampler = make()
    sampler.load_state_dict(state_after(4, epoch=2))
    assert (sampler.epoch, len(sampler)) == (2, 33)
    assert lists(sampler) == globally(2)[4:]
    assert len(sampler) == 33
    assert lists(sampler) == globally(3)


def state_after(batches, epoch=0, **arguments):
    sampler = make(**arguments)
    sampler.set_epoch(epoch)
    if batches:
        iterator = iter(sampler)
        take(iterator, batches)
    return sampler.state_dict()


def test_states_are_fresh_and_plain():
    sampler = make()
    iterator = iter(sampler)
    next(iterator)
    first = iterator.state_dict()
    kept = copy.deepcopy(first)
    next(iterator)
    assert first == kept != iterator.state_dict()
    first["fingerprint"]["rows"] = 5
    assert sampler.state_dict()["fingerprint"]["rows"] == ROWS
    file = io.BytesIO()
    torch.save(kept, file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == json.loads(json.dumps(kept)) == kept


def test_before_the_first_batch_the_state_is_what_is_pending():
    sampler = make()
    assert sampler.state_dict()["epoch"] == 0
    sampler.set_epoch(5)
    assert [sampler.state_dict()[name] for name in ("epoch", "batches")] == [5, 0]
    sampler.load_state_dict(state_after(7, epoch=4))
    assert [sampler.state_dict()[name] for name in ("epoch", "batches")] == [4, 7]
    assert [iter(sampler).state_dict()[name] for name in ("epoch", "batches")] == [4, 7]
    assert pickle.loads(pickle.dumps(sampler)).state_dict() == sampler.state_dict()
    assert lists(pickle.loads(pickle.dumps(sampler))) == globally(4)[7:]


def test_naming_the_same_epoch_keeps_a_pending_position_and_another_clears_it():
    sampler = make()
    sampler.load_state_dict(state_after(7, epoch=4))
    sampler.set_epoch(4)
    sampler.set_epoch(4)
    assert lists(sampler) == globally(4)[7:]
    sampler.load_state_dict(state_after(7, epoch=4))
    sampler.set_epoch(6)
    assert lists(sampler) == globally(6)


def test_naming_the_epoch_under_way_does_not_forget_it():
    sampler = make()
    iterator = iter(sampler)
    sampler.set_epoch(3)
    take(iterator, 5)
    sampler.set_epoch(3)
    assert [sampler.state_dict()[name] for name in ("epoch", "batches")] == [3, 5]


def test_loading_waits_for_the_first_batch():
    sampler = make()
    unused = iter(sampler)
    unused.load_state_dict(state_after(7, epoch=4))
    assert lists(sampler) == globally(0)
    assert lists(unused) == globally(4)[7:]


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_resume_counts_what_a_rank_consumed(replicas):
    expected = globally(2)
    for rank in range(replicas):
        sampler = make(replicas, rank)
        sampler.resume(2, 4)
        own = lists(sampler)
        assert own == [
            sampler.batch(k, 2).tolist() for k in range(4 * replicas + rank, replicas * len(sampler), replicas)
        ]
        assert own[0] == expected[4 * replicas + rank]
        sampler.resume(2, len(sampler))
        assert take(sampler, 1) == [sampler.batch(rank, 3).tolist()]
    with pytest.raises(ValueError, match="batches must be"):
        sampler.resume(2, len(sampler) + 1)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"seed": 4}, ["seed (state: 3, here: 4)"]),
        ({"batch_size": 20}, ["batch_size (state: 30, here: 20)", "num_batches (state: 33, here: 50)"]),
        ({"leaky": 0.3}, ["leaky"]),
        ({"experiment_weights": {0: 1.0}}, ["weights"]),
        ({"condition_ratio": {0: 1.0}}, ["ratios"]),
        ({"condition_balanced": False}, ["conditions"]),
        ({"temporal_enrichment": False}, ["times", "window", "global_fraction"]),
        ({"temporal_window_hours": 1.0}, ["window (state: 2.0, here: 1.0)"]),
        ({"num_batches": 9}, ["num_batches (state: 33, here: 9)"]),
    ],
)
def test_another_settings_state_is_refused_by_name(arguments, names):
    sampler = make(**arguments)
    for client in (sampler, iter(sampler)):
        with pytest.raises(ValueError, match="state does not fit this sampler") as caught:
            client.load_state_dict(state_after(3))
        assert all(name in str(caught.value) for name in names)
    assert lists(sampler) == lists(make(**arguments))


@pytest.mark.parametrize("key", ["experiment", "condition", "hours_post_infection"])
def test_another_tables_state_is_refused(key):
    changed = {**TABLE, key: TABLE[key].copy()}
    changed[key][[0, 1]] = changed[key][[1, 0]]
    sampler = FlexibleBatchSampler(changed, batch_size=30, leaky=0.2, seed=3, temporal_enrichment=True)
    name = {"hours_post_infection": "times"}.get(key, f"{key}s")
    with pytest.raises(ValueError, match=f"differ in {name} ") as caught:
        sampler.load_state_dict(state_after(3))
    said = str(caught.value)
    assert (f"What stands in column '{key}' ({name}) differs" in said) == (name != "times")
    assert ("another library may have read it" in said) == (name != "times")


def test_both_keys_of_another_tables_state_are_named():
    table = {"plate": ["a", "b"] * 50, "well": [1, 2, 3, 4] * 25, "dose": ["x", "x", "y", "y"] * 25}
    settings = {"experiment_key": ["plate", "well"], "condition_key": "dose"}
    state = CascadeSampler(table, 10, **settings).state_dict()
    other = {name: values[::-1] for name, values in table.items()}
    with pytest.raises(ValueError, match=r"columns \('plate', 'well'\) \(experiments\) and 'dose' \(conditions\)"):
        CascadeSampler(other, 10, **settings).load_state_dict(state)
    # An iterator does not know the columns, and says which key.
    with pytest.raises(ValueError, match="the column of the experiments and that of the conditions differs"):
        iter(CascadeSampler(other, 10, **settings)).load_state_dict(state)
    with pytest.raises(ValueError) as caught:
        CascadeSampler({name: values[4:] for name, values in table.items()}, 10, **settings).load_state_dict(state)
    assert "another library" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda state: [], TypeError, "state must be what state_dict"),
        (lambda state: {"epoch": 1}, ValueError, "it lacks batches, generator, fingerprint"),
        (lambda state: {**state, "epoch": -1}, ValueError, "state\\['epoch'\\] must be"),
        (lambda state: {**state, "batches": "many"}, TypeError, "state\\['batches'\\] must be"),
        (lambda state: {**state, "batches": 1}, ValueError, "state\\['generator'\\]\\['batches'\\] must be"),
        (lambda state: {**state, "generator": {}}, ValueError, "state\\['generator'\\] must be"),
        (lambda state: {**state, "epoch": 2**64 - 2}, ValueError, "seed \\+ epoch must be below 2\\^64"),
        (lambda state: {**state, "fingerprint": None}, TypeError, "state\\['fingerprint'\\] must be"),
    ],
)
def test_what_is_no_state_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        make().load_state_dict(change(state_after(3)))


def in_numpy(state):
    """The state as ways of keeping it that know arrays alone give it back: every number one of numpy's."""
    kinds = {int: lambda value: np.array(value)[()], float: np.float64, bool: np.bool_, str: np.str_}
    return {
        name: in_numpy(value) if isinstance(value, dict) else kinds.get(type(value), lambda value: value)(value)
        for name, value in state.items()
    }


@pytest.mark.parametrize("replicas", [1, 2])
def test_numbers_of_numpy_are_numbers(replicas):
    state = state_after(3)
    found, expected = make(replicas), make(replicas)
    found.load_state_dict(in_numpy(state))
    expected.load_state_dict(state)
    assert lists(found) == lists(expected)
    json.dumps(found.state_dict())


def test_what_is_no_number_in_a_state_is_named():
    state = state_after(3)
    for name in ("epoch", "batches"):
        with pytest.raises(TypeError, match=f"state\\['{name}'\\] must be an integer, got array"):
            make().load_state_dict({**state, name: np.array([1, 2])})
    for name in ("seed", "rows", "specification", "window", "experiments"):
        for value in (np.array([1, 2]), [1], {}, object()):
            fingerprint = {**state["fingerprint"], name: value}
            with pytest.raises(TypeError, match=f"state\\['fingerprint'\\]\\['{name}'\\] must be a number"):
                make().load_state_dict({**state, "fingerprint": fingerprint})


def test_the_state_after_the_last_epoch_there_is():
    sampler = make(seed=2**64 - 2)
    sampler.set_epoch(1)
    assert len(lists(sampler)) == 33
    state = sampler.state_dict()
    other = make(seed=2**64 - 2)
    other.load_state_dict(state)
    with pytest.raises(ValueError, match="seed \\+ epoch must be below 2\\^64"):
        next(iter(other))


def test_the_adapter_has_them_too():
    arguments = {"batch_group_by": "experiment", "stratify_by": "condition", "batch_size": 30}
    import pandas as pd

    sampler = viscy.FlexibleBatchSampler(pd.DataFrame(TABLE), **arguments)
    expected = list(sampler)
    sampler.set_epoch(0)
    iterator = iter(sampler)
    taken = [next(iterator) for _ in range(3)]
    other = viscy.FlexibleBatchSampler(pd.DataFrame(TABLE), **arguments)
    other.load_state_dict(sampler.state_dict())
    assert taken + list(other) == expected
    assert other.sampler is other


def test_a_sampler_is_no_table():
    with pytest.raises(TypeError, match=r"use_distributed_sampler=False.*batch_size=None"):
        FlexibleBatchSampler(torch.utils.data.SequentialSampler(range(10)), batch_size=4, drop_last=True)
