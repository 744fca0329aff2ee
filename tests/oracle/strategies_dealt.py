"""Drawn tables and arguments of the dealt cascade, with the oracle that knows their batches."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from oracle_dealt import Dealt
from strategies import proportion, times

KEYS = ("experiment", "condition", "time")


@st.composite
def tables(draw: Any, missing: bool) -> dict[str, Any]:
    """A small table of three columns: texts, numbers, hours; with None or NaN in some rows where they may be missing."""
    rows = draw(st.integers(1, 150))
    experiments, conditions = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    labels = st.sampled_from(["b", "a", "é", "Z", "aa", "0"][:experiments])
    table = {
        "experiment": draw(st.lists(labels, min_size=rows, max_size=rows)),
        "condition": draw(st.lists(st.integers(-3, conditions - 4), min_size=rows, max_size=rows)),
        "time": draw(times(rows)),
    }
    if missing:
        gone = st.lists(st.integers(0, rows - 1), max_size=rows // 2, unique=True)
        for name in ("experiment", "condition"):
            for row in draw(gone):
                table[name][row] = None
        table["time"] = table["time"].astype("float32" if table["time"].dtype == "float32" else "float64")
        table["time"][draw(gone)] = math.nan
    return table


@st.composite
def cases(draw: Any) -> tuple[dict[str, Any], dict[str, Any], Dealt]:
    """A table, the arguments of CascadeSampler beside it, and the oracle. Nothing here is an error."""
    missing = draw(st.booleans())
    table = draw(tables(missing))
    used = {name: draw(st.booleans()) for name in KEYS}
    used["time"] = used["time"] and draw(st.booleans())  # times leave little to deal
    columns = {name: table[name] for name in KEYS if used[name]}
    rows = len(table["time"])
    kept = [row for row in range(rows) if not any(lacks(column[row]) for column in columns.values())]
    assume(kept)
    present = {name: sorted({table[name][row] for row in kept}) for name in columns if name != "time"}

    arguments: dict[str, Any] = {
        "leaky": draw(st.sampled_from([0.0, 0.1, 0.29, 0.5]) | st.floats(0, 1)),
        "run_length": draw(st.sampled_from([1, 1, 2, 3, 8, 16]) | st.integers(1, 200)),
        "batches_per_experiment": draw(st.sampled_from([1, 1, 2, 3, 8])),
        "seed": draw(st.sampled_from([0, 2**32 + 5, 2**64 - 1]) | st.integers(0, 2**64 - 1)),
    }
    if draw(st.booleans()):
        arguments["num_batches"] = arguments["batches_per_experiment"] * draw(st.integers(1, 12))
    weights = st.sampled_from(["size", "sqrt", "equal"])
    if used["experiment"]:
        weights |= st.dictionaries(st.sampled_from(present["experiment"]), proportion, min_size=1)
    arguments["experiment_weights"] = draw(weights.filter(lambda given: isinstance(given, str) or any(given.values())))
    if used["time"]:
        arguments["temporal_window_hours"] = draw(st.sampled_from([0.0, 0.3, 2.0, math.inf]) | st.floats(0, 20))
        arguments["temporal_global_fraction"] = draw(st.sampled_from([0.0, 0.29, 0.3, 1.0]) | st.floats(0, 1))
    if used["condition"]:
        arguments |= draw(condition_arguments(present["condition"]))
    # Mostly such a size that every condition can have a seat.
    least = len(present.get("condition", [None])) if draw(st.integers(0, 3)) else 1
    arguments["batch_size"] = draw(st.integers(least, 60))
    oracle = Dealt(rows, **columns, **arguments)
    assume(oracle.refusal() is None)
    keys = {f"{name}_key": name for name in columns}
    return table, {**keys, **arguments, "missing": "exclude" if missing else "error"}, oracle


@st.composite
def condition_arguments(draw: Any, labels: list[int]) -> dict[str, Any]:
    """Ratios, the limit and what is always there, within what the three allow each other."""
    always = draw(st.lists(st.sampled_from(labels), max_size=min(3, len(labels)), unique=True))
    limit = draw(st.none() | st.integers(max(1, len(always)), len(labels) + 2))
    ratios = {}
    for label in draw(st.lists(st.sampled_from(labels), unique=True)):
        free = limit is None or label in always
        ratios[label] = draw(proportion if free else st.sampled_from([0.0, 1.0]))
    return {"always": always, "conditions_per_batch": limit, "condition_ratio": ratios or None}


def lacks(value: Any) -> bool:
    return value is None or value != value
