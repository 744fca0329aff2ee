"""Drawn tables and arguments of version 1, with the oracle that knows their batches."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from oracle import Oracle

proportion = st.one_of(st.just(0.0), st.floats(0.01, 100.0))


@st.composite
def times(draw, rows):
    """Hours in every width, with ties and without, on both sides of zero, and such as differ by what rounds away."""
    dtype = draw(st.sampled_from(["float64", "float32", "int64", "int8", "uint16"]))
    if draw(st.integers(0, 3)) == 0 and not dtype.endswith("8"):
        return np.array(draw(st.permutations(range(rows)))).astype(dtype)
    if dtype in ("float64", "float32"):
        width = 32 if dtype == "float32" else 64
        hours = draw(
            st.sampled_from(
                [
                    st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.3, -0.1, 1 / 3, 2.0, -2.0, 1e-320, 1e30]),
                    st.integers(-300, 300).map(lambda number: number / 6),
                    st.floats(-30, 30, width=width),
                    st.floats(allow_nan=False, allow_infinity=False, width=width),
                ]
            )
        )
    else:
        hours = st.integers(max(-120, int(np.iinfo(dtype).min)), 120)
    if draw(st.booleans()):
        return np.array(draw(st.lists(hours, min_size=rows, max_size=rows))).astype(dtype)
    few = st.sampled_from(draw(st.lists(hours, min_size=1, max_size=8)))
    return np.array(draw(st.lists(few, min_size=rows, max_size=rows))).astype(dtype)


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
