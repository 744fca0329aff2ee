"""What is drawn with replacement, and what has no effect, is said once."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from cascade_sampler import FlexibleBatchSampler
from launch import torchrun


@pytest.fixture
def said(caplog):
    def messages(table, **arguments):
        caplog.clear()
        FlexibleBatchSampler(table, **arguments)
        assert all(record.name == "cascade_sampler" for record in caplog.records)
        assert all(record.levelno == logging.WARNING for record in caplog.records)
        return [record.getMessage() for record in caplog.records]

    return messages


def table(sizes, conditions=1):
    experiment = np.repeat([f"e{number:02d}" for number in range(len(sizes))], sizes)
    return {"experiment": experiment, "condition": np.arange(len(experiment)) % conditions}


def test_nothing_to_say(said):
    assert said(table([100, 100], 2), batch_size=50, leaky=0.2, experiment_weights={"e00": 1}) == []
    assert said(table([100, 100], 2), batch_size=100, condition_ratio={0: 0.0}, leaky=0.5) == []


def test_small_experiments(said):
    (message,) = said(table([100, 19, 8]), batch_size=25, leaky=0.2, condition_balanced=False)
    assert "replacement" in message
    assert message.endswith("fewer rows than the 20 primary seats of a batch: 'e01' (19 rows), 'e02' (8 rows)")


def test_experiments_that_are_never_picked_are_not_named(said):
    assert said(table([100, 5]), batch_size=50, experiment_weights={"e00": 1}, condition_balanced=False) == []


def test_ten_are_named_and_the_rest_counted(said):
    (message,) = said(table([100] + [5] * 14), batch_size=20, condition_balanced=False)
    assert message.count("(5 rows)") == 10
    assert message.endswith("'e10' (5 rows) and 4 more")


def test_cells_below_their_quota(said):
    data = {"experiment": ["a"] * 60, "condition": ["rare"] * 5 + ["usual"] * 55}
    (message,) = said(data, batch_size=30)
    assert message.endswith("cells below their quota: 'a' / 'rare' (5 rows, 15 seats)")
    (message,) = said(data, batch_size=30, experiment_aware=False)
    assert message.endswith("cells below their quota: 'rare' (5 rows, 15 seats)")


def test_too_few_rows_to_leak_from(said):
    (message,) = said(table([100, 10]), batch_size=50, leaky=0.8)
    assert message.endswith("fewer rows outside than the 40 seats that leak: 'e00' (10 rows)")


def test_a_table_smaller_than_its_batches(said):
    off = {"experiment_aware": False, "condition_balanced": False, "batch_size": 20}
    (message,) = said(table([10]), **off, num_batches=1)
    assert message.endswith("all rows (10 rows)")
    assert said(table([10]), **off, drop_last=False) == []
    assert len(said(table([10]), **off, drop_last=False, num_replicas=2)) == 1


def test_arguments_without_effect(said):
    data = table([100, 100])
    (message,) = said(
        data,
        batch_size=20,
        experiment_aware=False,
        leaky=0.2,
        experiment_weights={"no such name": 1},
        experiment_key="no such column",
        condition_balanced=False,
        condition_ratio={"no such name": 1},
        condition_key="no such column",
        drop_last=False,
        num_batches=5,
    )
    assert message == (
        "These arguments have no effect: leaky (experiment_aware=False), experiment_weights (experiment_aware=False), "
        "experiment_key (experiment_aware=False), condition_ratio (condition_balanced=False), "
        "condition_key (condition_balanced=False), drop_last (num_batches is given)"
    )
    assert said(data, batch_size=20, leaky=0.04) == ["These arguments have no effect: leaky (int(20 * 0.04) is 0)"]
    assert said(table([100]), batch_size=20, leaky=0.5) == [
        "These arguments have no effect: leaky (there is no other experiment)"
    ]


@pytest.mark.parametrize(("rank", "lines"), [(0, 1), (1, 0), (None, 1)])
def test_a_sampler_of_another_rank_says_nothing(said, rank, lines):
    deal = {} if rank is None else {"num_replicas": 2, "rank": rank}
    assert len(said(table([100, 10]), batch_size=50, condition_balanced=False, **deal)) == lines


@pytest.mark.parametrize(("told", "lines"), [("0", 1), ("3", 0), ("", 1), ("none", 1)])
def test_a_process_that_torchrun_started(said, monkeypatch, told, lines):
    """The rank is asked for when there is something to say."""
    monkeypatch.setenv("RANK", told)
    assert len(said(table([100, 10]), batch_size=50, condition_balanced=False)) == lines


def test_two_processes_say_it_once(tmp_path):
    torchrun(Path(__file__).with_name("log_program.py"), 2, tmp_path)
    lines = [(tmp_path / f"rank{rank}.txt").read_text().splitlines() for rank in range(2)]
    assert [len(each) for each in lines] == [2, 0]
