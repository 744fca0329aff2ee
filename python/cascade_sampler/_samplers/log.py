"""What is said once, when a sampler is made, and by one process of a group."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._index.index import Index
from cascade_sampler._plans.composition import ADVICE, described, ratios_of, shares, uneven
from cascade_sampler._samplers import ranks, replacement
from cascade_sampler._tables.shown import shown

_logger = logging.getLogger("cascade_sampler")

_MOST = 10


class _FirstProcess(logging.Filter):
    """Let the first process of a group speak for all: they have the same table and settings."""

    def filter(self, record: logging.LogRecord) -> bool:
        return ranks.process_rank() == 0


_logger.addFilter(_FirstProcess())


def say(rank: int | None, message: str, *details: Any) -> None:
    """Log a warning, unless the sampler that it is about was given a rank above 0."""
    if not rank:
        _logger.warning(message, *details)


def left_out(index: Index) -> None:
    """Say how many rows ``missing="exclude"`` leaves out, if any."""
    if index.kept < index.rows:
        gone = index.rows - index.kept
        _logger.warning(
            "missing='exclude' leaves out %d of %d rows: %s", gone, index.rows, index._facts.listed_left_out()
        )


def without_effect(reasons: Mapping[str, str | bool]) -> None:
    """Name, in one line, the arguments that were given and change nothing: those that have a reason."""
    named = [f"{argument} ({reason})" for argument, reason in reasons.items() if reason]
    if named:
        _logger.warning("These arguments have no effect: %s", ", ".join(named))


def no_leak(plan: _core.Plan, leaky: float) -> dict[str, str]:
    """Return why `leaky` leaks nothing, as `without_effect` takes it; nothing where it does, or is 0."""
    size, leak, _ = plan.seats()
    if leaky == 0 or leak > 0:
        return {}
    if len(plan.sizes) == 1:
        return {"leaky": "there is no other experiment"}
    return {"leaky": f"int({size} * {leaky}) is 0"}


def composition(
    plan: _core.Plan,
    given: Mapping[Any, float] | None,
    experiments: Sequence[Any],
    conditions: Sequence[Any],
    only_short: bool,
) -> None:
    """Say what `condition_ratio` comes to, and where seats do not split as it asks. `only_short`: no batch is full."""
    if not conditions:
        return
    ratios = ratios_of(given, conditions)
    asked = shares(plan, ratios)
    if ratios is not None:
        _proportions(plan, ratios, asked, experiments, conditions)
    found = uneven(plan, asked, short=only_short)
    if found:
        _logger.warning("%s. %s", described(found, experiments, conditions), ADVICE)


def _proportions(
    plan: _core.Plan,
    ratios: NDArray[np.float64],
    asked: NDArray[np.float64],
    experiments: Sequence[Any],
    conditions: Sequence[Any],
) -> None:
    """Say what the shares are where some conditions of an experiment are named and others are not.

    Where all that are named have the ratio 0, the others are equal, as one would think.
    """
    if not (ratios > 0).any():
        return
    of_experiment, of_condition, _ = plan.cells()
    here = np.bincount(of_experiment)
    named = np.bincount(of_experiment, weights=~np.isnan(ratios[of_condition])).astype(np.int64)
    partly = (named > 0) & (named < here)
    if len(plan.weights):
        partly &= plan.weights > 0
    if not partly.any():
        return
    # The worst case: most conditions that were not thought of.
    place = int(np.argmax(np.where(partly, here - named, -1)))
    cells = np.flatnonzero(of_experiment == place)
    cells = cells[np.argsort(-asked[cells], kind="stable")]
    listed = [f"{shown(conditions[of_condition[cell]])}: {asked[cell]:.1%}" for cell in cells[:_MOST].tolist()]
    _logger.warning(
        "condition_ratio names %d of the %d conditions%s, and each other one counts as 1/%d. So the shares are: %s. "
        "List every condition to choose them all",
        named[place],
        here[place],
        f" of {shown(experiments[place])}" if experiments else "",
        here[place],
        replacement.listed(listed, len(cells)),
    )


def small_groups(plan: _core.Plan, experiments: Sequence[Any], conditions: Sequence[Any], only_short: bool) -> None:
    """Name the groups whose rows are drawn with replacement, if any."""
    small = replacement.warning(plan, experiments, conditions, only_short)
    if small:
        _logger.warning(small)
