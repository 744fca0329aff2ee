"""The warning about groups that are too small to be drawn from without replacement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._tables.shown import count, shown

_MOST = 10


def warning(plan: _core.Plan, experiments: Sequence[Any], conditions: Sequence[Any], only_short: bool) -> str | None:
    """Name the groups that batches draw with replacement, or return None. `only_short`: there is no full batch.

    These are, of the experiments that can be picked: those with fewer rows than a batch's primary, cells below their
    quota, and those whose other experiments have fewer rows than leak in. Rows near a time are not counted: how many
    there are differs from batch to batch, so that few of them at some time say little about a run.
    """
    size, leak, quotas = plan.seats(short=only_short)
    if plan.short:
        # Rounding can give the last condition more seats in the smaller batch.
        quotas = np.maximum(quotas, plan.seats(short=True)[2])
    primary = size - leak
    rows = plan.sizes
    weights = plan.weights
    can_pick = weights > 0 if len(weights) else np.ones(len(rows), dtype=bool)
    parts = []
    small = _worst_first(np.flatnonzero(can_pick & (rows < primary)), rows)
    if len(small):
        named = [f"{_name(experiments, place)} ({count(rows[place], 'row')})" for place in small[:_MOST]]
        seats = count(primary, "primary seat")
        parts.append(f"fewer rows than the {seats} of a batch: {listed(named, len(small))}")
    of_experiment, of_condition, cell_rows = plan.cells()
    below = np.flatnonzero(cell_rows < quotas)
    below = _worst_first(below, np.divide(cell_rows, np.maximum(quotas, 1)))
    if len(below):
        named = [
            f"{_cell(experiments, conditions, of_experiment[cell], of_condition[cell])} "
            f"({count(cell_rows[cell], 'row')}, {count(quotas[cell], 'seat')})"
            for cell in below[:_MOST]
        ]
        parts.append(f"cells below their quota: {listed(named, len(below))}")
    outside = plan.kept - rows
    others = _worst_first(np.flatnonzero(can_pick & (outside < leak) & (leak > 0)), outside)
    if len(others):
        named = [f"{_name(experiments, place)} ({count(outside[place], 'row')})" for place in others[:_MOST]]
        seats = "1 seat that leaks" if leak == 1 else f"{leak:,} seats that leak"
        parts.append(f"fewer rows outside than the {seats}: {listed(named, len(others))}")
    if not parts:
        return None
    return "Some groups are so small that their rows are drawn with replacement. " + "; ".join(parts)


def listed(groups: Sequence[str], number: int) -> str:
    """Return the first of some groups as a sentence lists them, and how many more there are."""
    named = ", ".join(groups)
    return named if number <= len(groups) else f"{named} and {number - len(groups):,} more"


def _worst_first(places: NDArray[np.int64], by: NDArray[Any]) -> NDArray[np.int64]:
    return places[np.argsort(by[places], kind="stable")]


def _name(experiments: Sequence[Any], place: int) -> str:
    return shown(experiments[place]) if experiments else "all rows"


def _cell(experiments: Sequence[Any], conditions: Sequence[Any], experiment: int, condition: int) -> str:
    label = shown(conditions[condition])
    return f"{shown(experiments[experiment])} / {label}" if experiments else label
