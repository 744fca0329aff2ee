"""Loaders that drive the sampler: torchdata's, which saves its position, and MONAI's, which draws in a thread."""

from __future__ import annotations

import copy
import itertools
import json

import pytest
from monai.data import ThreadDataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from rows import Rows, globally, make, numbers

TOTAL = 15
EXPECTED = [globally(epoch)[:TOTAL] for epoch in range(5)]


def loader_of(workers, **arguments):
    return StatefulDataLoader(Rows(), batch_sampler=make(**arguments), num_workers=workers)


def drawn(loader):
    return [numbers(batch) for batch in loader]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("position", [0, 1, 7, 14, 15])
def test_stateful_loader(position, workers, named):
    """Stopped in the second epoch, carried on twice, whether the epoch is named or not."""
    loader = loader_of(workers)
    assert drawn(loader) == EXPECTED[0]
    iterator = iter(loader)
    assert [numbers(batch) for batch in itertools.islice(iterator, position)] == EXPECTED[1][:position]
    state = copy.deepcopy(loader.state_dict())
    for _ in range(2):
        other = loader_of(workers)
        other.load_state_dict(state)
        if named:
            other.batch_sampler.set_epoch(1)
        found = drawn(other)
        if position == TOTAL and not found:
            # The loader's own way to carry on behind the last batch is an epoch without any.
            found = EXPECTED[1][position:]
            follows = 2
        elif position == TOTAL:
            assert found == EXPECTED[2]
            follows = 3
        else:
            assert found == EXPECTED[1][position:]
            follows = 2
        assert drawn(other) == EXPECTED[follows]
        # Once more from what was resumed.
        iterator = iter(other)
        next(iterator)
        state_of_other = other.state_dict()
        last = loader_of(workers)
        last.load_state_dict(state_of_other)
        assert drawn(last) == EXPECTED[follows + 1][1:]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stateful_loaders_state_holds_ours(workers):
    loader = loader_of(workers)
    iterator = iter(loader)
    next(iterator)
    next(iterator)
    assert '"batches": 2' in json.dumps(loader.state_dict(), default=str)


@pytest.mark.parametrize("arguments", [{}, {"num_workers": 2}, {"num_workers": 0, "buffer_size": 3}])
def test_monai_thread_loader(arguments):
    sampler = make()
    loader = ThreadDataLoader(Rows(), batch_sampler=sampler, **arguments)
    for epoch in (0, 1):
        assert drawn(loader) == EXPECTED[epoch]
    sampler.set_epoch(4)
    assert drawn(loader) == EXPECTED[4]
    sampler.resume(3, 6)
    assert drawn(loader) == EXPECTED[3][6:]
