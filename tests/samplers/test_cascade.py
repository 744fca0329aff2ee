"""The dealing sampler as a user meets it: epochs, states, refusals, settings. What its batches hold, the oracle says."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from cascade_sampler import CascadeSampler, FlexibleBatchSampler

ROWS = 1000
TABLE = {
    "plate": np.repeat(["a", "b", "c"], [500, 300, 200]),
    "dose": np.arange(ROWS) % 4,
    "hours": (np.arange(ROWS) % 11) / 2,
}


def make(**arguments):
    given = {
        "batch_size": 40,
        "experiment_key": "plate",
        "condition_key": "dose",
        "leaky": 0.25,
        "seed": 3,
        **arguments,
    }
    return CascadeSampler(TABLE, **given)


def lists(batches):
    return [batch.tolist() for batch in batches]


def globally(epoch, **arguments):
    sampler = make(**arguments)
    return [sampler.batch(k, epoch).tolist() for k in range(sampler.num_batches)]


def test_an_epoch_is_a_pass_and_the_next_is_another():
    sampler = make()
    first, second = lists(sampler), lists(sampler)
    assert first == globally(0) and second == globally(1) and first != second
    cells = make(condition_key=None)
    for epoch in (lists(cells), lists(cells)):
        assert {row for batch in epoch for row in batch} == set(range(ROWS))
    sampler.set_epoch(7)
    assert lists(sampler) == globally(7)
    assert sampler.epoch == 7


def test_ranks_share_one_sequence():
    for replicas in (2, 3, 7):
        ranks = [lists(make(num_replicas=replicas, rank=rank)) for rank in range(replicas)]
        assert {len(batches) for batches in ranks} == {len(make(num_replicas=replicas, rank=0))}
        dealt = [batches[number] for number in range(len(ranks[0])) for batches in ranks]
        whole = globally(0)
        assert dealt == [whole[number % len(whole)] for number in range(len(dealt))]


def test_a_block_of_batches_has_one_experiment_on_all_ranks():
    ranks = [make(batches_per_experiment=4, num_replicas=4, rank=rank) for rank in range(4)]
    for step in zip(*ranks, strict=True):
        assert len({TABLE["plate"][batch[0]] for batch in step}) == 1


def test_fixed_epoch_is_every_epoch():
    sampler = make(fixed_epoch=5)
    assert lists(sampler) == lists(sampler) == globally(5)
    sampler.set_epoch(2)
    assert sampler.epoch == 5 and lists(sampler) == globally(5)
    unused, used = iter(sampler), iter(sampler)
    assert lists(used) == lists(unused) == globally(5)
    again = pickle.loads(pickle.dumps(sampler))
    assert again.fixed_epoch == 5 and lists(again) == globally(5)
    assert lists(again) == globally(5)
    with pytest.raises(ValueError, match="fixed_epoch=5"):
        sampler.load_state_dict({**sampler.state_dict(), "epoch": 1})
    running = iter(sampler)
    next(running)
    state = sampler.state_dict()
    resumed = make(fixed_epoch=5)
    resumed.load_state_dict(state)
    assert lists(resumed) == globally(5)[1:]
    assert lists(resumed) == globally(5)


@pytest.mark.parametrize("replicas", [1, 2, 5])
@pytest.mark.parametrize("temporal", [False, True])
def test_a_state_carries_on_with_any_number_of_ranks(replicas, temporal):
    given = {"time_key": "hours"} if temporal else {}
    sampler = make(num_replicas=2, rank=1, **given)
    running = iter(sampler)
    for _ in range(4):
        next(running)
    state = json.loads(json.dumps(sampler.state_dict()))
    assert set(state) == {"epoch", "batches", "fingerprint"}
    assert (state["epoch"], state["batches"]) == (0, 8)
    whole = globally(0, **given)
    for rank in range(replicas):
        resumed = make(num_replicas=replicas, rank=rank, **given)
        resumed.load_state_dict(state)
        rest = lists(resumed)
        # What is past the end fills the last round.
        assert rest == [whole[(8 + rank + step * replicas) % len(whole)] for step in range(len(rest))]
        assert len(rest) == -(-(len(whole) - 8) // replicas)
        assert lists(resumed)[0] == globally(1, **given)[rank]


def test_the_end_of_an_epoch_is_the_beginning_of_the_next():
    sampler = make()
    lists(sampler)
    resumed = make()
    resumed.load_state_dict(sampler.state_dict())
    assert lists(resumed) == globally(1)
    resumed.resume(3, len(resumed))
    assert lists(resumed) == globally(4)
    resumed.resume(3, 2)
    assert lists(resumed) == globally(3)[2:]


def test_each_class_refuses_the_states_of_the_other():
    dealt = make()
    drawn = FlexibleBatchSampler(TABLE, 40, experiment_key="plate", condition_key="dose", leaky=0.25, seed=3)
    with pytest.raises(ValueError, match=r"state is of a FlexibleBatchSampler.*this is a CascadeSampler"):
        dealt.load_state_dict(drawn.state_dict())
    with pytest.raises(ValueError, match=r"state is of a CascadeSampler.*this is a FlexibleBatchSampler"):
        drawn.load_state_dict(dealt.state_dict())
    with pytest.raises(ValueError, match=r"state is of a CascadeSampler"):
        iter(drawn).load_state_dict(dealt.state_dict())


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 4},
        {"batch_size": 44},
        {"leaky": 0.1},
        {"run_length": 2},
        {"batches_per_experiment": 2},
        {"conditions_per_batch": 2},
        {"conditions_per_batch": 2, "always": [0]},
        {"experiment_weights": "sqrt"},
        {"experiment_weights": {"a": 1.0, "b": 1.0}},
        {"condition_ratio": {0: 2.0}},
        {"num_batches": 100},
        {"time_key": "hours"},
    ],
)
def test_a_state_of_other_settings_is_refused(changed):
    with pytest.raises(ValueError, match="state does not fit this sampler"):
        make(**changed).load_state_dict(make().state_dict())


REFUSED = [
    ({"batch_size": 4}, r"4 conditions share a batch of 'a', which has 3 seats .*conditions_per_batch=3 or fewer"),
    ({"leaky": 1.0}, r"which has 0 seats .*leaky below 1"),
    ({"conditions_per_batch": 0}, r"conditions_per_batch must be at least 1, got 0"),
    ({"conditions_per_batch": 1, "always": [0, 1]}, r"at least 2"),
    ({"always": [9]}, r"always names 9, without rows"),
    ({"always": [0], "condition_key": None}, r"always is given, and condition_key is not"),
    ({"conditions_per_batch": 2, "condition_key": None}, r"conditions_per_batch is given, and condition_key is not"),
    ({"conditions_per_batch": 2, "condition_ratio": {1: 2.0}}, r"condition_ratio\[1\] is 2\.0"),
    ({"num_batches": 10, "batches_per_experiment": 4}, r"multiple of batches_per_experiment=4.* 8 and 12"),
    ({"experiment_weights": "rows"}, r"experiment_weights must be one of 'size', 'sqrt', 'equal'"),
    ({"experiment_weights": {"d": 1.0}}, r"experiment_weights names 'd', without rows"),
    ({"condition_ratio": {0: 0, 1: 0, 2: 0, 3: 0}}, r"condition_ratio leaves 'a' without a condition"),
    ({"run_length": 0}, r"run_length must be at least 1"),
    ({"batches_per_experiment": 0}, r"batches_per_experiment must be at least 1"),
    ({"fixed_epoch": 2**20}, r"fixed_epoch must be below"),
    ({"num_batches": 2**32}, r"num_batches must be below"),
    ({"experiment_key": "plates"}, r"experiment_key: table has no column 'plates'; the nearest is 'plate'"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_the_words_of_the_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


@pytest.mark.parametrize("always", ["a", 3, {"a": 1}, [["a"]]])
def test_always_is_a_list_of_labels(always):
    with pytest.raises(TypeError, match="always must be a list of labels"):
        make(always=always)


def test_batch_size_has_no_default():
    with pytest.raises(TypeError, match="batch_size"):
        CascadeSampler(TABLE)


@pytest.mark.parametrize("epoch", [2**20, -1])
def test_epochs_end(epoch):
    with pytest.raises(ValueError, match="epoch"):
        make().set_epoch(epoch)


def test_always_is_in_every_batch_of_its_experiment():
    sampler = make(conditions_per_batch=2, always=[3])
    for k in range(sampler.num_batches):
        origins = sampler.explain(k)
        shared = set(origins.condition[origins.source == 0].tolist())
        assert 3 in shared and len(shared) == 2


def test_settings_are_read_back_and_stay():
    sampler = make(
        always=[3], conditions_per_batch=2, run_length=4, batches_per_experiment=2, experiment_weights="equal"
    )
    assert sampler.always == (3,)
    assert (sampler.conditions_per_batch, sampler.run_length, sampler.batches_per_experiment) == (2, 4, 2)
    assert dict(sampler.experiment_weights) == dict.fromkeys("abc", pytest.approx(1 / 3))
    assert sampler.drop_last is True and sampler.fixed_epoch is None
    for name in ("always", "run_length", "fixed_epoch", "batch_size"):
        with pytest.raises(AttributeError, match="cannot be assigned"):
            setattr(sampler, name, 1)


def test_copies_and_pickles_go_on_alike():
    sampler = make(run_length=3)
    sampler.set_epoch(2)
    for other in (copy.copy(sampler), copy.deepcopy(sampler), pickle.loads(pickle.dumps(sampler))):
        assert lists(other) == globally(2, run_length=3)
        assert repr(other).startswith("CascadeSampler(1000 rows, 3 experiments, leaky=0.25, 4 conditions;")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"run_length": 501, "condition_key": None}, "run_length (the largest cell has 500 rows)"),
        ({"run_length": 4, "time_key": "hours"}, "run_length (with time_key the seats are drawn, not dealt)"),
        ({"experiment_key": None}, "leaky (experiment_key is not given)"),
        ({"temporal_window_hours": 1.0}, "temporal_window_hours (time_key is not given)"),
        ({"condition_ratio": {0: 1.0}, "condition_key": None}, "condition_ratio (condition_key is not given)"),
    ],
)
def test_arguments_without_effect_are_named(arguments, said, caplog):
    make(**arguments)
    assert said in caplog.text


def test_an_ordinary_sampler_says_nothing(caplog):
    make()
    assert caplog.text == ""


def test_layout_and_origins_tell_the_same():
    for given in ({}, {"time_key": "hours"}):
        sampler = make(**given)
        origins, layout = sampler.explain(3), sampler.layout
        names = [origins.sources[source] for source in origins.source.tolist()]
        for name, places in layout.items():
            assert names[places] == [name] * len(names[places])
        assert bool(origins.dealt.all()) == (not given)


def test_an_audit_counts_the_first_batches_and_what_was_dealt():
    audit = make().audit(epochs=2, batches=5)
    assert (audit.batches, audit.seats, audit.dealt) == (10, 400, 400)
    assert make(time_key="hours").audit(batches=5).dealt == 50  # the leak alone


@pytest.mark.parametrize(
    "given",
    [{}, {"leaky": 0.0}, {"experiment_weights": "equal"}, {"conditions_per_batch": 2}, {"condition_ratio": {0: 3.0}}],
)
def test_coverage_is_what_is_counted(given):
    coverage = make(batch_size=16, **given).audit(epochs=4).coverage
    assert coverage["expected"] == pytest.approx(coverage["seen"], rel=0.02)


def test_a_loader_takes_it():
    sampler = make()
    loader = DataLoader(TensorDataset(torch.arange(ROWS)), batch_sampler=sampler, num_workers=2)
    assert [batch.tolist() for (batch,) in loader] == globally(0)
    assert [batch.tolist() for (batch,) in loader] == globally(1)
