"""An audit as a page of text, 80 columns wide."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from cascade_sampler._report.record import Record
from cascade_sampler._tables.shown import count, visible

WIDTH = 80
_MOST = 20
_GAP = 2
_LEAST = 8
"""Letters of a label that are shown at the least."""


class Table(NamedTuple):
    """Lines of cells under a title; the first columns are labels, of which long ones lose their middle."""

    title: str
    header: Sequence[str]
    lines: list[list[str]]
    labels: int = 1


def page(audit: Record) -> str:
    """Return the audit as text, in the width of a terminal."""
    return "\n\n".join(body for _, body in sections(audit))


def sections(audit: Record) -> list[tuple[str, str]]:
    """Return the parts of the page, each with what it is: "headline", "findings" or "table"."""
    parts = [("headline", textwrap.fill(headline(audit), WIDTH))]
    if audit.findings:
        parts.append(("findings", "\n".join(["Findings", *map(_finding, audit.severities, audit.findings)])))
    return [*parts, *(("table", drawn(table)) for table in tables(audit))]


def headline(audit: Record) -> str:
    """Return what was counted, in one line."""
    epochs = f"epoch {audit.epoch}"
    if audit.epochs > 1:
        epochs = f"epochs {audit.epoch} to {audit.epoch + audit.epochs - 1}"
    twice = audit.duplicates["batches"]
    return (
        f"{epochs}: {count(audit.batches, 'batch', 'batches')} of "
        f"{audit.batch_size - audit.leak_seats:,} primary and {count(audit.leak_seats, 'leak seat')}, from "
        f"{count(audit.rows, 'row')}; {count(audit.replaced, 'batch', 'batches')} had rows drawn with replacement, "
        f"{twice:,} {'holds' if twice == 1 else 'hold'} a row twice"
        + (f"; {audit.dealt / audit.seats:.1%} of the seats were dealt" if audit.dealt else "")
    )


def _finding(severity: str, text: str) -> str:
    wide = textwrap.TextWrapper(WIDTH, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False)
    return wide.fill(f"{severity}: {text}")


def tables(audit: Record) -> list[Table]:
    """Return the audit as tables of text."""
    found = [_experiments(audit)]
    if audit.leak["asked"]:
        found.append(_leak(audit))
    if audit.conditions["label"] != [None]:
        found += [_conditions(audit), _cells(audit)]
    if audit.times["hours"]:
        found.append(_times(audit))
    return [*found, _pairs(audit), _draws(audit), _coverage(audit)]


def _experiments(audit: Record) -> Table:
    of, order = audit.experiments, _largest(audit)
    lines = [
        [
            label(of["label"][place]),
            f"{of['rows'][place]:,}",
            f"{of['weight'][place]:.2%}",
            f"{of['share'][place]:.2%}",
            f"{of['share_low'][place]:.2%} to {of['share_high'][place]:.2%}",
            f"{of['replaced'][place]:,}",
        ]
        for place in order[:_MOST]
    ]
    if left := order[_MOST:]:
        rows, weight, share, replaced = (
            sum(of[name][k] for k in left) for name in ("rows", "weight", "share", "replaced")
        )
        lines.append([f"{len(left):,} more", f"{rows:,}", f"{weight:.2%}", f"{share:.2%}", "", f"{replaced:,}"])
    header = ("experiment", "rows", "asked", "got", "usual range", "repeating")
    return Table(
        "Batches by experiment: share asked and got, the range of 95 % of random draws,\n"
        "and batches that had rows drawn with replacement",
        header,
        lines,
    )


def _leak(audit: Record) -> Table:
    of, order = audit.leak["origins"], _largest(audit)
    lines = [
        [
            label(of["experiment"][place]),
            f"{audit.experiments['seats'][place]:,}",
            f"{of['expected'][place]:,.0f}",
            f"{of['got'][place]:,}",
        ]
        for place in order[:_MOST]
    ]
    if left := order[_MOST:]:
        seats, expected, got = (
            sum(column[k] for k in left) for column in (audit.experiments["seats"], of["expected"], of["got"])
        )
        lines.append([f"{len(left):,} more", f"{seats:,}", f"{expected:,.0f}", f"{got:,}"])
    return Table("Leak by the experiment of the rows", ("experiment", "all seats", "leak expected", "leak got"), lines)


def _conditions(audit: Record) -> Table:
    of = audit.conditions
    rows, seats = max(1, sum(of["rows"])), max(1, sum(of["got"]))
    order = sorted(range(len(of["label"])), key=lambda place: -abs(of["got"][place] - of["ratio"][place]))
    lines = [
        [
            label(of["label"][place]),
            f"{of['rows'][place] / rows:.2%}",
            *(f"{of[name][place] / seats:.2%}" for name in ("ratio", "quota", "got")),
            f"{of['got'][place]:,}",
        ]
        for place in sorted(order[:_MOST])
    ]
    _add_more(lines, len(order))
    header = ("condition", "of the rows", "ratio", "quota", "got", "seats got")
    return Table("Primary seats by condition: asked by the ratio, the quota made of it, and got", header, lines)


def _cells(audit: Record) -> Table:
    of = audit.cells
    order = sorted(range(len(of["rows"])), key=lambda place: of["rows"][place])
    lines = [
        [
            label(of["experiment"][place]),
            label(of["condition"][place]),
            f"{of['rows'][place]:,}",
            f"{of['ratio'][place]:,.1f}",
            *(f"{of[name][place]:,}" for name in ("quota", "got", "leaked")),
        ]
        for place in order[:_MOST]
    ]
    _add_more(lines, len(order))
    header = ("experiment", "condition", "rows", "ratio", "quota", "got", "as leak")
    return Table("Cells, those with the fewest rows first (primary seats)", header, lines, 2)


def _times(audit: Record) -> Table:
    of = audit.times
    order = sorted(range(len(of["hours"])), key=lambda place: -of["batches"][place])[:_MOST]
    lines = [
        [f"{of['hours'][place]:g}", *(f"{of[name][place]:,}" for name in ("batches", "near", "far", "fallback"))]
        for place in sorted(order)
    ]
    _add_more(lines, len(of["hours"]))
    header = ("hours", "batches", "near seats", "far seats", "fallback")
    return Table("Focal times, those with the most batches", header, lines)


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
    return Table("Pairs of rows within a batch", ("", "got", "plain shuffling"), lines)


def _draws(audit: Record) -> Table:
    most = 6
    lines = [[f"{times:,}", f"{rows:,}", percent(rows / audit.rows)] for times, rows in enumerate(audit.draws[:most])]
    if len(audit.draws) > most:
        left = sum(audit.draws[most:])
        lines.append([f"{most} to {len(audit.draws) - 1:,}", f"{left:,}", percent(left / audit.rows)])
    return Table("How often a row was drawn", ("times", "rows", "of all"), lines)


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
    return Table("Rows seen", ("", "", ""), lines)


def _largest(audit: Record) -> list[int]:
    rows = audit.experiments["rows"]
    return sorted(range(len(rows)), key=lambda place: -rows[place])


def _add_more(lines: list[list[str]], number: int) -> None:
    if number > len(lines):
        lines.append([f"{number - len(lines):,} more", *[""] * (len(lines[0]) - 1)])


def label(name: Any) -> str:
    """Return a label of an audit as a table shows it, on one line; how much of it there is room for is seen later."""
    return "all rows" if name is None else visible(str(name)) or "''"


def percent(share: float | None) -> str:
    """Return a share as a table shows it."""
    return "" if share is None else f"{share:.2%}"


def drawn(table: Table) -> str:
    """Return a table as lines of at most 80 columns."""
    shown = [list(table.header), *table.lines] if any(table.header) else [*table.lines]
    if not table.lines:
        return f"{table.title}\n  none"
    widths = [max(map(_columns, column)) for column in zip(*shown, strict=True)]
    room = WIDTH - 2 - _GAP * (len(widths) - 1) - sum(widths[table.labels :])
    for place in range(table.labels):
        # What one label leaves over the next one has.
        fair = room // (table.labels - place)
        widths[place] = min(widths[place], max(fair, _LEAST))
        room -= widths[place]
    lines = []
    for line in shown:
        cells = [
            _fit(cell, width, place < table.labels)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append(("  " + " ".ljust(_GAP).join(cells)).rstrip())
    return "\n".join([table.title, *lines])


def _fit(cell: str, width: int, is_label: bool) -> str:
    most = width
    while is_label and _columns(cell) > width:
        cell = visible(cell, most)
        most -= 1
    padding = " " * (width - _columns(cell))
    return cell + padding if is_label else padding + cell


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: two a letter of Chinese, say, and none an accent."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
