"""Drawn tables and arguments: every batch against the oracle, index for index."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_sampler import FlexibleBatchSampler
from oracle import Oracle
from strategies import proportion, times


@st.composite
def cases(draw):
    rows = draw(st.integers(1, 150))
    labels = st.sampled_from(["b", "a", "é", "Z", "aa", "0"])
    table = {
        "experiment": draw(st.lists(labels, min_size=rows, max_size=rows)),
        "condition": draw(st.lists(st.integers(-2, 3), min_size=rows, max_size=rows)),
    }
    aware, balanced, temporal = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    present = {name: sorted(set(column)) for name, column in table.items()}
    if temporal:
        table["hours_post_infection"] = draw(times(rows))

    def proportions(name):
        return draw(st.none() | st.dictionaries(st.sampled_from(present[name]), proportion, min_size=1))

    arguments = {
        "batch_size": draw(st.integers(1, 60)),
        "leaky": draw(st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0]) | st.floats(0, 1)),
        "seed": draw(st.integers(0, 2**64 - 100)),
        "drop_last": draw(st.booleans()),
        "num_batches": draw(st.none() | st.integers(1, 12)),
    }
    focus = {
        "window": draw(st.sampled_from([0.0, 0.1, 0.3, 0.5, 2.0, 1e300, math.inf]) | st.floats(0, 20)),
        "global_fraction": draw(st.sampled_from([0.0, 0.29, 0.3, 1.0]) | st.floats(0, 1)),
    }
    weights, ratios = proportions("experiment"), proportions("condition")
    if weights is not None and not any(weights.values()):
        weights = None
    oracle = Oracle(
        rows,
        table["experiment"] if aware else None,
        table["condition"] if balanced else None,
        weights=weights,
        ratios=ratios,
        **arguments,
        **({"time": table["hours_post_infection"], **focus} if temporal else {}),
    )
    arguments |= {"experiment_weights": weights, "condition_ratio": ratios, "temporal_enrichment": temporal}
    arguments |= {"temporal_window_hours": focus["window"], "temporal_global_fraction": focus["global_fraction"]}
    arguments |= {"experiment_aware": aware, "condition_balanced": balanced}
    return table, arguments, oracle


def refused(oracle: Oracle) -> str | None:
    """What the sampler must say of this case, or None where it must accept it."""
    if oracle.total() == 0:
        return "do not fill one batch"
    for label in oracle.experiments:
        picked = oracle.experiment is None or oracle.weights is None or oracle.weights.get(label, 0.0) > 0
        present = [condition for condition in oracle.conditions if len(oracle.cells[label, condition])]
        if picked and present and not any((oracle.ratios or {}).get(condition, 1.0) for condition in present):
            return "without a condition"
    return None


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
