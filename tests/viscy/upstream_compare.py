"""Whole epochs of the adapter against upstream's own sampler, on drawn tables and arguments. `make test-upstream` runs it.

Where the two differ on purpose (docs/specification.md, section 5) the draw keeps away, and each difference has its own
test, so that this file also tells when upstream changes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cascade_sampler import viscy
from upstream import load_upstream

CASES = 300


Upstream = load_upstream().FlexibleBatchSampler
SAMPLERS = {"upstream": Upstream, "here": viscy.FlexibleBatchSampler}


def epochs(sampler: Any, epoch: int, count: int = 1) -> list[list[int]]:
    sampler.set_epoch(epoch)
    return [[int(row) for row in batch] for _ in range(count) for batch in sampler]


def same(table: pd.DataFrame, epoch: int = 0, count: int = 1, **arguments: Any) -> list[list[int]]:
    theirs = epochs(Upstream(table, **arguments), epoch, count)
    ours = epochs(viscy.FlexibleBatchSampler(table, **arguments), epoch, count)
    assert ours == theirs, arguments
    return ours


def drawn_table(random: np.random.Generator) -> pd.DataFrame:
    rows = int(
        random.choice(
            [random.integers(3, 40), random.integers(40, 1500), random.integers(20_000, 40_000)], p=[0.2, 0.7, 0.1]
        )
    )
    # Squares leave some groups small.
    share = random.random(rows) ** random.choice([1, 3])
    groups = (share * random.integers(1, 30)).astype(int)
    strata = random.integers(0, random.integers(1, 8), rows)
    text = np.array(
        [f"{name}{number}" for number, name in enumerate(["é", "B", "a", "Z", "a|", "_"] * 5)], dtype=object
    )
    letters = np.array(["w", "x", "Y", "z", "0", "10", "9", "é"], dtype=object)
    ticks = random.integers(0, random.choice([1, 3, 48, 300, 100_000]), rows)
    hours = {
        "float64": lambda: 0.25 * ticks - random.choice([0.0, 12.0]),
        "float32": lambda: (ticks * random.choice([0.5, 1 / 6, 0.1])).astype(np.float32),
        "int64": lambda: ticks - int(random.choice([0, 50])),
        "int32": lambda: ticks.astype(np.int32),
    }[random.choice(["float64", "float32", "float32", "int64", "int32"])]()
    # An order of categories that is not that of their values, and one without rows.
    shuffled = [*random.permutation(np.unique(letters[strata])), "without rows"]
    return pd.DataFrame(
        {
            "experiment": text[groups],
            "marker": pd.Categorical(text[groups]),
            "perturbation": letters[strata],
            "well": pd.Categorical(letters[strata], categories=shuffled),
            "number": strata - 2,
            "dose": np.array([0.0, 0.1, 1.5, 10.0, 1e-5, -2.0, 100.0, 1e16])[strata],
            "narrow": np.array([0.0, 0.1, 1.5, 10.0, 1e-5, -2.0, 100.0, 1e16], dtype=np.float32)[strata],
            "flag": strata % 2 == 0,
            "hours_post_perturbation": hours,
        }
    )


COLUMNS = ["experiment", "marker", "perturbation", "well", "number", "dose", "narrow", "flag"]


def drawn_key(random: np.random.Generator) -> str | list[str] | None:
    kind = random.random()
    if kind < 0.2:
        return None
    if kind < 0.6:
        return str(random.choice(COLUMNS))
    return [str(name) for name in random.choice(COLUMNS, size=random.integers(1, 4), replace=False)]


def text_of(table: pd.DataFrame, key: str | list[str]) -> pd.Series:
    columns = [key] if isinstance(key, str) else key
    parts = [table[name].astype(str) for name in columns]
    return pd.Series(["|".join(label) for label in zip(*parts, strict=True)], index=table.index)


def drawn(number: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    random = np.random.default_rng([2026, number])
    table = drawn_table(random)
    group = drawn_key(random)
    arguments: dict[str, Any] = {
        # Whole epochs, but none of more than a hundred of upstream's batches.
        "batch_size": int(random.integers(1 + len(table) // 100, 2 + min(len(table) // 2, 600))),
        "batch_group_by": group,
        "stratify_by": drawn_key(random),
        "leaky": float(random.choice([0.0, 0.0, 0.1, 0.29, 0.5])),
        "seed": int(random.choice([0, 1, 42, 2**32, 2**63 - 9, random.integers(2**40)])),
        "temporal_enrichment": bool(random.random() < 0.5),
        "temporal_window_hours": float(random.choice([0.0, 0.3, 0.5, 2.0, 10.0, math.inf])),
        "temporal_global_fraction": float(random.choice([0.0, 0.29, 0.3, 0.5, 1.0])),
    }
    if group is not None and group not in ("narrow", ["narrow"]) and random.random() < 0.4:
        names = sorted(set(text_of(table, group)))
        named = random.choice(names, size=random.integers(1, len(names) + 1), replace=False)
        arguments["group_weights"] = {str(name): round(float(random.random() * 5) + 0.001, 3) for name in named}
    return table, arguments


def differs_on_purpose(table: pd.DataFrame, arguments: dict[str, Any]) -> bool:
    group, stratum, size = arguments["batch_group_by"], arguments["stratify_by"], arguments["batch_size"]
    leak = int(size * arguments["leaky"]) if group is not None else 0
    if leak:
        sizes = text_of(table, group).value_counts()
        if len(sizes) == 1 or (len(table) - sizes).min() < leak:
            return True
    if stratum is None or arguments["temporal_enrichment"]:
        return False
    within = text_of(table, group) if group is not None else pd.Series("all", index=table.index)
    shares = text_of(table, stratum).groupby(within).nunique()
    seats = size - leak
    return any(
        int(seats * (1 / count)) != math.floor((seats * (1 / count)) / math.fsum([1 / count] * count) + 1e-9)
        for count in shares.unique().tolist()
    )


@pytest.mark.parametrize("number", range(CASES))
def test_drawn(number: int) -> None:
    table, arguments = drawn(number)
    if differs_on_purpose(table, arguments):
        arguments |= {"leaky": 0.0, "stratify_by": None}
    same(table, epoch=number % 5, count=2, **arguments)


def test_the_draw_reaches_all_features() -> None:
    cases = [drawn(number) for number in range(CASES)]
    kept = [arguments for table, arguments in cases if not differs_on_purpose(table, arguments)]
    assert len(kept) > CASES * 0.7
    for reached in (
        lambda a: a["temporal_enrichment"] and a["leaky"] and a["batch_group_by"] and "group_weights" in a,
        lambda a: a["stratify_by"] and a["batch_group_by"] and not a["temporal_enrichment"] and a["leaky"],
        lambda a: isinstance(a["batch_group_by"], list) and len(a["batch_group_by"]) > 1 and "group_weights" in a,
        lambda a: a["batch_group_by"] is None and a["temporal_enrichment"],
        lambda a: a["batch_group_by"] is None and a["stratify_by"] and not a["temporal_enrichment"],
    ):
        assert sum(bool(reached(arguments)) for arguments in kept) >= 5
    assert sum(table["hours_post_perturbation"].dtype == np.float32 for table, _ in cases) > 20


@pytest.mark.parametrize("argument", ["batch_size", "seed"])
def test_defaults(argument: str) -> None:
    random = np.random.default_rng(3)
    table = pd.DataFrame({"perturbation": random.choice(["a", "b", "c"], 5000)})
    same(table)
    same(table, **{argument: 7})
    assert [len(batch) for batch in same(table)] == [128] * 39


def test_positions_of_arguments() -> None:
    random = np.random.default_rng(4)
    table = pd.DataFrame({name: random.integers(0, 3, 600) for name in ("k", "s", "hours_post_perturbation")})
    positional = (table, 20, "k", 0.2, {"0": 1.0, "2": 2.0}, "s", False, 1.0, 0.5, 2, 1, 9, True)
    assert epochs(viscy.FlexibleBatchSampler(*positional), 1) == epochs(Upstream(*positional), 1)


@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_ranks(replicas: int) -> None:
    random = np.random.default_rng(5)
    table = pd.DataFrame({"k": random.integers(0, 3, 1000), "perturbation": random.integers(0, 3, 1000)})
    for rank in range(replicas):
        same(table, batch_size=50, batch_group_by="k", num_replicas=replicas, rank=rank)


# What differs on purpose, one by one.

TWO = pd.DataFrame({"k": ["a"] * 30 + ["b"] * 10, "perturbation": ["x", "y"] * 20})


def test_last_round() -> None:
    arguments = {"batch_size": 10, "stratify_by": None, "num_replicas": 3}
    counts = {
        name: [len(epochs(make(TWO, **arguments, rank=rank), 0)) for rank in range(3)]
        for name, make in SAMPLERS.items()
    }
    assert counts == {"upstream": [2, 1, 1], "here": [2, 2, 2]}
    assert {len(make(TWO, **arguments)) for make in SAMPLERS.values()} == {2}


def test_leak_with_one_group() -> None:
    arguments = {"batch_size": 10, "batch_group_by": "k", "stratify_by": None, "leaky": 0.5}
    with pytest.raises(ValueError, match="concatenate"):
        epochs(Upstream(TWO[:30], **arguments), 0)
    assert [len(batch) for batch in epochs(viscy.FlexibleBatchSampler(TWO[:30], **arguments), 0)] == [10] * 3


def test_small_leak_pool() -> None:
    arguments = {
        "batch_size": 40,
        "batch_group_by": "k",
        "stratify_by": None,
        "leaky": 0.5,
        "group_weights": {"a": 1.0},
    }
    sizes = {name: [len(batch) for batch in epochs(make(TWO, **arguments), 0)] for name, make in SAMPLERS.items()}
    assert sizes == {"upstream": [30], "here": [40]}


def test_quotas_that_round() -> None:
    table = pd.DataFrame({"perturbation": np.arange(490) % 49})
    strata = {
        name: [len(set(table["perturbation"][batch])) for batch in epochs(make(table, batch_size=49), 0)]
        for name, make in SAMPLERS.items()
    }
    assert strata == {"upstream": [1] * 10, "here": [49] * 10}


def test_temporal_with_strata() -> None:
    table = TWO.assign(hours_post_perturbation=np.arange(40) // 4)
    arguments = {"batch_size": 10, "temporal_enrichment": True, "seed": 3}
    without = same(table, **arguments)
    assert same(table, **arguments, stratify_by=None) == without
    with_both = epochs(viscy.FlexibleBatchSampler(table, **arguments, keep_strata=True), 0)
    assert all((table["perturbation"][batch] == "x").sum() == 5 for batch in with_both)
    assert not all((table["perturbation"][batch] == "x").sum() == 5 for batch in without)


def test_drop_last() -> None:
    arguments = {"batch_size": 12, "stratify_by": None, "drop_last": False}
    sizes = {name: [len(batch) for batch in epochs(make(TWO, **arguments), 0)] for name, make in SAMPLERS.items()}
    assert sizes == {"upstream": [12] * 3, "here": [12, 12, 12, 4]}


def test_joined_texts_that_collide() -> None:
    table = pd.DataFrame({"k": ["a|b", "a"] * 20, "s": ["c", "b|c"] * 20})
    arguments = {"batch_size": 10, "batch_group_by": ["k", "s"], "stratify_by": None}
    assert all(len(set(table["k"][batch])) == 2 for batch in epochs(Upstream(table, **arguments), 0))
    with pytest.raises(ValueError, match="same text"):
        viscy.FlexibleBatchSampler(table, **arguments)


def test_missing_labels() -> None:
    table = TWO.assign(k=TWO["k"].where(TWO.index % 4 > 0, None))
    arguments = {"batch_size": 10, "batch_group_by": "k", "stratify_by": None}
    assert all(
        row % 4 for batch in epochs(Upstream(table, **arguments, group_weights={"a": 1, "b": 1}), 0) for row in batch
    )
    with pytest.raises(ValueError, match="10 rows without a label"):
        viscy.FlexibleBatchSampler(table, **arguments)
    sampler = viscy.FlexibleBatchSampler(table, **arguments, missing="exclude")
    assert all(row % 4 for batch in epochs(sampler, 0) for row in batch)


def test_missing_times() -> None:
    table = TWO.assign(hours_post_perturbation=np.where(TWO.index % 4 > 0, 1.0, np.nan))
    arguments = {"batch_size": 10, "temporal_enrichment": True, "temporal_global_fraction": 0.0}
    epochs(Upstream(table, **arguments), 0)
    with pytest.raises(ValueError, match="10 rows without a time"):
        viscy.FlexibleBatchSampler(table, **arguments)


def test_names_without_rows() -> None:
    arguments = {"batch_size": 10, "batch_group_by": "k"}
    same(TWO, **arguments, group_weights={"a": 1.0, "c": 1.0, "d": 5.0, "b": 0.5})
    same(TWO, **arguments, group_weights=pd.Series({"b": 1.0, "c": 1.0}))
    with pytest.raises(ValueError, match="no group that has rows"):
        viscy.FlexibleBatchSampler(TWO, **arguments, group_weights={"c": 1.0})


@pytest.mark.parametrize("rows", [1, 9])
def test_fewer_rows_than_a_batch(rows: int) -> None:
    arguments = {"batch_size": 10, "batch_group_by": "k"}
    for make in SAMPLERS.values():
        sampler = make(TWO[:rows], **arguments)
        assert len(sampler) == 0
        assert list(sampler) == []


@pytest.mark.parametrize("argument", ["batch_group_by", "stratify_by"])
@pytest.mark.parametrize("key", [None, "k", ["k"], ["k", "perturbation"]])
def test_attributes(argument: str, key: str | list[str] | None) -> None:
    arguments = {argument: key, "leaky": 0.25, "group_weights": {"a": 2.0, "a|x": 1.0}, "temporal_window_hours": 3.0}
    theirs = Upstream(TWO, batch_size=10, **arguments)
    ours = viscy.FlexibleBatchSampler(TWO, batch_size=10, **arguments)
    public = [name for name in vars(theirs) if not name.startswith("_") and name != "valid_anchors"]
    assert {name: getattr(ours, name) for name in public} == {name: getattr(theirs, name) for name in public}
    assert ours.valid_anchors is theirs.valid_anchors


MOMENTS = [
    ["2026-01-01", "2026-01-02"],
    ["2026-01-01", "2026-01-02 12:30"],
    ["2026-01-01", "2026-01-02 12:30:00.5"],
    ["2026-01-01 00:00:00.000001", "2026-01-02 12:30:00.25"],
    ["2026-01-01 00:00:00.000000001", "2026-01-02 12:30:00.5"],
]


@pytest.mark.parametrize("moments", MOMENTS)
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata", "America/New_York"])
def test_texts_of_moments(moments: list[str], zone: str | None) -> None:
    column = pd.to_datetime(pd.Series(moments), format="ISO8601").dt.tz_localize(zone)
    table = pd.DataFrame({"k": np.repeat(column, 20), "s": ["x", "y"] * 20}).reset_index(drop=True)
    arguments = {"batch_size": 10, "stratify_by": None}
    for key in ("k", ["s", "k"]):
        names = list(Upstream(table, batch_group_by=key, **arguments)._group_indices)
        same(table, batch_group_by=key, group_weights={names[-1]: 1.0}, **arguments)


@pytest.mark.parametrize("hours", [[1.0, 36.0], [-1.5, 0.0], [0.001, 1.0], [1 / 3.6e12, 50.0]])
def test_texts_of_durations(hours: list[float]) -> None:
    table = pd.DataFrame({"k": np.repeat(pd.to_timedelta(hours, unit="h"), 20)})
    arguments = {"batch_size": 10, "stratify_by": None, "batch_group_by": "k"}
    for name in Upstream(table, **arguments)._group_indices:
        same(table, group_weights={name: 1.0}, **arguments)


def test_names_of_narrow_floats() -> None:
    # Upstream writes the label of a single column as a double, and that of several in its own width.
    table = TWO.assign(k=np.where(TWO["k"] == "a", 0.1, 0.5).astype(np.float32))
    arguments = {"batch_size": 10, "batch_group_by": "k"}
    theirs = same(table, **arguments, group_weights={"0.10000000149011612": 1.0, "0.5": 2.0})
    assert epochs(viscy.FlexibleBatchSampler(table, **arguments, group_weights={"0.1": 1.0, "0.5": 2.0}), 0) == theirs


def test_another_index() -> None:
    table = TWO.set_axis(np.arange(40) + 1000)
    arguments = {"batch_size": 10, "batch_group_by": "k", "stratify_by": None}
    assert min(row for batch in epochs(Upstream(table, **arguments), 0) for row in batch) >= 1000
    assert epochs(viscy.FlexibleBatchSampler(table, **arguments), 0) == same(TWO, **arguments)


def test_unsigned_times() -> None:
    table = TWO.assign(hours_post_perturbation=(np.arange(40) // 4).astype(np.uint8))
    arguments = {"batch_size": 10, "temporal_enrichment": True}
    signed = table.astype({"hours_post_perturbation": np.int64})
    assert epochs(viscy.FlexibleBatchSampler(table, **arguments), 0) == same(signed, **arguments)
    assert epochs(Upstream(table, **arguments), 0) != same(signed, **arguments)
