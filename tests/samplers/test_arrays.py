"""What a batch is: a fresh array that Rust made and nobody copied."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from cascade_sampler import FlexibleBatchSampler

TABLE = {"experiment": np.arange(5000) % 7, "condition": np.arange(5000) % 3}


def make(**arguments):
    return FlexibleBatchSampler(TABLE, **{"batch_size": 64, **arguments})


@pytest.mark.parametrize("index_dtype", ["int64", "int32", "uint32"])
def test_arrays(index_dtype):
    sampler = make(index_dtype=index_dtype)
    batches = [*sampler, sampler.batch(0), *sampler.epoch_batches()]
    for batch in batches:
        assert type(batch) is np.ndarray
        assert batch.dtype == index_dtype
        assert batch.shape == (64,)
        assert batch.flags.c_contiguous and batch.flags.writeable and batch.flags.aligned
        batch[:] = 0
    assert sampler.batch(0).any()


def test_lists():
    sampler = make(index_dtype="list")
    for batch in [*sampler, sampler.batch(0)]:
        assert type(batch) is list and {type(row) for row in batch} == {int}
    assert sampler.batch(0) == make().batch(0).tolist()
    assert sampler.epoch_batches().dtype == np.int64


def test_all_kinds_hold_the_same_rows():
    kinds = [make(index_dtype=kind).epoch_batches() for kind in ("int64", "int32", "uint32", "list")]
    for other in kinds[1:]:
        assert np.array_equal(kinds[0], other)


def test_the_default_indexes_tensors():
    batch = next(iter(make()))
    values = torch.arange(5000)
    index = torch.as_tensor(batch)
    assert index.data_ptr() == batch.ctypes.data
    assert torch.equal(values[index], index)
    assert torch.equal(values.index_select(0, index), index)


def test_batches_are_fresh():
    first, second = list(make())[:2]
    assert not np.shares_memory(first, second)


def test_numpy_allocates_nothing():
    sampler = make(num_batches=2000)
    batches = iter(sampler)
    next(batches)
    kept = []
    tracemalloc.start()
    try:
        before = numpy_bytes()
        for _ in range(1000):
            kept.append(next(batches))
        grown = numpy_bytes() - before
    finally:
        tracemalloc.stop()
    assert grown == 0
    assert len(kept) == 1000


def numpy_bytes() -> int:
    snapshot = tracemalloc.take_snapshot()
    domain = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    return sum(trace.size for trace in snapshot.filter_traces([domain]).traces)


def test_tracemalloc_would_see_numpy():
    tracemalloc.start()
    try:
        before = numpy_bytes()
        kept = np.empty(256, np.int64)
        assert numpy_bytes() - before == kept.nbytes
    finally:
        tracemalloc.stop()
