"""What an audit has to say, and that it says nothing where all is well."""

from __future__ import annotations

import numpy as np
import pytest

from cascade_sampler import FlexibleBatchSampler


def balanced(rows=4000):
    return {
        "experiment": np.arange(rows) % 4,
        "condition": np.arange(rows) // 4 % 2,
        "hours_post_infection": np.arange(rows) // 8 % 20 * 1.0,
    }


def findings(table, epochs=1, **arguments):
    return FlexibleBatchSampler(table, **{"batch_size": 40, **arguments}).audit(epochs).findings


@pytest.mark.parametrize("arguments", [{}, {"leaky": 0.2}, {"temporal_enrichment": True}, {"experiment_aware": False}])
def test_nothing_to_say(arguments):
    assert findings(balanced(), **arguments) == []


def test_nothing_to_say_of_labels_drawn_at_random():
    random = np.random.default_rng(0)
    for rows in (600, 6000):
        table = {"experiment": random.integers(0, 6, rows), "condition": random.integers(0, 4, rows)}
        assert findings(table, batch_size=20) == []


def added(table, experiment, condition, rows, hours=0.0):
    values = {"experiment": experiment, "condition": condition, "hours_post_infection": hours}
    return {name: np.concatenate([column, [values[name]] * rows]) for name, column in table.items()}


def test_small_experiments_and_cells():
    table = added(added(balanced(), 4, 0, 6), 4, 1, 10)
    small, cells = findings(table, num_batches=2000)[:2]
    assert small.startswith("1 experiment has fewer rows than the 40 primary seats of a batch")
    assert "4 (16 rows, each 2.5 times a batch)" in small and "batch_size" in small
    assert cells.startswith("2 cells have fewer rows than seats") and "4 / 0 (6 rows for 20 seats)" in cells


def test_never_picked():
    found = findings(balanced(), experiment_weights={0: 1.0, 1: 1.0, 2: 1.0, 3: 1e-9}, leaky=0.5, num_batches=2000)
    assert len(found) == 1 and "1 experiment that was asked for was never picked in 2,000 batches: 3 (" in found[0]


def test_rows_out_of_reach():
    found = findings(balanced(), experiment_weights={0: 1.0, 1: 1.0, 2: 1.0}, num_batches=1000)
    assert len(found) == 1
    assert (
        "10 epochs are expected to leave 25.0% of the rows unseen, 1,000 of 4,000, 1,000 of which no batch" in found[0]
    )
    assert "3 (1,000 of 1,000)" in found[0]
    assert findings(balanced(), num_batches=1)[-1].startswith("10 epochs are expected to leave 9")


def test_confounded():
    table = added(balanced(), 3, 2, 500)
    single, association = findings(table, batch_size=30, leaky=0.1)
    assert "1 condition occurs in one experiment only" in single and "2 (in 3)" in single
    assert "Cramér's V is 0." in association
    table = {"experiment": np.arange(400) % 2, "condition": np.arange(400) % 2}
    assert any("Cramér's V is 1.00" in one for one in findings(table))


def test_no_leak():
    assert findings(balanced(), leaky=0.01) == [
        "leaky=0.01 leaks nothing: int(40 * 0.01) is 0. Raise leaky to at least 0.025, or leave it out."
    ]
    table = {"experiment": ["a"] * 100, "condition": ["x", "y"] * 50}
    assert "there is no other experiment" in findings(table, leaky=0.5)[0]


def test_a_window_too_wide_or_too_narrow():
    wide = findings(balanced(), temporal_enrichment=True, temporal_window_hours=30.0)
    assert len(wide) == 1 and "holds the whole pool of 4 experiments" in wide[0]
    table = {**balanced(), "hours_post_infection": np.arange(4000) * 1.0}
    narrow = findings(table, temporal_enrichment=True)
    assert len(narrow) == 1 and narrow[0].startswith("8 cells have fewer rows in the window of 2 h than seats near")


def test_the_cell_that_a_narrow_window_leaves_short():
    """An experiment may have rows enough near any time, and one of its cells not."""
    rows = np.arange(4000)
    condition = np.where(rows % 40 < 2, 2, rows // 2 % 2)
    table = {"experiment": rows % 2, "condition": condition, "hours_post_infection": rows // 40 * 0.5}
    sampler = FlexibleBatchSampler(table, 60, temporal_enrichment=True)
    audit = sampler.audit()
    (found,) = [one for one in audit.findings if "window" in one]
    assert found.startswith("2 cells have fewer rows in the window of 2 h than seats near the focal time, so that rows")
    # Counted anew: 14 of the 20 seats are near, and a time has one row of the cell.
    times = np.unique(table["hours_post_infection"])
    near = [(np.abs(times - focal) <= 2).sum() for focal in times]
    told = (
        f"({np.mean(near):,.1f} rows near on average for 14 seats, too few around {np.mean(np.less(near, 14)):.0%} of"
    )
    assert f"0 / 2 {told}" in found


def test_the_worst_cell_of_a_narrow_window_comes_first():
    rows = np.arange(3000)
    condition = np.where(rows % 100 == 0, 1, np.where(rows % 100 < 10, 2, 0))
    table = {"condition": condition, "hours_post_infection": rows // 100 * 1.0}
    around = {"temporal_enrichment": True, "experiment_aware": False, "batch_size": 240}
    (found,) = [one for one in findings(table, **around) if "window" in one]
    assert found.startswith("2 cells have") and 0 < found.index(" 1 (") < found.index(" 2 (")


def test_what_is_serious_and_what_a_notice():
    table = {"experiment": np.arange(400) % 2, "condition": np.arange(400) % 2}
    audit = FlexibleBatchSampler(table, 40, leaky=0.01).audit()
    assert len(audit.severities) == len(audit.findings) == 3
    assert audit.severities == ["serious", "notice", "notice"]
    assert "leaks nothing" in audit.findings[0] and "one experiment only" in audit.findings[1]
    healthy = FlexibleBatchSampler(balanced(), 40).audit()
    assert healthy.severities == []


def test_ratio_quota_and_got_are_three_things():
    audit = FlexibleBatchSampler({"condition": np.arange(5120) % 40}, 512, experiment_aware=False).audit()
    of = audit.conditions
    assert np.allclose(of["ratio"], 12.8 * 10)
    assert of["quota"] == of["got"] == [120] * 39 + [440]
    (found,) = [one for one in audit.findings if "do not split" in one]
    assert "gets 44 seats, 3.4 times its share of 12.8, the others 12" in found and "CascadeSampler" in found
    assert audit.severities[0] == "serious"
    few = FlexibleBatchSampler({"condition": np.arange(400) % 4}, 20, experiment_aware=False, condition_ratio={0: 3.0})
    assert np.allclose(few.audit().conditions["ratio"], np.array([12, 1, 1, 1]) / 15 * 400)


def test_v_of_numpy():
    random = np.random.default_rng(3)
    experiment = random.integers(0, 5, 500)
    condition = (experiment + random.integers(0, 3, 500)) % 7
    observed = np.zeros((5, 7))
    np.add.at(observed, (experiment, condition), 1)
    expected = observed.sum(1, keepdims=True) * observed.sum(0) / 500
    chi = np.where(expected > 0, (observed - expected) ** 2 / np.where(expected > 0, expected, 1), 0).sum()
    audit = FlexibleBatchSampler({"experiment": experiment, "condition": condition}, 10).audit()
    wide = (observed.sum(0) > 0).sum()
    assert np.isclose(audit.association, np.sqrt(chi / 500 / (min(5, wide) - 1)))
