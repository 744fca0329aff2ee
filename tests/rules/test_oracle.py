"""Drawn tables and arguments: every batch against the oracle, index for index."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_sampler import FlexibleBatchSampler
from oracle import Oracle
from strategies import cases, refused


@settings(max_examples=400, deadline=None)
@given(cases(), st.integers(0, 60), st.integers(1, 6))
def test_every_batch_of_every_rank(case, epoch, replicas):
    table, arguments, oracle = case
    reason = refused(oracle)
    if reason:
        with pytest.raises(ValueError, match=reason):
            FlexibleBatchSampler(table, **arguments)
        return
    rounds = -(-oracle.total() // replicas)
    expected = list(itertools.islice(oracle.stream(epoch), rounds * replicas))
    for rank in range(replicas):
        sampler = FlexibleBatchSampler(table, **arguments, num_replicas=replicas, rank=rank)
        sampler.set_epoch(epoch)
        found = list(sampler)
        assert len(found) == len(sampler) == rounds
        assert [batch.tolist() for batch in found] == [batch.tolist() for batch in expected[rank::replicas]]
    for position in {0, len(expected) // 2, len(expected) - 1}:
        assert sampler.batch(position, epoch).tolist() == expected[position].tolist()


@pytest.mark.slow
def test_a_thousand_batches_of_ten_million_rows():
    rows = 10_000_000
    random = np.random.default_rng(5)
    table = {
        "experiment": np.minimum(random.exponential(4, rows), 19).astype(np.int8),
        "condition": random.integers(0, 4, rows).astype(np.int8),
    }
    arguments = {"batch_size": 256, "leaky": 0.2, "seed": 12}
    sampler = FlexibleBatchSampler(table, **arguments)
    expected = Oracle(rows, table["experiment"], table["condition"], **arguments).stream(0)
    for batch, wanted in zip(itertools.islice(sampler, 1000), expected, strict=False):
        assert np.array_equal(batch, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", ["all distinct", "sorted", "few", "one"])
def test_a_focal_time_in_lists_of_millions(shape, dtype):
    rows = 2_200_000
    random = np.random.default_rng(8)
    times = {
        "all distinct": lambda: random.random(rows) * 24,
        "sorted": lambda: np.sort(random.random(rows) * 24),
        "few": lambda: random.integers(0, 48, rows) * 0.5 - 3,
        "one": lambda: np.zeros(rows),
    }[shape]().astype(dtype)
    condition = random.integers(0, 3, rows).astype(np.int8)
    for balanced in (False, True):
        arguments = {"batch_size": 300, "seed": 4}
        sampler = FlexibleBatchSampler(
            {"t": times, "condition": condition},
            experiment_aware=False,
            condition_balanced=balanced,
            temporal_enrichment=True,
            time_key="t",
            **arguments,
        )
        expected = Oracle(rows, None, condition if balanced else None, time=times, **arguments).stream(0)
        for batch, wanted in zip(itertools.islice(sampler, 3), expected, strict=False):
            assert np.array_equal(batch, wanted)
