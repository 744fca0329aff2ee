"""What is remarkable about a sampler's epochs, as sentences with numbers and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._plans import composition
from cascade_sampler._report.coverage import Coverage
from cascade_sampler._tables.shown import count

_MOST = 5
_EPOCHS = 10
#: Share of all rows that may be left unseen by ten epochs without a word.
_UNSEEN = 0.01
#: From here on an association is worth a word, after what chance alone makes of it is taken off.
_ASSOCIATED = 0.1
#: Share of the focal times from which on a window is called too wide or too narrow.
_OFTEN = 0.5


Severity = Literal["serious", "notice"]


@dataclass(frozen=True)
class Finding:
    """A sentence or two, and how grave it is."""

    text: str
    severity: Severity
    """Serious where batches are not what was asked for or repeat rows; a notice tells what to keep in mind."""


@dataclass(frozen=True)
class Windows:
    """What is near the focal times, by cell (by experiment, without conditions); empty without times."""

    whole: NDArray[np.float64]
    """Share of the focal times where all rows of the experiment are near."""
    scarce: NDArray[np.float64]
    """Share of the focal times where fewer rows are near than there are seats for them."""
    near: NDArray[np.float64]
    """Rows near, on average."""
    seats: NDArray[np.float64]
    """Seats of a batch for them."""


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
    parts: NDArray[np.float64]
    """What fraction of its experiment's primary seats each cell is asked to have."""
    coverage: Coverage
    windows: Windows
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


def find(facts: Facts) -> list[Finding]:
    """Return what there is to say, the gravest first; nothing where there is nothing."""
    serious = [
        *_uneven(facts),
        *_small_experiments(facts),
        *_small_cells(facts),
        *_no_leak(facts),
        *_wide_window(facts),
        *_narrow_window(facts),
    ]
    notices = [*_never_picked(facts), *_unreached(facts), *_one_home(facts), *_associated(facts)]
    return [*(Finding(text, "serious") for text in serious), *(Finding(text, "notice") for text in notices)]


def _uneven(facts: Facts) -> list[str]:
    if not facts.conditions:
        return []
    found = composition.uneven(facts.plan, facts.parts)
    if not found:
        return []
    return [f"{composition.described(found, facts.experiments, facts.conditions, str)}. {composition.ADVICE}."]


def _small_experiments(facts: Facts) -> list[str]:
    size, leak, _ = facts.plan.seats()
    primary, sizes = size - leak, facts.plan.sizes
    small = np.flatnonzero(facts.can_pick & (sizes < primary))
    if not len(small):
        return []
    small = small[np.argsort(sizes[small], kind="stable")]
    listed = (
        f"{facts.names[place]} ({count(sizes[place], 'row')}, each {primary / sizes[place]:.1f} times a batch)"
        for place in small[:_MOST].tolist()
    )
    return [
        f"{count(len(small), 'experiment has', 'experiments have')} fewer rows than the "
        f"{count(primary, 'primary seat')} of a batch, so that a batch repeats them: "
        f"{_listed(listed, len(small))}. Lower batch_size, merge them with others, or give them the weight 0 in "
        "experiment_weights, so that they only leak."
    ]


def _small_cells(facts: Facts) -> list[str]:
    if not facts.conditions:
        return []
    plan = facts.plan
    quotas = plan.seats()[2]
    if plan.short:
        # Rounding can give the last condition more seats in the smaller batch.
        quotas = np.maximum(quotas, plan.seats(short=True)[2])
    rows = plan.cells()[2]
    below = np.flatnonzero(rows < quotas)
    if not len(below):
        return []
    below = below[np.argsort(rows[below] / quotas[below], kind="stable")]
    names = _cells(facts, below[:_MOST])
    listed = [
        f"{name} ({count(rows[cell], 'row')} for {count(quotas[cell], 'seat')})"
        for name, cell in zip(names, below[:_MOST].tolist(), strict=True)
    ]
    return [
        f"{count(len(below), 'cell has', 'cells have')} fewer rows than seats in a batch, so that their rows are "
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
    listed = (
        f"{facts.experiments[place]} ({weights[place] * facts.batches:.2g} batches expected)"
        for place in never[:_MOST].tolist()
    )
    return [
        f"{count(len(never), 'experiment that was asked for was', 'experiments that were asked for were')} never "
        f"picked in {count(facts.batches, 'batch', 'batches')}: {_listed(listed, len(never))}. Raise their "
        "experiment_weights, or train for more epochs."
    ]


def _unreached(facts: Facts) -> list[str]:
    kept = facts.plan.kept
    by_experiment = facts.coverage.unseen(_EPOCHS)
    expected = float(by_experiment.sum())
    if expected < _UNSEEN * kept and not facts.coverage.is_slow:
        return []
    worst = np.argsort(-by_experiment, kind="stable")
    worst = worst[by_experiment[worst] >= 0.5]
    where = ""
    if facts.experiments and len(worst):
        listed = (
            f"{facts.experiments[place]} ({by_experiment[place]:,.0f} of {facts.plan.sizes[place]:,})"
            for place in worst[:_MOST]
        )
        where = f": {_listed(listed, len(worst))}"
    impossible = facts.coverage.never
    can_never = f", {impossible:,} of which no batch can ever hold (weight, ratio or quota 0)" if impossible else ""
    return [
        f"{_EPOCHS} epochs are expected to leave {_share(expected, kept)} of the rows unseen, {expected:,.0f} of "
        f"{kept:,}{can_never}{where}. Raise num_batches, or give these experiments and conditions a larger share."
    ]


def _one_home(facts: Facts) -> list[str]:
    if facts.association is None:
        return []
    of_experiment, of_condition, _ = facts.plan.cells()
    single = np.flatnonzero(np.bincount(of_condition, minlength=len(facts.conditions)) == 1)
    if not len(single):
        return []
    home = np.zeros(len(facts.conditions), dtype=np.int64)
    home[of_condition] = of_experiment
    listed = (f"{facts.conditions[place]} (in {facts.experiments[home[place]]})" for place in single[:_MOST].tolist())
    return [
        f"{count(len(single), 'condition occurs', 'conditions occur')} in one experiment only, so that what the "
        f"condition does and what the experiment does cannot be told apart: {_listed(listed, len(single))}. Read their "
        "results with care, or add experiments that hold them."
    ]


def _associated(facts: Facts) -> list[str]:
    if facts.association is None:
        return []
    # Bergsma (2013) takes off what a table of this size would show by chance alone.
    height, width, kept = len(facts.experiments), len(facts.conditions), float(facts.plan.kept)
    phi = facts.association**2 * (min(height, width) - 1)
    corrected = phi - (height - 1) * (width - 1) / max(kept - 1, 1)
    if corrected <= 0 or np.sqrt(corrected / (min(height, width) - 1)) < _ASSOCIATED:
        return []
    return [
        f"Experiment and condition go together in the table: Cramér's V is {facts.association:.2f} (0: independent, "
        "1: one tells the other). A model can read the condition off the experiment's look; batches of one experiment "
        "take that away, rows that leak bring it back: keep leaky low."
    ]


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


def _wide_window(facts: Facts) -> list[str]:
    if facts.window is None:
        return []
    shares = np.zeros(len(facts.plan.sizes))
    shares[_experiments_of_units(facts)] = facts.windows.whole
    whole = np.flatnonzero(facts.can_pick & (shares >= _OFTEN))
    if not len(whole):
        return []
    whole = whole[np.argsort(-shares[whole], kind="stable")]
    listed = (f"{facts.names[place]} ({shares[place]:.0%} of its focal times)" for place in whole[:_MOST].tolist())
    return [
        f"The window of {facts.window:g} h holds the whole pool of {count(len(whole), 'experiment')}, so that near and "
        f"far are the same rows: {_listed(listed, len(whole))}. Lower temporal_window_hours."
    ]


def _narrow_window(facts: Facts) -> list[str]:
    if facts.window is None:
        return []
    of = facts.windows
    scarce = np.flatnonzero(of.scarce >= _OFTEN)
    if not len(scarce):
        return []
    scarce = scarce[np.lexsort((of.near[scarce] / of.seats[scarce], -of.scarce[scarce]))]
    listed = [
        f"{name} ({of.near[unit]:,.1f} rows near on average for {count(int(of.seats[unit]), 'seat')}, too few around "
        f"{of.scarce[unit]:.0%} of the focal times)"
        for name, unit in zip(_cells(facts, scarce[:_MOST]), scarce[:_MOST].tolist(), strict=True)
    ]
    one, more = ("cell has", "cells have") if facts.conditions else ("experiment has", "experiments have")
    return [
        f"{count(len(scarce), one, more)} fewer rows in the window of {facts.window:g} h than seats near the focal "
        f"time, so that rows are repeated: {_listed(listed, len(scarce))}. Raise temporal_window_hours, or "
        "temporal_global_fraction."
    ]


def _experiments_of_units(facts: Facts) -> NDArray[np.int64]:
    return facts.plan.cells()[0] if facts.conditions else np.arange(len(facts.plan.sizes))


def _cells(facts: Facts, units: Iterable[int]) -> list[str]:
    """Return the names of cells, or without conditions of experiments, by number."""
    if not facts.conditions:
        return [facts.names[unit] for unit in units]
    of_experiment, of_condition, _ = facts.plan.cells()
    where = [f"{facts.experiments[of_experiment[cell]]} / " if facts.experiments else "" for cell in units]
    return [before + facts.conditions[of_condition[cell]] for before, cell in zip(where, units, strict=True)]


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}"


def _listed(first: Iterable[str], number: int) -> str:
    """Return the first of some things as a sentence lists them, and how many more there are."""
    listed = ", ".join(first)
    return listed if number <= _MOST else f"{listed} and {number - _MOST:,} more"
