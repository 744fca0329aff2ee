"""What a report shows, before it is drawn: names instead of codes, the largest groups and the rest as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cascade_sampler._report.record import Record
from cascade_sampler._tables.shown import visible

# Okabe and Ito's colours without the two that vanish on black or on white; they stay apart for colour-blind eyes.
COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
# Of Tol's muted scheme what is none of these: a colour is an experiment or a condition, never both.
CONDITION_COLOURS: Final = ("#332288", "#ddcc77", "#117733", "#cc6677", "#999933", "#882255")
REST: Final = "#8c8c8c"
LISTED: Final = 20
"""Experiments, conditions, cells and times that have a line of their own."""
LETTERS: Final = 40
"""Of a name; the middle of a longer one is left out."""
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
    """Share of the batches, or by the ratio of the primary seats."""
    got: float
    quota: float | None = None
    """Share of the primary seats that the sampler makes of the ratio; None for experiments."""
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
class Listing:
    """A small table: the first of some lines, and how many there are."""

    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    count: int


@dataclass(frozen=True)
class Contents:
    """All that a report shows."""

    sampler: str
    """Its class, the seed, and the version that counted."""
    settings: str
    facts: tuple[tuple[str, str], ...]
    interval: str
    """What the range that chance allows is."""
    findings: tuple[tuple[str, str], ...]
    """Severity and sentence."""
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
    cells: Listing
    times: Listing
    laps: Listing
    """Of dealt batches: cells, and how many epochs it takes until each of their rows has come."""


def contents(audit: Record) -> Contents:
    """Choose what is shown of an audit."""
    experiments, conditions = _experiments(audit), _conditions(audit)
    settings = dict(audit.settings)
    return Contents(
        sampler=f"{settings.pop('sampler')}, seed {settings.pop('seed')}, cascade-sampler {settings.pop('version')}",
        settings=", ".join(f"{name} {_setting(value)}" for name, value in settings.items() if value not in (None, [])),
        facts=_facts(audit),
        interval=audit.interval,
        findings=tuple(zip(audit.severities, audit.findings, strict=True)),
        experiments=_with_rest(experiments, LISTED, "experiments"),
        conditions=_with_rest(conditions, LISTED, "conditions"),
        experiment_colours=_legend(experiments, "experiments"),
        condition_colours=_legend(conditions, "conditions"),
        columns=_columns(audit),
        draws=_draws(audit.draws),
        seen=_seen(audit),
        expected=tuple(zip(audit.coverage["curve"]["epochs"], audit.coverage["curve"]["share"], strict=True)),
        until=tuple((f"{percent} %", epochs) for percent, epochs in audit.coverage["epochs_until"].items()),
        pairs=_pairs(audit.pairs),
        cells=_cells(audit),
        times=_times(audit),
        laps=_laps(audit),
    )


def _name(label: Any) -> str:
    name = visible(str(label), LETTERS)
    return name if name.strip() else f"'{name}'"


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{visible(name, LETTERS)}={number}" for name, number in value.items())
    return " ".join(map(_name, value)) if isinstance(value, list) else _name(value)


def _facts(audit: Record) -> tuple[tuple[str, str], ...]:
    last = audit.epoch + audit.epochs - 1
    never = f"{audit.coverage['never_drawn']:,}"
    # Eight, which are four and two side by side.
    rows = (("rows", f"{audit.rows:,}"), ("rows never drawn", never))
    if audit.dealt:
        rows = (
            ("rows never drawn", f"{never} of {audit.rows:,}"),
            ("seats dealt, not drawn", f"{audit.dealt:,} of {audit.seats:,}"),
        )
    return (
        ("epochs", f"{audit.epoch} to {last}" if audit.epochs > 1 else f"{last}"),
        ("batches", f"{audit.batches:,}"),
        ("seats of a batch", f"{audit.batch_size - audit.leak_seats:,} primary, {audit.leak_seats:,} leak"),
        ("leaked seats", f"{audit.leak['got']:,} of {audit.leak['asked']:,} asked"),
        *rows,
        ("batches with replacement", f"{audit.replaced:,}"),
        ("batches that hold a row twice", f"{audit.duplicates['batches']:,}"),
    )


def _experiments(audit: Record) -> list[Group]:
    """Return the experiments, those that are asked for most often first."""
    columns = audit.experiments
    if columns["label"] == [None]:
        return []
    order = _experiment_order(audit)
    return [
        Group(
            _name(columns["label"][k]),
            _colour(place),
            columns["rows"][k],
            columns["weight"][k],
            columns["share"][k],
            low=columns["share_low"][k],
            high=columns["share_high"][k],
        )
        for place, k in enumerate(order)
    ]


def _conditions(audit: Record) -> list[Group]:
    """Return the conditions, those with the most seats first."""
    columns = audit.conditions
    if columns["label"] == [None]:
        return []
    asked, quota, got = _share(columns["ratio"]), _share(columns["quota"]), _share(columns["got"])
    return [
        Group(
            _name(columns["label"][k]),
            _colour(place, CONDITION_COLOURS),
            columns["rows"][k],
            asked[k],
            got[k],
            quota[k],
        )
        for place, k in enumerate(_condition_order(audit))
    ]


def _experiment_order(audit: Record) -> list[int]:
    of = audit.experiments
    return sorted(range(len(of["label"])), key=lambda k: (-of["weight"][k], -of["rows"][k], k))


def _condition_order(audit: Record) -> list[int]:
    asked = audit.conditions["ratio"]
    return sorted(range(len(asked)), key=lambda k: (-round(asked[k], 6), k))


def _colour(place: int, colours: Sequence[str] = COLOURS) -> str:
    return colours[place] if place < len(colours) else REST


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
        sum(group.quota or 0 for group in rest) if rest[0].quota is not None else None,
        is_rest=True,
    )
    return (*groups[: listed - 1], whole)


def _columns(audit: Record) -> tuple[tuple[Block, ...], ...]:
    # By label, which tells more apart than what is left of a long name.
    experiments = {audit.experiments["label"][k]: _colour(place) for place, k in enumerate(_experiment_order(audit))}
    conditions = {
        audit.conditions["label"][k]: _colour(place, CONDITION_COLOURS)
        for place, k in enumerate(_condition_order(audit))
    }
    first = audit.first_batches
    batches: dict[int, list[Block]] = {}
    for batch, experiment, condition, leak, seats in zip(
        first["batch"], first["experiment"], first["condition"], first["leak"], first["seats"], strict=True
    ):
        if batch < BATCHES:
            block = Block(
                seats, _name(experiment), _name(condition), experiments[experiment], conditions[condition], bool(leak)
            )
            batches.setdefault(batch, []).append(block)
    return tuple(tuple(sorted(blocks, key=_order)) for _, blocks in sorted(batches.items()))


def _order(block: Block) -> tuple[bool, int, int]:
    """Put what leaks last, and colours in the order of the legend, so that equal columns look equal."""
    experiments, conditions = (*COLOURS, REST), (*CONDITION_COLOURS, COLOURS[0], REST)
    return block.leak, experiments.index(block.experiment_colour), conditions.index(block.condition_colour)


def _cells(audit: Record) -> Listing:
    """Return the cells with the fewest rows for a seat; none where conditions are not used."""
    of = audit.cells
    header = ("cell", "rows", "ratio", "quota", "got", "as leak")
    if audit.conditions["label"] == [None]:
        return Listing(header, (), 0)
    order = sorted(range(len(of["rows"])), key=lambda k: of["rows"][k] / max(1, of["quota"][k]))
    with_experiment = audit.experiments["label"] != [None]
    lines = (
        (
            (f"{_name(of['experiment'][k])} / " if with_experiment else "") + _name(of["condition"][k]),
            f"{of['rows'][k]:,}",
            f"{of['ratio'][k]:,.1f}",
            *(f"{of[name][k]:,}" for name in ("quota", "got", "leaked")),
        )
        for k in order[:LISTED]
    )
    return Listing(header, tuple(lines), len(order))


def _laps(audit: Record) -> Listing:
    """Return the cells whose rows take longest to have come; none where batches are drawn, or nothing is split."""
    header = ("cell", "rows", "seats an epoch", "epochs a lap")
    of, labels = audit.cells, (audit.experiments["label"], audit.conditions["label"])
    if not audit.dealt or all(label == [None] for label in labels):
        return Listing(header, (), 0)
    each = [got / audit.epochs for got in of["got"]]
    reached = [k for k, seats in enumerate(each) if seats]
    order = sorted(reached, key=lambda k: -of["rows"][k] / each[k])
    lines = (
        (
            " / ".join(
                _name(of[what][k])
                for what, label in zip(("experiment", "condition"), labels, strict=True)
                if label != [None]
            ),
            f"{of['rows'][k]:,}",
            f"{each[k]:,.1f}",
            f"{of['rows'][k] / each[k]:,.2f}",
        )
        for k in order[:LISTED]
    )
    return Listing(header, tuple(lines), len(order))


def _times(audit: Record) -> Listing:
    of = audit.times
    order = sorted(range(len(of["hours"])), key=lambda k: -of["batches"][k])[:LISTED]
    lines = (
        (f"{of['hours'][k]:g} h", *(f"{of[name][k]:,}" for name in ("batches", "near", "far", "fallback")))
        for k in sorted(order)
    )
    header = ("focal time", "batches", "near seats", "far seats", "of others")
    return Listing(header, tuple(lines), len(of["hours"]))


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
