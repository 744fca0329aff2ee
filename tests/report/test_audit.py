"""The audit against a recount of the batches themselves, and what is worked out against a simulation."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._report.chance import binomial_range
from strategies import cases, refused
from test_explain import explaining


def uneven(rows=3000, seed=2):
    random = np.random.default_rng(seed)
    return {
        "experiment": np.array(["a", "b", "c", "d"])[np.minimum(random.exponential(0.9, rows), 3).astype(int)],
        "condition": np.array(["x", "y", "z"])[random.integers(0, 3, rows)],
        "hours_post_infection": random.integers(0, 24, rows) / 2,
    }


def close(one, other):
    return one is other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def within(oracle, one, other):
    with np.errstate(over="ignore"):
        return np.abs(oracle.hours[one] - oracle.hours[other]) <= oracle.hours.dtype.type(oracle.window)


def asked_shares(case, experiment):
    """Of the primary seats of an experiment, by condition, as the ratios have them."""
    table, arguments, _ = case
    here = {
        condition
        for one, condition in zip(table["experiment"], table["condition"], strict=True)
        if experiment in (one, None)
    }
    given = arguments.get("condition_ratio") or {}
    parts = {condition: given.get(condition, 1 / len(here)) for condition in here}
    return {condition: part / math.fsum(parts.values()) for condition, part in parts.items()}


@settings(max_examples=80, deadline=None)
@given(cases(), st.integers(0, 60), st.integers(1, 3))
def test_every_column_recounted(case, epoch, epochs):
    table, arguments, oracle = case
    if refused(oracle):
        return
    sampler = FlexibleBatchSampler(table, **arguments)
    audit = sampler.audit(epochs, epoch).to_dict()
    json.dumps(audit, allow_nan=False)
    aware, balanced = arguments["experiment_aware"], arguments["condition_balanced"]
    experiment = table["experiment"] if aware else [None] * oracle.rows
    condition = table["condition"] if balanced else [None] * oracle.rows
    experiments, conditions = (
        sorted(set(experiment)) if aware else [None],
        sorted(set(condition)) if balanced else [None],
    )

    explain = explaining(oracle).explain
    explained = [explain(k, epoch + number) for number in range(epochs) for k in range(oracle.total())]
    picked = Counter(one.label if aware else None for one in explained)
    rows = Counter(experiment)
    of = audit["experiments"]
    assert of["label"] == experiments
    assert of["rows"] == [rows[label] for label in experiments]
    assert of["batches"] == [picked[label] for label in experiments]
    weights = np.diff([0.0, *oracle.cdf()]) if aware else [1.0]
    assert np.allclose(of["weight"], weights)
    assert np.allclose(of["batches_expected"], np.multiply(weights, len(explained)))
    assert np.allclose(of["share"], np.divide(of["batches"], len(explained)))
    for bound in ("low", "high"):
        assert np.allclose(of[f"share_{bound}"], np.divide(of[f"batches_{bound}"], len(explained)))
    seats, leaked, got, cell_leaked, asked = Counter(), Counter(), Counter(), Counter(), Counter()
    replaced, draws, duplicates, times = Counter(), Counter(), Counter(), {}
    pairs, ratio = Counter(), Counter()
    for one in explained:
        label = one.label if aware else None
        sources = one.column("source")
        for row, source in zip(one.rows, sources, strict=True):
            seats[experiment[row]] += 1
            leaked[experiment[row]] += source == 3
            (cell_leaked if source == 3 else got)[experiment[row], condition[row]] += 1
            draws[row] += 1
        primary = sum(source != 3 for source in sources)
        quotas = oracle.quotas(one.label, primary) if balanced else {None: primary}
        for name, quota in quotas.items():
            asked[label, name] += quota
        for name, part in (asked_shares(case, label) if balanced else {None: 1.0}).items():
            ratio[label, name] += primary * part
        replaced[label] += any(one.column("replaced"))
        repeated = len(one.rows) - len(set(one.rows))
        duplicates.update(batches=repeated > 0, seats=repeated)
        if one.focal is not None:
            of_time = times.setdefault(one.focal, Counter())
            of_time.update(batches=1, near=sources.count(1), far=sources.count(2), fallback=sum(one.column("fallback")))
        for first, second in itertools.combinations(one.rows, 2):
            same = experiment[first] == experiment[second], condition[first] == condition[second]
            pairs.update(pairs=1, same_experiment=same[0], same_condition=same[1], same_cell=all(same))
            pairs["near_in_time"] += one.focal is not None and bool(within(oracle, first, second))
    assert of["seats"] == [seats[label] for label in experiments]
    assert of["leaked"] == [leaked[label] for label in experiments]
    assert of["replaced"] == [replaced[label] for label in experiments]
    assert audit["replaced"] == sum(replaced.values())
    assert audit["seats"] == sum(seats.values()) and audit["batches"] == len(explained)

    cells = sorted(set(zip(experiment, condition, strict=True))) if aware or balanced else [(None, None)]
    if aware != balanced:
        cells = [(label, None) for label in experiments] if aware else [(None, name) for name in conditions]
    in_cell = Counter(zip(experiment, condition, strict=True))
    of = audit["cells"]
    assert list(zip(of["experiment"], of["condition"], strict=True)) == cells
    assert of["rows"] == [in_cell[cell] for cell in cells]
    assert of["quota"] == [asked[cell] for cell in cells]
    assert np.allclose(of["ratio"], [ratio[cell] for cell in cells])
    assert of["got"] == [got[cell] for cell in cells] == of["quota"]
    assert of["leaked"] == [cell_leaked[cell] for cell in cells]
    of = audit["conditions"]
    assert of["label"] == conditions
    by_condition = Counter()
    for label, count in zip(audit["cells"]["condition"], audit["cells"]["ratio"], strict=True):
        by_condition[label] += count
    assert np.allclose(of["ratio"], [by_condition[label] for label in conditions])
    for name in ("rows", "quota", "got"):
        by_condition = Counter()
        for label, count in zip(audit["cells"]["condition"], audit["cells"][name], strict=True):
            by_condition[label] += count
        assert of[name] == [by_condition[label] for label in conditions]

    leak = audit["leak"]
    sizes = [len(one.rows) for one in explained]
    assert leak["asked"] == leak["got"] == sum(leaked.values())
    assert leak["asked"] == sum(oracle.leak(size) if aware else 0 for size in sizes)
    assert leak["origins"]["got"] == [leaked[label] for label in experiments]
    expected = Counter()
    for one, size in zip(explained, sizes, strict=True):
        for label in experiments:
            if aware and label != one.label:
                expected[label] += oracle.leak(size) * rows[label] / (oracle.rows - rows[one.label])
    assert np.allclose(leak["origins"]["expected"], [expected[label] for label in experiments])

    of = audit["times"]
    assert of["hours"] == sorted(times)
    for name in ("batches", "near", "far", "fallback"):
        assert of[name] == [times[hours][name] for hours in sorted(times)]
    counts = Counter(draws[row] for row in range(oracle.rows))
    assert audit["draws"] == [counts[times] for times in range(max(counts) + 1)]
    assert audit["duplicates"] == {"batches": duplicates["batches"], "seats": duplicates["seats"]}
    coverage = audit["coverage"]
    seen = [
        len({row for one in explained[: number * oracle.total()] for row in one.rows})
        for number in range(1, epochs + 1)
    ]
    assert coverage["seen"] == seen and coverage["never_drawn"] == oracle.rows - seen[-1]

    table_pairs = Counter(pairs=math.comb(oracle.rows, 2))
    for first, second in itertools.combinations(range(oracle.rows), 2):
        same = experiment[first] == experiment[second], condition[first] == condition[second]
        table_pairs.update(same_experiment=same[0], same_condition=same[1], same_cell=all(same))
        if oracle.time is not None and oracle.rows < 60:
            table_pairs["near_in_time"] += bool(within(oracle, first, second))
    assert audit["pairs"]["pairs"] == pairs["pairs"]
    used = {"same_experiment": aware, "same_condition": balanced, "same_cell": aware and balanced}
    used["near_in_time"] = oracle.time is not None
    for name, is_used in used.items():
        found = audit["pairs"][name]
        assert close(found["got"], pairs[name] / pairs["pairs"] if is_used and pairs["pairs"] else None)
        if name != "near_in_time" or oracle.rows < 60:
            wanted = table_pairs[name] / table_pairs["pairs"] if is_used and oracle.rows > 1 else None
            assert close(found["shuffled"], wanted)

    first = audit["first_batches"]
    shares = Counter()
    for number, one in enumerate(explained[:200]):
        for row, source in zip(one.rows, one.column("source"), strict=True):
            shares[number, one.label if aware else None, experiment[row], condition[row], source == 3] += 1
    names = ("batch", "picked", "experiment", "condition", "leak")
    found = dict(zip(zip(*(first[name] for name in names), strict=True), first["seats"], strict=True))
    assert found == dict(shares) and len(found) == len(first["seats"])


def chance_of(seats, rows):
    return seats / rows if seats <= rows else 1 - (1 - 1 / rows) ** seats


@settings(max_examples=80, deadline=None)
@given(cases())
def test_rows_expected_to_be_seen_by_looking_at_every_row(case):
    """Each row's chance to be in a batch, summed over all that a batch can be."""
    _, arguments, oracle = case
    if refused(oracle):
        return
    missed = np.ones(oracle.rows)
    short = oracle.num_batches is None and not oracle.drop_last and oracle.rows % oracle.batch_size
    for size, batches in ((oracle.batch_size, oracle.total() - bool(short)), (short, bool(short))):
        if batches:
            missed *= (1 - per_batch(oracle, size)) ** batches
    table = case[0]
    found = FlexibleBatchSampler(table, **arguments).audit().coverage
    assert math.isclose(found["expected"][0], (1 - missed).sum(), rel_tol=1e-6, abs_tol=1e-6)
    share = np.interp(1, found["curve"]["epochs"], found["curve"]["share"])
    assert share * oracle.rows <= found["expected"][0] + 1e-6
    for percent, epochs in found["epochs_until"].items():
        never = (missed > 1 - 1e-13).sum() > (1 - int(percent) / 100) * oracle.rows
        if epochs is None:
            assert never
        elif epochs > 1e-6:
            seen = (1 - np.where(missed > 0, missed, 0) ** epochs).sum()
            assert (
                math.isclose(seen, int(percent) / 100 * oracle.rows, rel_tol=1e-4, abs_tol=1e-4)
                or (missed < 1e-9).any()
            )


def per_batch(oracle, size):
    chance = np.zeros(oracle.rows)
    weights = {oracle.experiments[0]: 1.0}
    if oracle.experiment is not None:
        weights = dict(zip(oracle.experiments, np.diff([0.0, *oracle.cdf()]), strict=True))
    leak = oracle.leak(size) if oracle.experiment is not None else 0
    for label, weight in weights.items():
        if not weight:
            continue
        if leak:
            others = oracle.others(label)
            chance[others] += weight * chance_of(leak, len(others))
        seats = size - leak
        cells = [(oracle.pools[label], seats)]
        if oracle.condition is not None:
            cells = [(oracle.cells[label, name], quota) for name, quota in oracle.quotas(label, seats).items()]
        if oracle.time is None:
            for rows, quota in cells:
                chance[rows] += weight * chance_of(quota, len(rows))
            continue
        times = np.unique(oracle.hours[oracle.pools[label]])
        for focal in times:
            before = 0
            for rows, quota in cells:
                far = int((before + quota) * oracle.global_fraction) - int(before * oracle.global_fraction)
                before += quota
                missed = np.ones(len(rows))
                near = oracle.is_near(rows, focal)
                for some, part in ((near, quota - far), (~near, far)):
                    some = some if some.any() else np.ones(len(rows), dtype=bool)
                    missed[some] *= 1 - chance_of(part, int(some.sum()))
                chance[rows] += weight / len(times) * (1 - missed)
    return np.minimum(chance, 1)


def test_shuffling_against_a_simulation():
    table = uneven(400)
    audit = FlexibleBatchSampler(table, batch_size=40, temporal_enrichment=True).audit()
    random = np.random.default_rng(0)
    counts = Counter()
    for _ in range(3000):
        batch = random.choice(400, 40, replace=False)
        one, other = np.triu_indices(40, 1)
        same = {name: column[batch][one] == column[batch][other] for name, column in table.items()}
        hours = table["hours_post_infection"][batch]
        counts.update(
            same_experiment=same["experiment"].mean(),
            same_condition=same["condition"].mean(),
            same_cell=(same["experiment"] & same["condition"]).mean(),
            near_in_time=(abs(hours[one] - hours[other]) <= 2.0).mean(),
        )
    for name, total in counts.items():
        assert abs(total / 3000 - audit.pairs[name]["shuffled"]) < 0.004, name


def test_seen_rows_against_many_epochs():
    table = uneven(2000)
    sampler = FlexibleBatchSampler(table, batch_size=50, leaky=0.1, seed=4)
    coverage = sampler.audit(40).coverage
    assert np.allclose(coverage["seen"], coverage["expected"], rtol=0.05)
    half = coverage["epochs_until"]["50"]
    assert coverage["seen"][math.floor(half) - 1 if half >= 1 else 0] < 1300


@pytest.mark.parametrize("chance", [Fraction(1, 1000), Fraction(1, 7), Fraction(1, 2), Fraction(999, 1000)])
@pytest.mark.parametrize("trials", [1, 2, 17, 300])
def test_the_interval_is_exact(trials, chance):
    below, low, high = Fraction(0), None, None
    for count in range(trials + 1):
        below += math.comb(trials, count) * chance**count * (1 - chance) ** (trials - count)
        low = count if low is None and below >= Fraction(25, 1000) else low
        high = count if high is None and below >= Fraction(975, 1000) else high
    assert binomial_range(trials, float(chance)) == (low, high)


@pytest.mark.slow
def test_the_interval_at_its_ends():
    assert binomial_range(100, 0.0) == (0, 0)
    assert binomial_range(100, 1.0) == (100, 100)
    low, high = binomial_range(10**12, 0.5)
    assert abs(low - (5 * 10**11 - 1.96 * 5 * 10**5)) < 100 and abs(high - (5 * 10**11 + 1.96 * 5 * 10**5)) < 100


def test_rows_that_are_left_out_are_not_counted():
    table = {"experiment": ["a", None, "b", "a", "b", "a", "b", None], "condition": ["x", "y"] * 4}
    audit = FlexibleBatchSampler(table, batch_size=2, missing="exclude").audit(3)
    assert audit.rows == 6 == sum(audit.draws)


@pytest.mark.slow
def test_more_draws_than_a_mark_has_room_for():
    """Many cells leave few bits for counting."""
    rows = 70_000
    table = {"experiment": np.arange(rows) // 2, "condition": np.arange(rows) % 2}
    weights = dict.fromkeys(range(rows // 2), 0.0) | {3: 1.0}
    sampler = FlexibleBatchSampler(table, batch_size=1000, num_batches=200, experiment_weights=weights)
    audit = sampler.audit()
    draws = np.bincount(np.concatenate(list(sampler)), minlength=rows)
    assert {times: rows for times, rows in enumerate(audit.draws) if rows} == dict(Counter(draws.tolist()))
    assert audit.coverage["seen"] == [2]


def test_progress_and_its_errors():
    table = uneven(3000)
    sampler = FlexibleBatchSampler(table, batch_size=10, num_batches=1_000_000)
    told = []
    sampler.audit(2, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (2_000_000, 2_000_000) and told == sorted(told) and len(told) > 1
    with pytest.raises(ZeroDivisionError):
        sampler.audit(20, progress=lambda done, total: 1 / 0)
    with pytest.raises(TypeError, match="progress must be callable"):
        sampler.audit(progress=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"epochs": 1.0}, "epochs must be an integer"),
        ({"epoch": -1}, "epoch must be at least 0"),
        ({"epochs": 2, "epoch": 2**64 - 1}, "epoch must be below"),
    ],
)
def test_epochs_that_are_none(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        FlexibleBatchSampler(uneven(100), batch_size=10).audit(**arguments)


def test_it_prints():
    audit = FlexibleBatchSampler(uneven(), leaky=0.2, temporal_enrichment=True).audit(2)
    assert "usual range" in str(audit) and "epochs 0 to 1" in str(audit)
    assert str(audit) == repr(audit)
    assert max(map(len, str(audit).splitlines())) <= 80
    many = FlexibleBatchSampler({"experiment": np.arange(4000) % 200}, batch_size=10, condition_balanced=False).audit()
    assert "180 more" in str(many) and len(str(many).splitlines()) < 60
    hostile = {"experiment": ["<script>"] * 20, "condition": ["&"] * 20}
    assert "<script>" not in FlexibleBatchSampler(hostile, batch_size=10).audit()._repr_html_()


@pytest.mark.frames
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables_become_frames(library):
    import pandas
    import polars
    import pyarrow

    make = {"pandas": pandas.DataFrame, "polars": polars.DataFrame, "pyarrow": pyarrow.table}[library]
    audit = FlexibleBatchSampler(uneven(), temporal_enrichment=True).audit()
    for name in ("experiments", "conditions", "cells", "times", "first_batches"):
        columns = getattr(audit, name)
        assert len(make(columns)) == len(next(iter(columns.values())))
    make(audit.leak["origins"])
    make(audit.coverage["curve"])


@pytest.mark.parametrize(
    ("column", "labels"),
    [
        (np.array([1, 2], dtype=np.int8), [1, 2]),
        (np.array([0.1, 0.5], dtype=np.float32), [0.1, 0.5]),
        (np.array([False, True]), [False, True]),
        (np.array(["2020-01-01", "2021-05-06T01:00"], dtype="M8[s]"), ["2020-01-01 00:00:00.000000", "2021-05-06 01:00:00.000000"]),
    ],
)  # fmt: skip
def test_labels_are_plain(column, labels):
    audit = FlexibleBatchSampler({"e": np.repeat(column, 5)}, 5, experiment_key="e", condition_balanced=False).audit()
    assert json.loads(json.dumps(audit.to_dict()))["experiments"]["label"] == labels


def test_a_key_of_several_columns():
    table = {"p": ["1", "1", "2", "2"] * 5, "w": [1, 2, 1, 2] * 5, "condition": ["x"] * 20}
    audit = FlexibleBatchSampler(table, 5, experiment_key=["p", "w"]).audit()
    assert audit.experiments["label"] == ["1|1", "1|2", "2|1", "2|2"]
