"""What is said once, when a sampler is made, and by one process of a group."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from cascade_sampler import _core
from cascade_sampler._samplers import ranks, replacement
from cascade_sampler._tables.rows import Rows

_logger = logging.getLogger("cascade_sampler")


class _FirstProcess(logging.Filter):
    """Let the first process of a group speak for all: they have the same table and settings."""

    def filter(self, record: logging.LogRecord) -> bool:
        return ranks.process_rank() == 0


_logger.addFilter(_FirstProcess())


def say(rank: int | None, message: str, *details: Any) -> None:
    """Log a warning, unless the sampler that it is about was given a rank above 0."""
    if not rank:
        _logger.warning(message, *details)


def left_out(rows: Rows, plan: _core.Plan) -> None:
    """Say how many rows ``missing="exclude"`` leaves out, if any."""
    if rows.missing:
        gone = plan.rows - plan.kept
        _logger.warning("missing='exclude' leaves out %d of %d rows: %s", gone, plan.rows, rows.listed_missing())


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


def small_groups(plan: _core.Plan, experiments: Sequence[Any], conditions: Sequence[Any], only_short: bool) -> None:
    """Name the groups whose rows are drawn with replacement, if any."""
    small = replacement.warning(plan, experiments, conditions, only_short)
    if small:
        _logger.warning(small)
