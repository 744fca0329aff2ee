"""The warning about groups that are too small to be drawn from without replacement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cascade_sampler import _core

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
    names = [repr(label) for label in experiments] or ["all rows"]
    parts = []
    small = np.flatnonzero(can_pick & (rows < primary))
    if len(small):
        listed = _listed([f"{names[place]} ({rows[place]} rows)" for place in small[:_MOST]], len(small))
        parts.append(f"fewer rows than the {primary} primary seats of a batch: {listed}")
    of_experiment, of_condition, cell_rows = plan.cells()
    below = np.flatnonzero(cell_rows < quotas)
    if len(below):
        cells = [
            f"{_cell(experiments, conditions, of_experiment[cell], of_condition[cell])} "
            f"({cell_rows[cell]} rows, {quotas[cell]} seats)"
            for cell in below[:_MOST]
        ]
        parts.append(f"cells below their quota: {_listed(cells, len(below))}")
    others = np.flatnonzero(can_pick & (plan.kept - rows < leak) & (leak > 0))
    if len(others):
        listed = _listed([f"{names[place]} ({plan.kept - rows[place]} rows)" for place in others[:_MOST]], len(others))
        parts.append(f"fewer rows outside than the {leak} seats that leak: {listed}")
    if not parts:
        return None
    return "Some groups are so small that their rows are drawn with replacement. " + "; ".join(parts)


def _cell(experiments: Sequence[Any], conditions: Sequence[Any], experiment: int, condition: int) -> str:
    label = repr(conditions[condition])
    return f"{experiments[experiment]!r} / {label}" if experiments else label


def _listed(shown: Sequence[str], count: int) -> str:
    listed = ", ".join(shown)
    return listed if count <= len(shown) else f"{listed} and {count - len(shown)} more"
