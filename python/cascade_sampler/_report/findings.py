"""What is remarkable about a sampler's epochs, as sentences with numbers and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core

_MOST = 5
_EPOCHS = 10
#: Share of all rows that may be left unseen by ten epochs without a word.
_UNSEEN = 0.01
#: From here on an association is worth a word, after what chance alone makes of it is taken off.
_ASSOCIATED = 0.1
#: Share of the focal times from which on a window is called too wide or too narrow.
_OFTEN = 0.5


@dataclass(frozen=True)
class Facts:
    """What findings are made of. Labels as they are shown; arrays by experiment, or by group of equally likely rows."""

    plan: _core.Plan
    experiments: Sequence[str]
    conditions: Sequence[str]
    leaky: float
    window: float | None
    picked: NDArray[np.uint64]
    batches: int
    unseen_after_ten: NDArray[np.float64]
    reach_rates: NDArray[np.float64]
    reach_rows: NDArray[np.uint64]
    reach_experiments: NDArray[np.int64]
    window_whole: NDArray[np.float64]
    window_scarce: NDArray[np.float64]
    window_near: NDArray[np.float64]
    association: float | None

    @property
    def names(self) -> Sequence[str]:
        """Experiments by name, or the one that all rows are."""
        return self.experiments or ["the table"]

    @property
    def can_pick(self) -> NDArray[np.bool_]:
        """Which experiments can be picked."""
        weights = self.plan.weights
        return weights > 0 if len(weights) else np.ones(1, dtype=bool)


def find(facts: Facts) -> list[str]:
    """Return what there is to say, the gravest first; nothing where there is nothing."""
    return [
        *_small_experiments(facts),
        *_small_cells(facts),
        *_never_picked(facts),
        *_unreached(facts),
        *_confounded(facts),
        *_no_leak(facts),
        *_window(facts),
    ]


def _small_experiments(facts: Facts) -> list[str]:
    size, leak, _ = facts.plan.seats()
    primary, sizes = size - leak, facts.plan.sizes
    small = np.flatnonzero(facts.can_pick & (sizes < primary))
    if not len(small):
        return []
    small = small[np.argsort(sizes[small], kind="stable")]
    listed = [
        f"{facts.names[place]} ({sizes[place]:,} rows, each {primary / sizes[place]:.1f} times a batch)"
        for place in small.tolist()
    ]
    return [
        f"{_count(len(small), 'experiment has', 'experiments have')} fewer rows than the {primary:,} primary seats "
        f"of a batch, so that a batch repeats them: {_listed(listed)}. Lower batch_size, merge them with others, or "
        "give them the weight 0 in experiment_weights, so that they only leak."
    ]


def _small_cells(facts: Facts) -> list[str]:
    if not facts.conditions:
        return []
    plan = facts.plan
    quotas = plan.seats()[2]
    if plan.short:
        # Rounding can give the last condition more seats in the smaller batch.
        quotas = np.maximum(quotas, plan.seats(short=True)[2])
    of_experiment, of_condition, rows = plan.cells()
    below = np.flatnonzero(rows < quotas)
    if not len(below):
        return []
    below = below[np.argsort(rows[below] / quotas[below], kind="stable")]
    listed = []
    for cell in below[:_MOST].tolist():
        name = facts.conditions[of_condition[cell]]
        if facts.experiments:
            name = f"{facts.experiments[of_experiment[cell]]} / {name}"
        listed.append(f"{name} ({rows[cell]:,} rows for {quotas[cell]:,} seats)")
    return [
        f"{_count(len(below), 'cell has', 'cells have')} fewer rows than seats in a batch, so that their rows are "
        f"repeated: {_listed(listed, len(below))}. Lower their share in condition_ratio, lower batch_size, or give the "
        "experiment the weight 0."
    ]


def _never_picked(facts: Facts) -> list[str]:
    if not facts.experiments:
        return []
    weights = facts.plan.weights
    never = np.flatnonzero((weights > 0) & (facts.picked == 0))
    if not len(never):
        return []
    never = never[np.argsort(-weights[never], kind="stable")]
    listed = [
        f"{facts.experiments[place]} ({weights[place] * facts.batches:.2g} batches expected)"
        for place in never.tolist()
    ]
    return [
        f"{_count(len(never), 'experiment that was asked for was', 'experiments that were asked for were')} never "
        f"picked in {facts.batches:,} batches: {_listed(listed)}. Raise their experiment_weights, or train for "
        "more epochs."
    ]


def _unreached(facts: Facts) -> list[str]:
    kept = facts.plan.kept
    never = facts.reach_rates == 0
    expected = float(facts.unseen_after_ten.sum())
    likely = facts.reach_rates * _EPOCHS < np.log(2)
    if expected < _UNSEEN * kept and not likely.any():
        return []
    by_experiment = np.bincount(
        facts.reach_experiments, weights=facts.unseen_after_ten, minlength=len(facts.plan.sizes)
    )
    worst = np.argsort(-by_experiment, kind="stable")
    worst = worst[by_experiment[worst] >= 0.5]
    where = ""
    if facts.experiments and len(worst):
        where = ": " + _listed(
            [
                f"{facts.experiments[place]} ({by_experiment[place]:,.0f} of {facts.plan.sizes[place]:,})"
                for place in worst
            ]
        )
    impossible = int(facts.reach_rows[never].sum())
    can_never = f", {impossible:,} of which no batch can ever hold (weight, ratio or quota 0)" if impossible else ""
    return [
        f"{_EPOCHS} epochs are expected to leave {_share(expected, kept)} of the rows unseen, {expected:,.0f} of "
        f"{kept:,}{can_never}{where}. Raise num_batches, or give these experiments and conditions a larger share."
    ]


def _confounded(facts: Facts) -> list[str]:
    if facts.association is None:
        return []
    of_experiment, of_condition, rows = facts.plan.cells()
    found = []
    occurrences = np.bincount(of_condition, minlength=len(facts.conditions))
    single = np.flatnonzero(occurrences == 1)
    if len(single):
        home = {
            int(condition): int(experiment) for experiment, condition in zip(of_experiment, of_condition, strict=True)
        }
        listed = [f"{facts.conditions[place]} (in {facts.experiments[home[place]]})" for place in single.tolist()]
        found.append(
            f"{_count(len(single), 'condition occurs', 'conditions occur')} in one experiment only, so that what the "
            f"condition does and what the experiment does cannot be told apart: {_listed(listed)}. Read their results "
            "with care, or add experiments that hold them."
        )
    # Bergsma (2013) takes off what a table of this size would show by chance alone.
    height, width, kept = len(facts.experiments), len(facts.conditions), float(rows.sum())
    phi = facts.association**2 * (min(height, width) - 1)
    corrected = phi - (height - 1) * (width - 1) / max(kept - 1, 1)
    if corrected > 0 and np.sqrt(corrected / (min(height, width) - 1)) >= _ASSOCIATED:
        found.append(
            f"Experiment and condition go together in the table: Cramér's V is {facts.association:.2f} (0: "
            "independent, 1: one tells the other). A model can read the condition off the experiment's look; batches "
            "of one experiment take that away, rows that leak bring it back: keep leaky low."
        )
    return found


def _no_leak(facts: Facts) -> list[str]:
    size, leak, _ = facts.plan.seats()
    if facts.leaky == 0 or leak > 0:
        return []
    if len(facts.plan.sizes) == 1:
        return [f"leaky={facts.leaky} leaks nothing: there is no other experiment. Leave leaky out."]
    return [
        f"leaky={facts.leaky} leaks nothing: int({size} * {facts.leaky}) is 0. Raise leaky to at least {1 / size:.3g}, "
        "or leave it out."
    ]


def _window(facts: Facts) -> list[str]:
    if facts.window is None:
        return []
    found = []
    can_pick = facts.can_pick
    whole = np.flatnonzero(can_pick & (facts.window_whole >= _OFTEN))
    if len(whole):
        listed = [
            f"{facts.names[place]} ({facts.window_whole[place]:.0%} of its focal times)" for place in whole.tolist()
        ]
        found.append(
            f"The window of {facts.window:g} h holds the whole pool of "
            f"{_count(len(whole), 'experiment', 'experiments')}, so that near and far are the same rows: "
            f"{_listed(listed)}. Lower temporal_window_hours."
        )
    scarce = np.flatnonzero(can_pick & (facts.window_scarce >= _OFTEN))
    if len(scarce):
        listed = [
            f"{facts.names[place]} ({facts.window_near[place]:,.0f} rows on average; too few around "
            f"{facts.window_scarce[place]:.0%} of its focal times)"
            for place in scarce.tolist()
        ]
        found.append(
            f"The window of {facts.window:g} h holds hardly any row of "
            f"{_count(len(scarce), 'experiment', 'experiments')}, fewer than a batch asks for near the focal time, so "
            f"that rows are repeated: {_listed(listed)}. Raise temporal_window_hours, or temporal_global_fraction."
        )
    return found


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}"


def _listed(shown: Sequence[str], count: int | None = None) -> str:
    count = len(shown) if count is None else count
    listed = ", ".join(shown[:_MOST])
    return listed if count <= _MOST else f"{listed} and {count - _MOST:,} more"
