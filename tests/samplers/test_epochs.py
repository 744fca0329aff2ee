"""Epochs, ranks, positions, iterators."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest

from cascade_sampler import FlexibleBatchSampler

ROWS = 1000
TABLE = {"experiment": np.arange(ROWS) % 7, "condition": np.arange(ROWS) % 3}


def make(**arguments):
    return FlexibleBatchSampler(TABLE, **{"batch_size": 30, "leaky": 0.2, "seed": 3, **arguments})


def lists(batches):
    return [batch.tolist() for batch in batches]


def epoch_of(sampler, epoch):
    """What the epoch is, by a sampler of its own."""
    other = make()
    other.set_epoch(epoch)
    return lists(other)


def test_iterating_again_moves_on_and_set_epoch_wins():
    sampler = make()
    assert sampler.epoch == 0
    assert lists(sampler) == epoch_of(sampler, 0)
    assert lists(sampler) == epoch_of(sampler, 1)
    assert sampler.epoch == 1
    sampler.set_epoch(1)
    assert lists(sampler) == epoch_of(sampler, 1)
    sampler.set_epoch(7)
    sampler.set_epoch(7)
    assert sampler.epoch == 7
    assert lists(sampler) == epoch_of(sampler, 7)
    assert lists(sampler) == epoch_of(sampler, 8)


def test_nothing_happens_before_the_first_next():
    sampler = make()
    unused, used = iter(sampler), iter(sampler)
    assert sampler.epoch == 0
    assert lists(used) == epoch_of(sampler, 0)
    sampler.set_epoch(4)
    assert lists(unused) == epoch_of(sampler, 4)


def test_set_epoch_while_an_iterator_runs():
    sampler = make()
    running = iter(sampler)
    first = next(running).tolist()
    sampler.set_epoch(0)
    assert [first, *lists(running)] == epoch_of(sampler, 0)
    assert sampler.epoch == 0
    assert lists(sampler) == epoch_of(sampler, 0)


def test_an_iterator_that_is_not_finished_does_not_hold_the_epoch():
    sampler = make()
    next(iter(sampler))
    assert lists(sampler) == epoch_of(sampler, 1)


def test_two_live_iterators():
    sampler = make()
    one, two = iter(sampler), iter(sampler)
    pairs = list(zip(one, two, strict=True))
    assert lists(batch for batch, _ in pairs) == epoch_of(sampler, 0)
    assert lists(batch for _, batch in pairs) == epoch_of(sampler, 1)
    assert next(one, None) is None and next(one, None) is None


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("replicas", [1, 2, 3, 7, 33, 50])
def test_ranks_agree_in_length_and_share_the_global_sequence(replicas, drop_last):
    ranks = [make(num_replicas=replicas, rank=rank, drop_last=drop_last) for rank in range(replicas)]
    assert len({len(sampler) for sampler in ranks}) == 1
    rounds = list(zip(*ranks, strict=True))
    assert len(rounds) == len(ranks[0])
    found = lists(itertools.chain(*rounds))
    assert found == lists(ranks[0].batch(k) for k in range(len(found)))
    alone = make(drop_last=drop_last)
    assert found[: len(alone)] == lists(alone)
    sizes = [len(batch) for batch in found]
    assert sizes == [10 if not drop_last and k == len(alone) - 1 else 30 for k in range(len(found))]


def test_the_global_sequence_does_not_depend_on_the_ranks():
    alone = lists(make())
    assert lists(make(num_replicas=3, rank=1)) == [alone[k] for k in range(1, 33, 3)]
    assert lists(make(num_replicas=4, rank=3))[:8] == alone[3::4]


def test_batch_by_position_in_any_order():
    sampler = make(num_batches=5000)
    expected = epoch_batches = sampler.epoch_batches(2)
    for k in [0, 4999, 1023, 1024, 1025, 2048, 2047, 17, 4999, 3000, 0]:
        assert sampler.batch(k, 2).tolist() == expected[k].tolist()
    for epoch in range(10):
        assert sampler.batch(1500, epoch).tolist() == sampler.epoch_batches(epoch)[1500].tolist()
    assert sampler.batch(1500, 2).tolist() == epoch_batches[1500].tolist()
    assert sampler.epoch == 0


def test_batch_and_epoch_batches_mean_the_epoch_last_begun_or_set():
    sampler = make()
    assert sampler.batch(3).tolist() == epoch_of(sampler, 0)[3]
    list(sampler)
    list(sampler)
    assert lists(sampler.epoch_batches()) == epoch_of(sampler, 1)
    sampler.set_epoch(5)
    assert sampler.batch(3).tolist() == epoch_of(sampler, 5)[3]
    assert lists(sampler.epoch_batches()) == epoch_of(sampler, 5)


def test_epoch_batches_of_a_rank():
    sampler = make(num_replicas=3, rank=2)
    found = sampler.epoch_batches()
    assert found.shape == (11, 30) and found.dtype == np.int64 and found.flags.c_contiguous and found.flags.writeable
    assert lists(found) == lists(sampler)


@pytest.mark.parametrize("rank", [0, 1])
def test_epoch_batches_need_one_length(rank):
    sampler = make(drop_last=False, num_replicas=2, rank=rank)
    with pytest.raises(ValueError, match="iterate"):
        sampler.epoch_batches()
    assert make(drop_last=False, batch_size=50).epoch_batches().shape == (20, 50)


def test_copies_carry_on_where_the_sampler_stood():
    sampler = make(num_replicas=2, rank=1, index_dtype="int32", experiment_weights={0: 1.0, 4: 2.0})
    list(sampler)
    sampler.set_epoch(6)
    for made in (pickle.loads(pickle.dumps(sampler)), copy.deepcopy(sampler)):
        assert repr(made) == repr(sampler)
        assert made.epoch == 6
        assert made.experiments == sampler.experiments
        assert lists(made) == lists(
            make(**{"num_replicas": 2, "rank": 1, "experiment_weights": {0: 1, 4: 2}}).epoch_batches(6)
        )
        assert sampler.epoch == 6
    list(sampler)
    assert lists(copy.copy(sampler)) == lists(sampler.epoch_batches(7))


@pytest.mark.parametrize(
    "arguments",
    [
        {"experiment_aware": False},
        {"condition_balanced": False},
        {"experiment_aware": False, "condition_balanced": False},
        {"condition_ratio": {0: 1.0, 2: 0.0}, "drop_last": False},
        {"leaky": 0.0, "num_batches": 5},
    ],
)
def test_every_plan_pickles(arguments):
    sampler = make(**arguments)
    assert lists(pickle.loads(pickle.dumps(sampler))) == lists(sampler)


def test_more_than_128_labels_pickle():
    table = {"experiment": np.arange(3000) % 200, "condition": np.arange(3000) % 130}
    sampler = FlexibleBatchSampler(table, batch_size=10)
    assert lists(pickle.loads(pickle.dumps(sampler))) == lists(sampler)


def test_repr_says_what_it_is():
    assert repr(make(num_replicas=4, rank=2)) == (
        "FlexibleBatchSampler(1000 rows, 7 experiments, leaky=0.2, 3 conditions; 33 batches of 30 an epoch; "
        "rank 2 of 4, seed=3, epoch=0, index_dtype='int64')"
    )


def test_attributes():
    sampler = make(num_replicas=4, rank=2, drop_last=False)
    assert (sampler.batch_size, sampler.drop_last, sampler.num_replicas, sampler.rank) == (30, False, 4, 2)
    assert (sampler.seed, sampler.num_batches, len(sampler)) == (3, 34, 9)
    assert sampler.experiments == tuple(range(7)) and sampler.conditions == (0, 1, 2)
    with pytest.raises(AttributeError):
        sampler.rank = 1


def test_the_last_seed():
    sampler = make(seed=2**64 - 3)
    sampler.set_epoch(2)
    list(sampler)
    with pytest.raises(ValueError, match="below 2\\^64"):
        next(iter(sampler))
    with pytest.raises(ValueError, match="epoch must be below"):
        sampler.set_epoch(3)
    assert sampler.epoch == 2
