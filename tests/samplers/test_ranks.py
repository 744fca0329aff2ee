"""Several processes in real groups of gloo: who they are, whether they agree, that none is left alone."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import re
import traceback
import warnings
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed
from torch.utils.data import DataLoader

import ddp_program
from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._samplers.ranks import RanksWarning, SameBatchesWarning
from launch import torchrun

TABLE = {"experiment": np.arange(200) % 5, "condition": np.arange(200) % 2}


def make(table=TABLE, **arguments):
    return FlexibleBatchSampler(table, **{"batch_size": 16, "seed": 2, **arguments})


def in_group(function, world, folder):
    """Call the function in every process of a group, with its rank, and return what each call returned."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "torch.distributed", "cascade_sampler"])
    results = context.Queue()
    processes = [context.Process(target=one_of, args=(function, world, rank, folder, results)) for rank in range(world)]
    for process in processes:
        process.start()
    try:
        told = dict(results.get(timeout=120) for _ in processes)
    finally:
        for process in processes:
            process.join(10)
            process.kill()
    failed = [result for result in told.values() if isinstance(result, str) and result.startswith("Traceback")]
    assert not failed, failed[0]
    return [told[rank] for rank in range(world)]


def one_of(function, world, rank, folder, results):
    try:
        store = f"file://{folder}/store"
        distributed.init_process_group(
            "gloo", init_method=store, world_size=world, rank=rank, timeout=timedelta(seconds=60)
        )
        results.put((rank, function(rank)))
    except BaseException:
        results.put((rank, traceback.format_exc()))
        raise
    distributed.barrier()
    distributed.destroy_process_group()


def other(name, rank, value, usual):
    """One argument that rank 1 has otherwise."""
    return {name: value if rank == 1 else usual}


SWAPPED = {**TABLE, "experiment": TABLE["experiment"][::-1].copy()}
#: For each rank the sampler to check; the epoch; arguments of the check; what it says, or nothing.
CASES = [
    (lambda rank: make(num_replicas=2, rank=rank), 0, {}, None),
    (lambda rank: make(num_replicas=None, rank=None), 0, {}, None),
    (lambda rank: make(SWAPPED if rank else TABLE, num_replicas=2, rank=rank), 0, {}, r"differ in experiments \("),
    (lambda rank: make(num_replicas=2, rank=rank, **other("seed", rank, 9, 2)), 0, {}, r"differ in seed \(2, 9\)"),
    (
        lambda rank: make(num_replicas=2, rank=rank, **other("leaky", rank, 0.5, 0.0)),
        0,
        {},
        r"differ in leaky \(0.0, 0",
    ),
    (lambda rank: make(num_replicas=2, rank=rank), 1, {}, r"differ in epoch \(0, 1\)"),
    (lambda rank: make(num_replicas=2 + rank, rank=rank), 0, {}, r"differ in num_replicas \(2, 3\)"),
    (lambda rank: make(num_replicas=2, rank=0), 0, {}, r"ranks \[0, 0\] of 2: each rank from 0 to 1 must"),
    (lambda rank: make(num_replicas=3, rank=rank), 0, {}, "num_replicas is 3, and there are 2 processes"),
    (lambda rank: make(), 0, {}, "num_replicas is 1, and there are 2 processes"),
    (lambda rank: make(), 0, {"whole_world": False}, None),
    (lambda rank: make(num_replicas=2, rank=0), 0, {"whole_world": False}, r"ranks \[0, 0\] of 2"),
    (lambda rank: make(num_replicas=3, rank=rank), 0, {"whole_world": False}, r"ranks \[0, 1\] of 3"),
]


def check_all(rank):
    """Every case in one group: a rank that came to another end than the others would make the next one hang."""
    told = []
    for build, epoch, arguments, _ in CASES:
        sampler = build(rank)
        sampler.set_epoch(epoch * rank)
        try:
            told.append(sampler.check_ranks(**arguments))
        except ValueError as error:
            told.append(str(error))
    return told


def test_check_ranks_comes_to_one_end_on_all_ranks(tmp_path):
    first, second = in_group(check_all, 2, tmp_path)
    assert first == second
    for told, (*_, expected) in zip(first, CASES, strict=True):
        if expected is None:
            assert told is None
        else:
            assert told is not None
            assert re.search(expected, told)


def look_around(rank):
    asked = make(num_replicas=None, rank=None)
    assert "rank still to be asked for" in repr(asked)
    alone = make()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        iterator = iter(alone)
        len(alone)
        assert not caught
        next(iterator)
        next(iterator)
        list(alone)
        assert [(warning.category, "num_replicas=None" in str(warning.message)) for warning in caught] == [
            (SameBatchesWarning, True)
        ]
        list(make(num_replicas=3, rank=rank))
        own = [batch.tolist() for batch in asked]
        assert len(caught) == 1
        warnings.simplefilter("ignore", RanksWarning)
        list(make())
        assert len(caught) == 1
        warnings.simplefilter("error", RanksWarning)
        with pytest.raises(SameBatchesWarning):
            next(iter(make()))
    return asked.num_replicas, asked.rank, len(asked), own


def test_a_group_is_asked_where_told_to_and_warned_of_where_not(tmp_path):
    told = in_group(look_around, 3, tmp_path)
    alone = [batch.tolist() for batch in make()]
    assert [(replicas, rank, length) for replicas, rank, length, _ in told] == [(3, 0, 4), (3, 1, 4), (3, 2, 4)]
    assert [told[turn % 3][3][turn // 3] for turn in range(12)] == alone


def test_where_there_is_no_group():
    sampler = make(num_replicas=None, rank=None)
    for call in (lambda: len(sampler), lambda: next(iter(sampler)), lambda: sampler.rank, sampler.state_dict):
        with pytest.raises(RuntimeError, match=r"call torch.distributed.init_process_group\(\) before"):
            call()
    with pytest.raises(RuntimeError, match="process group is not initialised"):
        make().check_ranks()


def dealt(folder, world):
    """What all ranks of a run saw, epoch by epoch, in the global order, once they agree in their numbers."""
    told = [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(world)]
    assert len({rank["length"] for rank in told}) == 1
    epochs = list(zip(*(rank["seen"] for rank in told), strict=True))
    for ranks in epochs:
        assert len({len(batches) for batches in ranks}) == 1
    return told[0], [list(itertools.chain(*zip(*ranks, strict=True))) for ranks in epochs]


def test_ddp_under_torchrun_and_its_state_on_other_numbers_of_ranks(tmp_path):
    program = Path(ddp_program.__file__)
    alone = ddp_program.make()
    expected = [[alone.batch(k, epoch).tolist() for k in range(31)] for epoch in range(ddp_program.EPOCHS)]
    folders = [tmp_path / name for name in ("two", "three")]
    for folder in folders:
        folder.mkdir()

    torchrun(program, 2, folders[0])
    told, epochs = dealt(folders[0], 2)
    assert told["length"] == 16
    assert [len(batches) for batches in epochs] == [32, 32]
    assert [batches[:31] for batches in epochs] == expected
    done = told["state"]["batches"]
    assert (told["state"]["epoch"], done) == (0, 2 * ddp_program.STATE_AFTER)
    (tmp_path / "state.json").write_text(json.dumps(told["state"]))

    torchrun(program, 3, folders[1], tmp_path / "state.json")
    told, epochs = dealt(folders[1], 3)
    assert told["length"] == 11
    assert [len(batches) for batches in epochs] == [18, 33]
    assert [epochs[0][: 31 - done], epochs[1][:31]] == [expected[0][done:], expected[1]]

    alone.load_state_dict(json.loads((tmp_path / "state.json").read_text()))
    loader = DataLoader(torch.arange(1000), batch_sampler=alone)
    assert [[rows.tolist() for rows in loader] for _ in range(2)] == [expected[0][done:], expected[1]]
