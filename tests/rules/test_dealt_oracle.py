"""Drawn tables and arguments: every dealt batch against the oracle, index for index, in any order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_sampler import CascadeSampler
from strategies_dealt import cases

epochs = st.integers(0, 60)


@settings(max_examples=400, deadline=None)
@given(cases(), epochs, st.integers(1, 6))
def test_every_batch_of_every_rank(case, epoch, replicas):
    table, arguments, oracle = case
    for rank in range(replicas):
        sampler = CascadeSampler(table, **arguments, num_replicas=replicas, rank=rank)
        sampler.set_epoch(epoch)
        found = list(sampler)
        assert len(found) == len(sampler) == -(-oracle.total // replicas)
        assert [batch.tolist() for batch in found] == oracle.epoch(epoch, replicas, rank)


@settings(max_examples=200, deadline=None)
@given(cases(), st.lists(st.tuples(epochs, st.integers(0, 2**32 - 1)), min_size=1, max_size=5))
def test_any_batch_by_itself(case, positions):
    table, arguments, oracle = case
    sampler = CascadeSampler(table, **arguments)
    for epoch, number in positions:
        number %= oracle.total
        assert sampler.batch(number, epoch).tolist() == oracle.batch(number, epoch)


@settings(max_examples=200, deadline=None)
@given(cases(), epochs, st.integers(0, 2**32 - 1))
def test_where_every_seat_came_from(case, epoch, number):
    table, arguments, oracle = case
    number %= oracle.total
    sampler = CascadeSampler(table, **arguments)
    found, seats = sampler.explain(number, epoch), oracle.seats(number, epoch)
    assert found.row.tolist() == [seat.row for seat in seats]
    assert found.source.tolist() == [seat.source for seat in seats]
    assert found.dealt.dtype == bool
    assert found.dealt.tolist() == [seat.dealt for seat in seats]
    for name in ("experiment", "condition"):
        numbers, wanted = getattr(found, name).tolist(), [getattr(seat, name) for seat in seats]
        if f"{name}_key" in arguments:
            labels = getattr(sampler, f"{name}s")
            assert [labels[place] for place in numbers] == wanted
        else:
            assert set(numbers) == {-1}
