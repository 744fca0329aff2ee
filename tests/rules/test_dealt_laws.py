"""What follows from the rules of the dealt cascade (docs/specification-2.md, section 5), on the oracle.

Everything goes through the fixture `make`: it takes the arguments of `oracle_dealt.Dealt` and returns what has `total`,
`turn(g, e)` and `seats(g, e)`. The class itself can stand in by way of `batch`, `explain` and its core's step 1.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle_decks as decks
from chi_square import chi_square
from oracle_dealt import Dealt, split
from oracle_origins import LEAK, PRIMARY
from strategies_dealt import cases

Make = Callable[..., Dealt]
RANDOM = np.random.default_rng(20)
EXPERIMENT = np.repeat([0, 1, 2, 3], [150, 37, 90, 8])
CONDITION = RANDOM.integers(0, 4, len(EXPERIMENT))
ROWS = len(EXPERIMENT)


@pytest.fixture(params=[Dealt], ids=["oracle"])
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


def epoch_of(sampler: Dealt, epoch: int) -> list[list[Any]]:
    return [sampler.seats(batch, epoch) for batch in range(sampler.total)]


@pytest.mark.parametrize("batch_size", [1, 7, 10, 64])
@pytest.mark.parametrize(("leaky", "block"), [(0.0, 1), (0.2, 1), (0.2, 4)])
def test_an_epoch_is_a_pass(make: Make, batch_size: int, leaky: float, block: int) -> None:
    sampler = make(ROWS, EXPERIMENT, batch_size=batch_size, leaky=leaky, batches_per_experiment=block, seed=batch_size)
    seats = batch_size - int(batch_size * leaky)
    for epoch in range(6):
        rows = Counter(s.row for batch in epoch_of(sampler, epoch) for s in batch if s.source == PRIMARY)
        assert len(rows) == ROWS
        for label in range(4):
            again = sum(rows[row] - 1 for row in np.flatnonzero(label == EXPERIMENT).tolist())
            assert 0 <= again < seats * block


# Beside the arguments: how many of the conditions take turns, and how many of these a batch has.
CASCADES: list[tuple[dict[str, Any], int, int]] = [
    ({"batch_size": 12}, 0, 0),
    ({"batch_size": 12, "run_length": 3}, 0, 0),
    ({"batch_size": 14, "run_length": 4, "batches_per_experiment": 3}, 0, 0),
    ({"batch_size": 10}, 0, 0),
    ({"batch_size": 12, "leaky": 0.25, "condition_ratio": {0: 3.0, 2: 0.3}}, 0, 0),
    ({"batch_size": 9, "conditions_per_batch": 2, "experiment_weights": "equal"}, 4, 2),
    ({"batch_size": 8, "conditions_per_batch": 3, "always": [1], "batches_per_experiment": 2, "num_batches": 30}, 3, 2),
]


@pytest.mark.parametrize(("arguments", "others", "taken"), CASCADES, ids=str)
def test_a_row_comes_once_a_lap_and_once_a_batch(
    make: Make, arguments: dict[str, Any], others: int, taken: int
) -> None:
    experiment, condition = np.repeat([0, 1], [400, 300]), np.resize([0, 1, 2, 3, 0, 1, 0], 700)
    always, run = arguments.get("always", []), arguments.get("run_length", 1)
    sampler = make(700, experiment, condition, **arguments, seed=4)
    dealt: dict[tuple[int, int, int], list[int]] = {}
    for epoch in range(12):
        for number in range(sampler.total):
            seats = sampler.seats(number, epoch)
            assert len({seat.row for seat in seats}) == len(seats) == arguments["batch_size"]
            label, turn = sampler.turn(number, epoch)
            primary = [seat for seat in seats if seat.source != LEAK]
            present = sorted({seat.condition for seat in primary} | (set() if taken else {0, 1, 2, 3}))
            ratio = {one: arguments.get("condition_ratio", {}).get(one, 1.0) for one in present}
            for one in present:
                share = len(primary) * ratio[one] / sum(ratio.values())
                held = math.floor(share) + (share % 1 >= 0.5)
                if held == 0:
                    continue
                in_turn = taken and one not in always
                index, block = turn, arguments.get("batches_per_experiment", 1)
                if in_turn:
                    index, block = turn // decks.ceil_div(others, taken), 1
                cell = int(((experiment == label) & (condition == one)).sum())
                lap, deal = decks.lap_and_deal(cell, held, block, index)
                length = decks.ceil_div(held, decks.ceil_div(held, run))
                # What fills up the end of a lap has come before.
                if (deal + 1) * decks.ceil_div(held, length) <= cell // length:
                    rows = [seat.row for seat in primary if seat.dealt and seat.condition == one]
                    dealt.setdefault((label, one, lap), []).extend(rows)
    assert len(dealt) > 20
    assert all(len(set(rows)) == len(rows) for rows in dealt.values())


def test_where_seats_divide_a_lap_is_every_row_once(make: Make) -> None:
    condition = np.resize([0, 1, 2], 360)
    sampler = make(360, condition=condition, batch_size=30, seed=8)
    for epoch in range(5):
        rows = [seat.row for batch in epoch_of(sampler, epoch) for seat in batch]
        assert sorted(rows) == list(range(360))
        assert all(seat.dealt for batch in epoch_of(sampler, epoch) for seat in batch)


@pytest.mark.parametrize("run", [2, 5, 8])
def test_runs_are_neighbours(make: Make, run: int) -> None:
    sampler = make(1000, batch_size=40, run_length=run, seed=run)
    for epoch in range(3):
        for batch in epoch_of(sampler, epoch):
            rows = np.array([seat.row for seat in batch]).reshape(-1, run)
            assert (np.diff(rows, axis=1) % 1000 == 1).all()
        rows = [seat.row for batch in epoch_of(sampler, epoch) for seat in batch]
        assert len(set(rows)) > 1000 - run


def test_conditions_take_turns(make: Make) -> None:
    """In laps of the others all have been in equally many batches, but for what fills up the last deals."""
    condition = np.resize(np.arange(9), 900)
    sampler = make(900, condition=condition, batch_size=16, conditions_per_batch=4, always=[8], seed=1)
    present: list[set[int]] = [set() for _ in range(10 * sampler.total)]
    for epoch in range(10):
        for number, batch in enumerate(epoch_of(sampler, epoch)):
            present[sampler.turn(number, epoch)[1]] = {seat.condition for seat in batch}
    assert all(8 in conditions and len(conditions) == 4 for conditions in present)
    # Eight others, three a batch: three batches a lap, the last of them with one that came before.
    for lap in range(len(present) // 3):
        assert set().union(*present[3 * lap : 3 * lap + 3]) == set(range(9))


def test_a_block_has_one_experiment_and_ranks_of_a_step_share_it(make: Make) -> None:
    sampler = make(ROWS, EXPERIMENT, batch_size=8, leaky=0.25, batches_per_experiment=4, seed=2)
    for epoch in range(4):
        labels = [batch[0].experiment for batch in epoch_of(sampler, epoch)]
        assert all(len(set(labels[start : start + 4])) == 1 for start in range(0, len(labels), 4))


@pytest.mark.parametrize(
    "ratios", [[1.0] * 3, [1.0] * 7, [0.3] * 40, [3.0, 1.0], [5.0, 3.0, 2.0, 1.5], [9.0, 0.2, 0.2, 0.1], [0.1, 0.2, 0.7, 1e-6]], ids=str
)  # fmt: skip
def test_odd_seats_are_right_on_average(ratios: list[float]) -> None:
    """Seats of a condition are floor or ceiling of its share; each comes as often as its fraction says."""
    batches = 3000
    for seats in (10, 17):
        taken = np.zeros(len(ratios))
        for batch in range(batches):
            shares = split(decks.batch_generator(3, 0, batch), seats, ratios)
            assert sum(base + odd for _, base, odd in shares) == seats
            for exact, base, odd in shares:
                assert math.floor(exact + 1e-9) <= base + odd <= math.ceil(exact - 1e-9)
            taken += [odd for _, _, odd in shares]
        fractions = np.array([max(0.0, exact - base) for exact, base, _ in shares])
        spread = np.sqrt(np.maximum(batches * fractions * (1 - fractions), 1e-9))
        assert (np.abs(taken - batches * fractions) <= 4 * spread + 1e-3).all()


def test_equal_conditions_share_odd_seats_in_all_pairs() -> None:
    counts: Counter[tuple[int, ...]] = Counter()
    for batch in range(9000):
        shares = split(decks.batch_generator(9, 2, batch), 16, [1.0] * 7)
        counts[tuple(number for number, (_, _, odd) in enumerate(shares) if odd)] += 1
    assert len(counts) == 21
    assert abs(chi_square(np.array(list(counts.values())), 9000 / 21)) < 4


def test_the_first_draws_of_batches_are_uniform() -> None:
    generators = [decks.batch_generator(5, epoch, batch) for epoch in range(20) for batch in range(500)]
    draws = np.array([[generator.integers(20), generator.integers(16), generator.random()] for generator in generators])
    assert abs(chi_square(np.bincount(draws[:, 0].astype(int)), 500.0)) < 4
    assert abs(chi_square(np.bincount((draws[:, 0] * 16 + draws[:, 1]).astype(int)), 31.25)) < 4
    assert abs(chi_square(np.bincount((draws[:, 2] * 50).astype(int)), 200.0)) < 4
    after = draws[:-1, 0] * 20 + draws[1:, 0]
    assert abs(chi_square(np.bincount(after.astype(int)), len(after) / 400)) < 4


WEIGHTS = ["size", "sqrt", "equal", {0: 1.0, 1: 2.0, 2: 0.7, 3: 0.0}]


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
@pytest.mark.parametrize(("number", "block"), [(23, 1), (3, 1), (60, 4)])
def test_experiments_get_their_share_of_batches(make: Make, weights: Any, number: int, block: int) -> None:
    sampler = make(
        ROWS, EXPERIMENT, batch_size=8, experiment_weights=weights, num_batches=number, batches_per_experiment=block
    )
    rows = np.bincount(EXPERIMENT)
    named = {"size": rows, "sqrt": np.sqrt(rows), "equal": np.ones(4)}
    given = named[weights] if isinstance(weights, str) else np.array([weights[label] for label in range(4)])
    share = given / given.sum() * number / block
    epochs, firsts, pairs, total = 1500, [], [], np.zeros(4)
    for epoch in range(epochs):
        blocks = np.array([sampler.turn(batch, epoch)[0] for batch in range(0, number, block)])
        counts = np.bincount(blocks, minlength=4)
        assert (counts >= np.floor(share - 1e-9)).all() and (counts <= np.ceil(share + 1e-9)).all()
        total += counts
        firsts.append(blocks[0])
        pairs.append(blocks[0] * 4 + blocks[1])
    fraction = share - np.floor(share)
    assert (np.abs(total - epochs * share) <= 4 * np.sqrt(epochs * fraction * (1 - fraction)) + 1e-3).all()
    used = given > 0
    assert abs(chi_square(np.bincount(firsts, minlength=4)[used], epochs * given[used] / given.sum())) < 4
    # First and second batch of an epoch: as two cards of one deck, whose makeup is the epoch's own.
    both = np.bincount(pairs, minlength=16).reshape(4, 4)
    assert np.abs(both - both.T).max() < 5 * np.sqrt(both.max())


def test_turns_count_an_experiments_batches(make: Make) -> None:
    """Over all epochs J takes every number once."""
    sampler = make(ROWS, EXPERIMENT, batch_size=8, experiment_weights="sqrt", num_batches=28, batches_per_experiment=4)
    turns: dict[int, list[int]] = {label: [] for label in range(4)}
    for epoch in range(50):
        for batch in range(sampler.total):
            label, turn = sampler.turn(batch, epoch)
            turns[label].append(turn)
    assert all(sorted(found) == list(range(len(found))) for found in turns.values())


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(0, 60))
def test_drawn_cascades_are_what_was_asked(case: tuple[Any, dict[str, Any], Dealt], epoch: int) -> None:
    """Full batches of one experiment and its leak, each condition at the floor or the ceiling of its share."""
    _, arguments, sampler = case
    kept, leaked = set(sampler.kept), sampler.leaked
    for batch in epoch_of(sampler, epoch):
        assert len(batch) == arguments["batch_size"]
        assert kept.issuperset(seat.row for seat in batch)
        primary = [seat for seat in batch if seat.source != LEAK]
        assert len(batch) - len(primary) == leaked
        assert len({seat.experiment for seat in primary}) <= 1
        assert not {seat.experiment for seat in primary} & {seat.experiment for seat in batch[len(primary) :]}
        assert sampler.time is None or not any(seat.dealt for seat in primary)
        counts = Counter(seat.condition for seat in primary)
        if sampler.condition is not None and sampler.conditions_per_batch is None:
            label = primary[0].experiment
            present = {condition for of, condition, _ in sampler.cells if label in (None, of)}
            ratio = {condition: sampler.ratio(condition) for condition in present}
            for condition in present:
                share = len(primary) * ratio[condition] / math.fsum(ratio.values())
                assert math.floor(share + 1e-9) <= counts[condition] <= math.ceil(share - 1e-9)


def test_the_specifications_example() -> None:
    text = (Path(__file__).parents[2] / "docs" / "specification-2.md").read_text()
    lines = re.findall(r"^\| (\d) \| \d: `([ab])`, J = (\d) \| ([\d, ]+) \| \d: `([ab])`, J = (\d) \| ([\d, ]+) \|$", text, re.MULTILINE)  # fmt: skip
    assert len(lines) == 4
    sampler = Dealt(12, ["a"] * 6 + ["b"] * 6, ["x", "y"] * 6, batch_size=4, leaky=0.25, seed=1)
    for batch, *epochs in lines:
        for epoch, (label, turn, rows) in enumerate([epochs[:3], epochs[3:]]):
            assert sampler.turn(int(batch), epoch) == ("ab".index(label), int(turn))
            assert sampler.batch(int(batch), epoch) == [int(row) for row in rows.split(", ")]
