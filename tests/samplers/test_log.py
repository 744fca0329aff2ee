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
    assert message.endswith("fewer rows than the 20 primary seats of a batch: 'e02' (8 rows), 'e01' (19 rows)")


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


def test_seats_that_do_not_split(said):
    data = {"condition": np.arange(10_000) % 100}
    (message,) = said(data, batch_size=32, experiment_aware=False)
    assert message.startswith(
        "The 32 primary seats of a batch do not split as asked over the 100 conditions: 99 conditions get no seat, and "
        "the last one, 99, gets 32 seats, 100.0 times its share of 0.32. "
    )
    for advice in ("CascadeSampler", "conditions_per_batch", "batch_size", "condition_ratio"):
        assert advice in message
    (message,) = said({"condition": np.arange(4000) % 40}, batch_size=512, experiment_aware=False, num_batches=1)
    assert "the last one, 39, gets 44 seats, 3.4 times its share of 12.8, the others 12. " in message


def test_seats_that_split_well_enough(said):
    data = {"condition": np.arange(4000) % 40}
    # 24 seats for a share of 16.2, and 25 for one of 16.225: half more than the share is where it begins.
    assert said(data, batch_size=648, experiment_aware=False) == []
    assert len(said(data, batch_size=649, experiment_aware=False)) == 1
    assert said({"condition": np.arange(90) % 3}, batch_size=4, experiment_aware=False) == []
    assert len(said({"condition": np.arange(90) % 3}, batch_size=5, experiment_aware=False)) == 1


def test_the_worst_experiment_is_named_and_one_that_is_never_picked_is_not(said):
    experiment = np.repeat(["a", "b", "c"], [300, 500, 700])
    condition = np.concatenate([np.arange(300) % 3, np.arange(500) % 5, np.arange(700) % 7])
    data = {"experiment": experiment, "condition": condition}
    (message,) = said(data, batch_size=5)
    assert "over the 7 conditions of 'c': 6 conditions get no seat, and the last one, 6, gets 5 seats" in message
    assert "(1 more experiment like it)" in message
    (message,) = said(data, batch_size=5, experiment_weights={"a": 1, "b": 1})
    assert "over the 3 conditions of 'a': the last one, 2, gets 3 seats" in message and "more experiment" not in message
    (message,) = said(data, batch_size=1, experiment_weights={"a": 1}, drop_last=False)
    assert message.startswith("The 1 primary seat of a batch do") and "gets 1 seat, 3.0 times" in message


def test_a_condition_of_a_small_ratio_goes_without(said):
    data = {"condition": ["x", "y"] * 100}
    (message,) = said(data, batch_size=10, experiment_aware=False, condition_ratio={"x": 0.01, "y": 1.0})
    assert "1 condition gets no seat, and the last one, 'y', gets 10 seats, 1.0 times its share of 9.9" in message


def test_a_ratio_that_names_some_conditions(said):
    (message,) = said(table([400], 4), batch_size=40, condition_ratio={0: 3.0})
    assert message == (
        "condition_ratio names 1 of the 4 conditions of 'e00', and each other one counts as 1/4. So the shares are: "
        "0: 80.0%, 1: 6.7%, 2: 6.7%, 3: 6.7%. List every condition to choose them all"
    )
    assert said(table([400], 4), batch_size=40, condition_ratio=dict.fromkeys(range(4), 2.0)) == []
    # What is left out is named, and the others are equal as one would think.
    assert said(table([400], 4), batch_size=39, condition_ratio={3: 0.0}) == []


def test_singular_and_plural(said):
    data = {"experiment": ["a"] * 2 + ["b"] * 98, "condition": ["x", "y"] + ["y"] * 98}
    (message,) = said(data, batch_size=10)
    assert "'a' (2 rows)" in message and "'a' / 'x' (1 row, 5 seats)" in message


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
