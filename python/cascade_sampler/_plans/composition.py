"""What the seats of a batch are beside what was asked for: the worst experiments first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._tables.labels import by_label
from cascade_sampler._tables.shown import count, shown

_TOO_MANY = 1.5
"""So many times its share the last condition may have without a word: VisCy's rule for its own warning."""


@dataclass(frozen=True)
class Uneven:
    """An experiment whose conditions do not get what the ratios ask for. Experiment and condition are positions."""

    experiment: int
    """-1 where experiments are not used."""
    conditions: int
    """How many take part."""
    without: int
    """How many of these have no seat."""
    seats: int
    """Seats of a batch that are split over them."""
    last: int
    """The condition that gets what is left over."""
    last_seats: int
    last_share: float
    """Seats that the ratios ask for."""
    others: tuple[int, int]
    """Fewest and most seats of the others; (0, 0) where there are none."""

    @property
    def times(self) -> float:
        """How many times its share the last condition gets."""
        return self.last_seats / self.last_share


def ratios_of(given: Mapping[Any, float] | None, conditions: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return the ratios in the order of the conditions, NaN for one that is not named; None where none are given."""
    return None if given is None else np.array(by_label("condition_ratio", given, conditions, "the table"))


def shares(plan: _core.Plan, ratios: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return what fraction of its experiment's primary seats each cell is asked to have.

    Parameters
    ----------
    plan : Plan
        A plan of drawn batches.
    ratios : numpy.ndarray of shape (conditions,), optional
        From `ratios_of`. One that is not named counts as 1 / (number of conditions with rows in the experiment), as all
        do by default.
    """
    of_experiment, of_condition, _ = plan.cells()
    found = np.full(len(of_experiment), np.nan) if ratios is None else ratios[of_condition]
    found = np.where(np.isnan(found), 1 / np.bincount(of_experiment)[of_experiment], found)
    whole = np.bincount(of_experiment, weights=found)[of_experiment]
    return np.divide(found, whole, out=np.zeros_like(found), where=whole > 0)


def uneven(plan: _core.Plan, asked: NDArray[np.float64], short: bool = False) -> list[Uneven]:
    """Return the experiments where conditions go without a seat, or the last has more than 1.5 times its share.

    Parameters
    ----------
    plan : Plan
        A plan of drawn batches.
    asked : numpy.ndarray of shape (cells,)
        From `shares`.
    short : bool, default False
        Whether to look at the short last batch instead of a full one.

    Returns
    -------
    list of Uneven
        Those with the most conditions without a seat first, then those whose last condition has most.
    """
    size, leak, quotas = plan.seats(short=short)
    of_experiment, of_condition, _ = plan.cells()
    primary = size - leak
    if primary == 0 or not len(of_experiment):
        return []
    weights = plan.weights
    takes_part = asked > 0
    if len(weights):
        takes_part &= weights[of_experiment] > 0
    cells = np.flatnonzero(takes_part)
    if not len(cells):
        return []
    experiments = of_experiment[cells]
    count_of = int(of_experiment.max()) + 1
    last = np.full(count_of, -1, dtype=np.int64)
    # Cells are in order, so that the last one written is the last condition.
    last[experiments] = cells
    conditions = np.bincount(experiments, minlength=count_of)
    without = np.bincount(experiments, weights=quotas[cells] == 0, minlength=count_of).astype(np.int64)
    others = cells[cells != last[experiments]]
    fewest, most = np.full(count_of, np.iinfo(np.int64).max), np.zeros(count_of, dtype=np.int64)
    np.minimum.at(fewest, of_experiment[others], quotas[others])
    np.maximum.at(most, of_experiment[others], quotas[others])
    held, share = quotas[last].astype(np.float64), primary * asked[last]
    is_uneven = (last >= 0) & ((without > 0) | (held > _TOO_MANY * share * (1 + 1e-9)))
    found = [
        Uneven(
            experiment=place if len(weights) else -1,
            conditions=int(conditions[place]),
            without=int(without[place]),
            seats=primary,
            last=int(of_condition[last[place]]),
            last_seats=int(held[place]),
            last_share=float(share[place]),
            others=(min(int(fewest[place]), int(most[place])), int(most[place])),
        )
        for place in np.flatnonzero(is_uneven).tolist()
    ]
    return sorted(found, key=lambda one: (-one.without, -one.times))


def described(
    found: Sequence[Uneven],
    experiments: Sequence[Any],
    conditions: Sequence[Any],
    named: Callable[[Any], str] = shown,
) -> str:
    """Return the worst case with its numbers, and how many more there are. `named` makes words of a label."""
    worst = found[0]
    where = "" if worst.experiment < 0 else f" of {named(experiments[worst.experiment])}"
    told = (
        f"The {count(worst.seats, 'primary seat')} of a batch do not split as asked over the "
        f"{count(worst.conditions, 'condition')}{where}: "
    )
    if worst.without:
        told += f"{count(worst.without, 'condition')} {'gets' if worst.without == 1 else 'get'} no seat, and "
    told += (
        f"the last one, {named(conditions[worst.last])}, gets {count(worst.last_seats, 'seat')}, "
        f"{worst.times:,.1f} times its share of {worst.last_share:,.3g}"
    )
    fewest, most = worst.others
    if not worst.without and worst.conditions > 1:
        told += f", the others {fewest:,}" + (f" to {most:,}" if most > fewest else "")
    if len(found) > 1:
        told += f" ({count(len(found) - 1, 'more experiment')} like it)"
    return told


ADVICE = (
    "Take CascadeSampler, which spreads what is left over (with conditions_per_batch where there are more conditions "
    "than seats), raise batch_size, or take fewer conditions: merge them, or give some the ratio 0 in condition_ratio"
)
"""What to do about it."""
