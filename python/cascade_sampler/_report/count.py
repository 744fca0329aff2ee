"""Whole epochs counted, beside what was asked for and what chance or plain shuffling would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core
from cascade_sampler._plans import composition
from cascade_sampler._report import findings
from cascade_sampler._report.audit import Audit
from cascade_sampler._report.chance import INTERVAL, binomial_ranges
from cascade_sampler._report.coverage import Coverage, coverage_of
from cascade_sampler._report.record import Columns
from cascade_sampler._tables import labels

_CURVE_POINTS = 61
_MOST_CURVE_EPOCHS = 100.0


@dataclass(frozen=True)
class Asked:
    """What was asked of the sampler that the plan does not tell."""

    leaky: float
    """0 where there are no experiments."""
    ratios: Mapping[Any, float] | None
    """Of conditions, as they were given."""
    window: float | None
    """In hours; None without times."""
    settings: dict[str, Any]
    """Arguments as plain values."""


def count(
    feed: _core.Feed,
    experiments: Sequence[Any],
    conditions: Sequence[Any],
    asked: Asked,
    *,
    epoch: int,
    epochs: int,
    batches: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Audit:
    """Count epochs of a feed whose labels are known."""
    plan = feed.plan
    total = min(plan.batches, plan.batches if batches is None else batches) * epochs
    counted = feed.audit(epoch, epochs, None if progress is None else lambda done: progress(done, total), batches)
    if progress is not None:
        progress(total, total)
    sizes = plan.sizes
    names = [labels.plain(label) for label in experiments] or [None]
    condition_names = [labels.plain(label) for label in conditions] or [None]
    of_experiment, of_condition, cell_rows = plan.cells()
    if not conditions:
        of_experiment, of_condition, cell_rows = np.arange(len(sizes)), np.zeros(len(sizes), dtype=np.int64), sizes
    size, leak_seats, _ = plan.seats()
    weights = plan.weights if experiments else np.ones(1)
    picked = counted["batches_full"] + counted["batches_short"]

    def sums(values: NDArray[Any], by: NDArray[Any], length: int) -> list[int]:
        added = np.zeros(length, dtype=np.int64)
        np.add.at(added, by, values.astype(np.int64))
        return list(added.tolist())

    # What the ratios ask for, beside what the quotas make of it.
    parts = np.ones(len(sizes))
    if conditions and plan.dealt:
        seats, often = plan.shares()
        parts = seats * often / max(1, size - leak_seats)
    elif conditions:
        parts = composition.shares(plan, composition.ratios_of(asked.ratios, conditions))
    ratio = parts * _primary_seats(plan, counted)[of_experiment]

    leaked = sums(counted["unit_leaked"], of_experiment, len(sizes))
    primary = sums(counted["unit_got"], of_experiment, len(sizes))
    ranges = binomial_ranges(counted["batches"], weights)
    coverage = coverage_of(feed, counted, of_experiment, epoch)
    association = _cramers_v(of_experiment, of_condition, cell_rows) if experiments and conditions else None
    found = findings.find(
        findings.Facts(
            plan=plan,
            experiments=[labels.shown(label) for label in experiments],
            conditions=[labels.shown(label) for label in conditions],
            leaky=asked.leaky,
            window=asked.window,
            picked=picked,
            batches=counted["batches"],
            parts=parts,
            coverage=coverage,
            windows=findings.Windows(
                whole=counted["window_whole"],
                scarce=counted["window_scarce"],
                near=counted["window_near"],
                seats=counted["window_seats"],
            ),
            association=association,
        )
    )
    return Audit(
        epoch=epoch,
        epochs=epochs,
        rows=plan.kept,
        batch_size=size,
        leak_seats=leak_seats,
        batches=counted["batches"],
        seats=counted["seats"],
        dealt=counted["dealt"],
        replaced=int(counted["batches_replaced"].sum()),
        settings=asked.settings,
        interval=INTERVAL,
        experiments={
            "label": list(names),
            "rows": sizes.tolist(),
            "weight": weights.tolist(),
            "batches": picked.tolist(),
            "batches_expected": (weights * counted["batches"]).tolist(),
            "batches_low": [low for low, _ in ranges],
            "batches_high": [high for _, high in ranges],
            "share": (picked / counted["batches"]).tolist(),
            "share_low": [low / counted["batches"] for low, _ in ranges],
            "share_high": [high / counted["batches"] for _, high in ranges],
            "replaced": counted["batches_replaced"].tolist(),
            "seats": [one + other for one, other in zip(primary, leaked, strict=True)],
            "leaked": leaked,
        },
        conditions={
            "label": list(condition_names),
            "rows": sums(cell_rows, of_condition, len(condition_names)),
            "ratio": np.bincount(of_condition, weights=ratio, minlength=len(condition_names)).tolist(),
            "quota": sums(counted["unit_asked"], of_condition, len(condition_names)),
            "got": sums(counted["unit_got"], of_condition, len(condition_names)),
        },
        cells={
            "experiment": [names[place] for place in of_experiment.tolist()],
            "condition": [condition_names[place] for place in of_condition.tolist()],
            "rows": cell_rows.tolist(),
            "ratio": ratio.tolist(),
            "quota": counted["unit_asked"].tolist(),
            "got": counted["unit_got"].tolist(),
            "leaked": counted["unit_leaked"].tolist(),
        },
        leak={
            "asked": counted["leak_asked"],
            "got": sum(leaked),
            "origins": {"experiment": list(names), "expected": _leak_expected(plan, counted), "got": list(leaked)},
        },
        times={
            "hours": counted["time_hours"].tolist(),
            "batches": counted["time_batches"].tolist(),
            "near": counted["time_near"].tolist(),
            "far": counted["time_far"].tolist(),
            "fallback": counted["time_fallback"].tolist(),
        },
        draws=_dense(counted["draw_times"], counted["draw_rows"]),
        duplicates={"batches": counted["batches_with_duplicates"], "seats": counted["duplicates"]},
        pairs=_pairs(counted, bool(experiments), bool(conditions), asked.window is not None),
        coverage=_coverage(plan, counted, coverage, epochs),
        association=association,
        first_batches=_first_batches(counted, names, condition_names, of_experiment, of_condition),
        findings=[one.text for one in found],
        severities=[one.severity for one in found],
    )


def _primary_seats(plan: _core.Plan, counted: dict[str, Any]) -> NDArray[np.float64]:
    """Return the primary seats of the batches that each experiment got."""
    size, leak, _ = plan.seats()
    seats = counted["batches_full"] * float(size - leak)
    if plan.short:
        size, leak, _ = plan.seats(short=True)
        seats = seats + counted["batches_short"] * float(size - leak)
    return np.asarray(seats)


def _leak_expected(plan: _core.Plan, counted: dict[str, Any]) -> list[float]:
    """Return how many leaked seats each experiment's rows have on average, given the batches that were picked."""
    sizes = plan.sizes.astype(np.float64)
    seats = counted["batches_full"] * float(plan.seats()[1])
    if plan.short:
        seats = seats + counted["batches_short"] * float(plan.seats(short=True)[1])
    others = plan.kept - sizes
    per_row = np.divide(seats, others, out=np.zeros_like(sizes), where=others > 0)
    # Not of one's own batches; sums from both ends, because a difference would lose what little the others leave.
    before = np.concatenate([[0.0], np.cumsum(per_row)[:-1]])
    after = np.concatenate([np.cumsum(per_row[::-1])[:-1][::-1], [0.0]])
    expected: list[float] = (sizes * (before + after)).tolist()
    return expected


def _dense(times: NDArray[np.uint64], rows: NDArray[np.uint64]) -> list[int]:
    dense = [0] * (int(times.max(initial=0)) + 1)
    for place, count in zip(times.tolist(), rows.tolist(), strict=True):
        dense[place] = count
    return dense


def _pairs(counted: dict[str, Any], aware: bool, balanced: bool, temporal: bool) -> dict[str, Any]:
    got, table = counted["pairs"], counted["table_pairs"]
    used = {
        "same_experiment": aware,
        "same_condition": balanced,
        "same_cell": aware and balanced,
        "near_in_time": temporal,
    }
    pairs: dict[str, Any] = {"pairs": got[0]}
    for place, (name, is_used) in enumerate(used.items(), start=1):
        pairs[name] = {
            "got": got[place] / got[0] if is_used and got[0] else None,
            "shuffled": table[place] / table[0] if is_used and table[0] else None,
        }
    return pairs


def _coverage(plan: _core.Plan, counted: dict[str, Any], coverage: Coverage, epochs: int) -> dict[str, Any]:
    until = {str(percent): coverage.epochs_until(percent / 100) for percent in (50, 90, 99)}
    reached = [number for number in until.values() if number is not None]
    end = max(1.0, float(epochs), min(1.1 * max(reached, default=10.0), _MOST_CURVE_EPOCHS))
    points = np.linspace(0, end, _CURVE_POINTS).tolist()

    def seen(number: float) -> float:
        return max(0.0, plan.kept - float(coverage.unseen(number).sum()))

    return {
        "seen": counted["seen"].tolist(),
        "expected": [seen(number) for number in range(1, epochs + 1)],
        "never_drawn": plan.kept - int(counted["seen"][-1]),
        "never_reachable": coverage.never,
        "epochs_until": until,
        "curve": {"epochs": points, "share": [seen(number) / plan.kept for number in points]},
    }


def _cramers_v(experiments: NDArray[Any], conditions: NDArray[Any], rows: NDArray[Any]) -> float | None:
    """Return Cramér's V (1946) of two columns, from the rows of their pairs; None where either has one value."""
    by_experiment = np.bincount(experiments, weights=rows)
    by_condition = np.bincount(conditions, weights=rows)
    least = min(len(by_experiment), len(by_condition)) - 1
    if least < 1:
        return None
    # Pairs without rows add nothing to this form of chi square, so the table of all pairs is never made.
    share = rows / by_experiment[experiments] * (rows / by_condition[conditions])
    return float(np.sqrt(max(0.0, min(1.0, (share.sum() - 1) / least))))


def _first_batches(
    counted: dict[str, Any],
    names: Sequence[Any],
    condition_names: Sequence[Any],
    of_experiment: NDArray[Any],
    of_condition: NDArray[Any],
) -> Columns:
    units = counted["first_unit"].astype(np.intp)
    return {
        "batch": counted["first_batch"].tolist(),
        "picked": [names[place] for place in counted["first_picked"].tolist()],
        "experiment": [names[place] for place in of_experiment[units].tolist()],
        "condition": [condition_names[place] for place in of_condition[units].tolist()],
        "leak": counted["first_leak"].tolist(),
        "seats": counted["first_seats"].tolist(),
    }
