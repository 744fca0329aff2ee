"""An audit as a page of text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from cascade_sampler._report.record import Record

_MOST = 20
_WIDTH = 110

#: A title, column names, and lines of cells.
Table = tuple[str, Sequence[str], list[list[str]]]


def page(audit: Record) -> str:
    """Return the audit as text, in the width of a terminal."""
    parts = [headline(audit)]
    if audit.findings:
        wrapped = [
            textwrap.fill(one, _WIDTH, initial_indent="  * ", subsequent_indent="    ") for one in audit.findings
        ]
        parts.append("\n".join(["Findings", *wrapped]))
    parts += [_text_table(table) for table in tables(audit)]
    return "\n\n".join(parts)


def headline(audit: Record) -> str:
    """Return what was counted, in one line."""
    epochs = f"epoch {audit.epoch}"
    if audit.epochs > 1:
        epochs = f"epochs {audit.epoch} to {audit.epoch + audit.epochs - 1}"
    return (
        f"{epochs}: {audit.batches:,} batches of {audit.batch_size - audit.leak_seats:,} primary and "
        f"{audit.leak_seats:,} leak seats, from {audit.rows:,} rows; {audit.replaced:,} batches had rows drawn with "
        f"replacement, {audit.duplicates['batches']:,} hold a row twice"
    )


def tables(audit: Record) -> list[Table]:
    """Return the audit as tables of text."""
    found = [_experiments(audit)]
    if audit.conditions["label"] != [None]:
        found.append(_conditions(audit))
        found.append(_cells(audit))
    if audit.times["hours"]:
        found.append(_times(audit))
    return [*found, _pairs(audit), _draws(audit), _coverage(audit)]


def _experiments(audit: Record) -> Table:
    of, total = audit.experiments, audit.batches
    order = sorted(range(len(of["label"])), key=lambda place: -of["rows"][place])
    lines = [
        [
            label(of["label"][place]),
            f"{of['rows'][place]:,}",
            f"{of['weight'][place]:.2%}",
            f"{of['share'][place]:.2%}",
            f"{of['share_low'][place]:.2%} to {of['share_high'][place]:.2%}",
            f"{of['batches'][place]:,}",
            f"{of['replaced'][place]:,}",
            f"{of['seats'][place]:,}",
            f"{audit.leak['origins']['expected'][place]:,.0f}",
            f"{of['leaked'][place]:,}",
        ]
        for place in order[:_MOST]
    ]
    left = order[_MOST:]
    if left:

        def sums(name: str) -> Any:
            return sum(of[name][place] for place in left)

        expected = sum(audit.leak["origins"]["expected"][place] for place in left)
        lines.append(
            [
                f"{len(left):,} more",
                f"{sums('rows'):,}",
                f"{sums('weight'):.2%}",
                f"{sums('batches') / total:.2%}",
                "",
                f"{sums('batches'):,}",
                f"{sums('replaced'):,}",
                f"{sums('seats'):,}",
                f"{expected:,.0f}",
                f"{sums('leaked'):,}",
            ]
        )
    header = (
        "experiment", "rows", "asked", "got", "chance allows", "batches", "with replacement", "seats", "leak expected",
        "leak got",
    )  # fmt: skip
    return f"Batches by experiment (chance allows: {audit.interval})", header, lines


def _conditions(audit: Record) -> Table:
    of = audit.conditions
    rows, asked, got = (max(1, sum(of[name])) for name in ("rows", "asked", "got"))
    lines = [
        [
            label(of["label"][place]),
            f"{of['rows'][place] / rows:.2%}",
            f"{of['asked'][place] / asked:.2%}",
            f"{of['got'][place] / got:.2%}",
            f"{of['asked'][place]:,}",
            f"{of['got'][place]:,}",
        ]
        for place in range(min(_MOST, len(of["label"])))
    ]
    _add_more(lines, len(of["label"]))
    return "Primary seats by condition", ("condition", "of the rows", "asked", "got", "seats asked", "got"), lines


def _cells(audit: Record) -> Table:
    of = audit.cells
    order = sorted(range(len(of["rows"])), key=lambda place: of["rows"][place])
    lines = [
        [
            label(of["experiment"][place]),
            label(of["condition"][place]),
            *(f"{of[name][place]:,}" for name in ("rows", "asked", "got", "leaked")),
        ]
        for place in order[:_MOST]
    ]
    _add_more(lines, len(order))
    header = ("experiment", "condition", "rows", "seats asked", "got", "as leak")
    return "Cells, those with the fewest rows first (primary seats)", header, lines


def _times(audit: Record) -> Table:
    of = audit.times
    order = sorted(range(len(of["hours"])), key=lambda place: -of["batches"][place])[:_MOST]
    lines = [
        [f"{of['hours'][place]:g}", *(f"{of[name][place]:,}" for name in ("batches", "near", "far", "fallback"))]
        for place in sorted(order)
    ]
    _add_more(lines, len(of["hours"]))
    return (
        "Focal times, those with the most batches",
        ("hours", "batches", "near seats", "far seats", "fallback"),
        lines,
    )


def _pairs(audit: Record) -> Table:
    names = {
        "same_experiment": "same experiment",
        "same_condition": "same condition",
        "same_cell": "both",
        "near_in_time": "near in time",
    }
    lines = [
        [name, percent(audit.pairs[key]["got"]), percent(audit.pairs[key]["shuffled"])]
        for key, name in names.items()
        if audit.pairs[key]["got"] is not None
    ]
    return "Pairs of rows within a batch", ("", "got", "plain shuffling"), lines


def _draws(audit: Record) -> Table:
    most = 6
    lines = [[f"{times:,}", f"{rows:,}", percent(rows / audit.rows)] for times, rows in enumerate(audit.draws[:most])]
    if len(audit.draws) > most:
        left = sum(audit.draws[most:])
        lines.append([f"{most} to {len(audit.draws) - 1:,}", f"{left:,}", percent(left / audit.rows)])
    return "How often a row was drawn", ("times", "rows", "of all"), lines


def _coverage(audit: Record) -> Table:
    of = audit.coverage
    lines = [
        [
            f"seen by the end of epoch {audit.epoch + place}",
            f"{seen / audit.rows:.2%}",
            f"expected {want / audit.rows:.2%}",
        ]
        for place, (seen, want) in enumerate(zip(of["seen"], of["expected"], strict=True))
    ]
    if len(lines) > _MOST:
        lines = [*lines[: _MOST - 1], lines[-1]]
    for share, epochs in of["epochs_until"].items():
        lines.append(
            [f"epochs until {share} % are expected to be seen", "never" if epochs is None else f"{epochs:,.2f}", ""]
        )
    return "Rows seen", ("", "", ""), lines


def _add_more(lines: list[list[str]], count: int) -> None:
    if count > len(lines):
        lines.append([f"{count - len(lines):,} more", *[""] * (len(lines[0]) - 1)])


def label(name: Any) -> str:
    """Return a label of an audit as a table shows it."""
    return "all rows" if name is None else str(name)


def percent(share: float | None) -> str:
    """Return a share as a table shows it."""
    return "" if share is None else f"{share:.2%}"


def _text_table(table: Table) -> str:
    title, header, lines = table
    shown = [list(header), *lines] if any(header) else lines
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    numeric = [index > 0 for index in range(len(widths))]
    rows = [
        "  "
        + "   ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in shown
    ]
    return "\n".join([title, *rows])
