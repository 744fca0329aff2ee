"""What a report shows, before it is drawn: names instead of codes, the largest groups and the rest as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cascade_sampler._report.record import Record

# Okabe and Ito's colours without the two that vanish on black or on white; they stay apart for colour-blind eyes.
COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
REST: Final = "#8c8c8c"
LISTED: Final = 20
"""Experiments that have a line of their own."""
BATCHES: Final = 200
"""Batches that are shown one by one."""
DRAWS: Final = 10
"""From this number on, rows that were drawn more often count as one."""


@dataclass(frozen=True)
class Group:
    """An experiment, a condition, or all that are too small to be told apart."""

    name: str
    colour: str
    rows: int
    asked: float
    """Share of the batches, or of the primary seats."""
    got: float
    low: float | None = None
    high: float | None = None
    """The range that chance allows, as shares."""
    is_rest: bool = False


@dataclass(frozen=True)
class Block:
    """Neighbouring seats of a batch that look the same."""

    seats: int
    experiment: str
    condition: str
    experiment_colour: str
    condition_colour: str
    leak: bool


@dataclass(frozen=True)
class Pair:
    """Share of the pairs within a batch whose rows have something in common."""

    name: str
    got: float
    shuffled: float


@dataclass(frozen=True)
class Contents:
    """All that a report shows."""

    facts: tuple[tuple[str, str], ...]
    interval: str
    """What the range that chance allows is."""
    findings: tuple[str, ...]
    experiments: tuple[Group, ...]
    conditions: tuple[Group, ...]
    experiment_colours: tuple[tuple[str, str], ...]
    """Name and colour, for the legend."""
    condition_colours: tuple[tuple[str, str], ...]
    columns: tuple[tuple[Block, ...], ...]
    """A batch each: primary seats, then those that leak."""
    draws: tuple[tuple[str, int], ...]
    seen: tuple[tuple[float, float], ...]
    """Epochs, and the share of the rows that had been drawn by then."""
    expected: tuple[tuple[float, float], ...]
    """The same, worked out."""
    until: tuple[tuple[str, float | None], ...]
    """A share of the rows, and the epochs until it is expected to have been drawn; None for never."""
    pairs: tuple[Pair, ...]


def contents(audit: Record) -> Contents:
    """Choose what is shown of an audit."""
    experiments, conditions = _experiments(audit), _conditions(audit)
    return Contents(
        facts=_facts(audit),
        interval=audit.interval,
        findings=tuple(audit.findings),
        experiments=_with_rest(experiments, LISTED, "experiments"),
        conditions=_with_rest(conditions, LISTED, "conditions"),
        experiment_colours=_legend(experiments, "experiments"),
        condition_colours=_legend(conditions, "conditions"),
        columns=_columns(audit.first_batches, _colours(experiments), _colours(conditions)),
        draws=_draws(audit.draws),
        seen=_seen(audit),
        expected=tuple(zip(audit.coverage["curve"]["epochs"], audit.coverage["curve"]["share"], strict=True)),
        until=tuple((f"{percent} %", epochs) for percent, epochs in audit.coverage["epochs_until"].items()),
        pairs=_pairs(audit.pairs),
    )


def _name(label: Any) -> str:
    return str(label) if str(label).strip() else repr(label)


def _facts(audit: Record) -> tuple[tuple[str, str], ...]:
    last = audit.epoch + audit.epochs - 1
    return (
        ("epochs", f"{audit.epoch} to {last}" if audit.epochs > 1 else f"{last}"),
        ("batches", f"{audit.batches:,}"),
        ("seats of a batch", f"{audit.batch_size - audit.leak_seats:,} primary, {audit.leak_seats:,} leak"),
        ("leaked seats", f"{audit.leak['got']:,} of {audit.leak['asked']:,} asked"),
        ("rows", f"{audit.rows:,}"),
        ("rows never drawn", f"{audit.coverage['never_drawn']:,}"),
        ("batches with replacement", f"{audit.replaced:,}"),
        ("batches that hold a row twice", f"{audit.duplicates['batches']:,}"),
    )


def _experiments(audit: Record) -> list[Group]:
    """Return the experiments, those that are asked for most often first."""
    columns = audit.experiments
    if columns["label"] == [None]:
        return []
    order = sorted(range(len(columns["label"])), key=lambda k: (-columns["weight"][k], -columns["rows"][k], k))
    return [
        Group(
            _name(columns["label"][k]),
            _colour(place),
            columns["rows"][k],
            columns["weight"][k],
            columns["share"][k],
            columns["share_low"][k],
            columns["share_high"][k],
        )
        for place, k in enumerate(order)
    ]


def _conditions(audit: Record) -> list[Group]:
    """Return the conditions, those with the most seats first."""
    columns = audit.conditions
    if columns["label"] == [None]:
        return []
    asked, got = _share(columns["asked"]), _share(columns["got"])
    order = sorted(range(len(asked)), key=lambda k: (-asked[k], k))
    return [
        Group(_name(columns["label"][k]), _colour(place), columns["rows"][k], asked[k], got[k])
        for place, k in enumerate(order)
    ]


def _colour(place: int) -> str:
    return COLOURS[place] if place < len(COLOURS) else REST


def _colours(groups: Sequence[Group]) -> dict[str, str]:
    return {group.name: group.colour for group in groups}


def _legend(groups: Sequence[Group], what: str) -> tuple[tuple[str, str], ...]:
    named = [(group.name, group.colour) for group in groups if group.colour != REST]
    if len(groups) > len(named):
        named.append((_further(len(groups) - len(named), what), REST))
    return tuple(named)


def _further(number: int, what: str) -> str:
    return f"{number:,} further {what if number > 1 else what[:-1]}"


def _with_rest(groups: Sequence[Group], listed: int, what: str) -> tuple[Group, ...]:
    """Return the first groups, and where that is not all, the others as one."""
    if len(groups) <= listed:
        return tuple(groups)
    rest = groups[listed - 1 :]
    whole = Group(
        _further(len(rest), what),
        REST,
        sum(group.rows for group in rest),
        sum(group.asked for group in rest),
        sum(group.got for group in rest),
        is_rest=True,
    )
    return (*groups[: listed - 1], whole)


def _columns(
    first: Mapping[str, Any], experiments: Mapping[str, str], conditions: Mapping[str, str]
) -> tuple[tuple[Block, ...], ...]:
    batches: dict[int, list[Block]] = {}
    for batch, experiment, condition, leak, seats in zip(
        first["batch"], first["experiment"], first["condition"], first["leak"], first["seats"], strict=True
    ):
        of, under = _name(experiment), _name(condition)
        block = Block(seats, of, under, experiments.get(of, REST), conditions.get(under, REST), bool(leak))
        batches.setdefault(batch, []).append(block)
    return tuple(tuple(sorted(blocks, key=_order)) for _, blocks in sorted(batches.items())[:BATCHES])


def _order(block: Block) -> tuple[bool, int, int]:
    """Put what leaks last, and colours in the order of the legend, so that equal columns look equal."""
    order = (*COLOURS, REST)
    return block.leak, order.index(block.experiment_colour), order.index(block.condition_colour)


def _draws(draws: Sequence[int]) -> tuple[tuple[str, int], ...]:
    """Return how many rows were drawn 0, 1, 2, ... times, the many as one."""
    single = [(str(times), rows) for times, rows in enumerate(draws[:DRAWS])]
    if len(draws) > DRAWS:
        single.append((f"{DRAWS}+", sum(draws[DRAWS:])))
    return tuple(single)


def _seen(audit: Record) -> tuple[tuple[float, float], ...]:
    return tuple((epochs, seen / audit.rows) for epochs, seen in enumerate((0, *audit.coverage["seen"])))


def _pairs(pairs: Mapping[str, Any]) -> tuple[Pair, ...]:
    names = {
        "same_experiment": "same experiment",
        "same_condition": "same condition",
        "same_cell": "same experiment and condition",
        "near_in_time": "near in time",
    }
    return tuple(
        Pair(name, pairs[key]["got"], pairs[key]["shuffled"])
        for key, name in names.items()
        if pairs[key]["got"] is not None and pairs[key]["shuffled"] is not None
    )


def _share(numbers: Sequence[float]) -> list[float]:
    total = sum(numbers)
    return [number / total if total else 0.0 for number in numbers]
