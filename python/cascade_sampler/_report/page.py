"""An audit as HTML. Text stays text and bars stay bars, so that it fits a phone and needs no drawing library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources

from cascade_sampler._report.contents import REST, Block, Contents, Group, contents
from cascade_sampler._report.record import Record

_PER_STRIP = 50
"""Batches side by side: on a phone each is some 7 pixels wide."""
_TALL = 100


def page(audit: Record) -> str:
    """Return the audit as one HTML document that refers to nothing outside.

    Parameters
    ----------
    audit : Record
        What was counted.

    Returns
    -------
    str
        To be written as UTF-8.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        "<title>What the batches hold</title>\n"
        "<style>@page { margin: 15mm; } body { margin: 0; } "
        "@media screen and (prefers-color-scheme: dark) { body { background: #16181b; } }"
        "</style>\n</head>\n"
        f"<body>\n{fragment(audit)}\n</body>\n</html>\n"
    )


def fragment(audit: Record) -> str:
    """Return the audit as a piece of HTML with its own style, for notebooks."""
    shown = contents(audit)
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    parts = [
        "<h1>What the batches hold</h1>",
        _facts(shown),
        _findings(shown.findings),
        _shares(
            "Experiments",
            shown.experiments,
            "Share of the batches: the line is what was asked, the dot what came, the grey band what chance allows "
            f"({shown.interval}).",
        ),
        _shares("Conditions", shown.conditions, "Share of the primary seats: the line was asked, the dot came."),
        _batches(shown),
        _counts(
            "How often rows were drawn",
            [(times, rows, f"{rows:,} rows") for times, rows in shown.draws],
        ),
        _coverage(shown),
        _pairs(shown),
    ]
    return f'<div class="cascade-audit">\n<style>\n{style}</style>\n' + "\n".join(filter(None, parts)) + "\n</div>"


def _facts(shown: Contents) -> str:
    facts = (f"<div><dt>{escape(fact)}</dt><dd>{escape(value)}</dd></div>" for fact, value in shown.facts)
    return f"<dl>{''.join(facts)}</dl>"


def _findings(findings: Sequence[str]) -> str:
    if not findings:
        return "<h2>Findings</h2><p>None: nothing here asks for a change.</p>"
    items = "".join(f"<li>{escape(finding)}</li>" for finding in findings)
    return f'<h2>Findings</h2><ul class="findings">{items}</ul>'


def _shares(title: str, groups: Sequence[Group], note: str) -> str:
    if not groups:
        return ""
    # The rest would dwarf what is listed, and has no range: it is told, not drawn.
    drawn = [group for group in groups if not group.is_rest]
    widest = max(max(group.asked, group.got, group.high or 0) for group in drawn) or 1.0
    rows = []
    for group in groups:
        bar = "" if group.is_rest else _mark(group, widest)
        values = f"asked {group.asked:.2%}", f"got {group.got:.2%}"
        rows.append(_row(f"{_swatch(group.colour)}{escape(group.name)}", bar, *values))
    return f'<h2>{title}</h2><p class="note">{escape(note)}</p><div class="rows">{"".join(rows)}</div>'


def _mark(group: Group, widest: float) -> str:
    band = ""
    if group.low is not None and group.high is not None:
        left, right = _percent(group.low, widest), _percent(group.high, widest)
        band = f'<i class="range" style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
    return (
        f'{band}<i class="asked" style="left:{_percent(group.asked, widest):.2f}%"></i>'
        f'<i class="got" style="left:{_percent(group.got, widest):.2f}%;background:{group.colour}"></i>'
    )


def _row(label: str, bar: str, *values: str) -> str:
    drawn = f'<div class="bar">{bar}</div>' if bar else "<div></div>"
    told = ", ".join(f'<span class="whole">{value}</span>' for value in values)
    return f'<div class="row"><span>{label}</span>{drawn}<span class="value">{told}</span></div>'


def _swatch(colour: str) -> str:
    return f'<span class="swatch" style="background:{colour}"></span>'


def _percent(share: float, widest: float) -> float:
    return 1 + 98 * share / widest


def _batches(shown: Contents) -> str:
    """Draw the first batches as columns, once by experiment and once by condition."""
    if not shown.columns:
        return ""
    parts = [
        f"<h2>The first {len(shown.columns):,} batches</h2>"
        f'<p class="note">A column is a batch, in order from left to right, {_PER_STRIP} a strip. Above the line, '
        "and paler, are the seats that leak.</p>"
    ]
    for what, legend in (("experiment", shown.experiment_colours), ("condition", shown.condition_colours)):
        if not legend:
            continue
        names = "".join(f"<li>{_swatch(colour)}{escape(name)}</li>" for name, colour in legend)
        parts.append(f'<p><b>By {what}</b></p><ul class="legend">{names}</ul>')
        for begin in range(0, len(shown.columns), _PER_STRIP):
            parts.append(_strip(shown.columns[begin : begin + _PER_STRIP], begin, what))
    return "".join(parts)


def _strip(columns: Sequence[Sequence[Block]], begin: int, what: str) -> str:
    tallest = max(sum(block.seats for block in column) for column in columns)
    end = begin + len(columns)
    drawn = "".join(_column(column, place, begin + place, tallest, what) for place, column in enumerate(columns))
    return (
        f'<svg class="batches" viewBox="0 0 {_PER_STRIP} {_TALL}" preserveAspectRatio="none" role="img" '
        f'aria-label="Batches {begin} to {end - 1} by {what}">{drawn}</svg>'
    )


def _column(blocks: Sequence[Block], x: int, number: int, tallest: int, what: str) -> str:
    drawn, bottom, border = [], float(_TALL), float(_TALL)
    for (leak, colour, name), seats in _joined(blocks, what).items():
        height = _TALL * seats / tallest
        bottom -= height
        if not leak:
            border = bottom
        title = escape(f"batch {number}: {seats} of {name}{', leaked' if leak else ''}")
        box = f'x="{x}.05" y="{bottom:.1f}" width=".9" height="{height:.1f}"'
        drawn.append(f'<rect {box} fill="{colour}"><title>{title}</title></rect>')
    if border > bottom:
        drawn.append(
            f'<rect class="leak" x="{x}" y="{bottom:.1f}" width="1" height="{border - bottom:.1f}"/>'
            f'<path class="border" d="M{x} {border:.1f}h1"/>'
        )
    return "".join(drawn)


def _joined(blocks: Sequence[Block], what: str) -> dict[tuple[bool, str, str], int]:
    """Return the seats by leak, colour and name; blocks are one that differ in what is not shown."""
    sums: dict[tuple[bool, str, str], int] = {}
    for block in blocks:
        name, colour = (
            (block.experiment, block.experiment_colour)
            if what == "experiment"
            else (block.condition, block.condition_colour)
        )
        key = block.leak, colour, "others" if block.leak and colour == REST else name
        sums[key] = sums.get(key, 0) + block.seats
    return sums


def _counts(title: str, counts: Sequence[tuple[str, int, str]]) -> str:
    most = max((count for _, count, _ in counts), default=0) or 1
    rows = [
        _row(f"{label} times" if label != "1" else "once", _part(count / most), value) for label, count, value in counts
    ]
    return f'<h2>{title}</h2><div class="rows">{"".join(rows)}</div>'


def _part(share: float) -> str:
    width = f"width:{100 * share:.2f}%" if share else "display:none"
    return f'<i class="part" style="{width}"></i>'


def _coverage(shown: Contents) -> str:
    """Draw the share of rows seen over epochs."""
    last = max(epochs for epochs, _ in (*shown.seen, *shown.expected))

    def place(epochs: float, share: float) -> tuple[float, float]:
        return 40 + 300 * epochs / last, 150 - 130 * share

    axes = "".join(
        f'<path class="axis" d="M40 {150 - 130 * share:g}h300"/>'
        f'<text x="34" y="{154 - 130 * share:g}" text-anchor="end">{share:.0%}</text>'
        for share in (0.0, 0.5, 1.0)
    )
    dots = (place(*point) for point in shown.seen[1:])
    drawn = _line("expected", [place(*point) for point in shown.expected])
    drawn += "".join(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in dots)
    until = "".join(
        f"<li>{share}: {'never' if epochs is None else f'{epochs:,.1f} epochs'}</li>" for share, epochs in shown.until
    )
    return (
        "<h2>Rows seen over epochs</h2>"
        '<p class="note">Dots are counted, the broken line is expected.</p>'
        '<svg viewBox="0 0 350 175" class="curve" role="img" aria-label="Share of the rows seen over epochs">'
        f'{axes}{drawn}<text x="40" y="170">0</text><text x="340" y="170" text-anchor="end">{last:,.1f} epochs</text>'
        f'</svg><p>Expected until a share of the rows has been drawn:</p><ul class="legend">{until}</ul>'
    )


def _line(kind: str, points: Sequence[tuple[float, float]]) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{joined}"/>' if len(points) > 1 else ""


def _pairs(shown: Contents) -> str:
    rows = []
    for pair in shown.pairs:
        bar = (
            f'<i class="part" style="width:{98 * pair.got + 1:.2f}%"></i>'
            f'<i class="asked" style="left:{_percent(pair.shuffled, 1.0):.2f}%"></i>'
        )
        rows.append(_row(pair.name, bar, f"here {pair.got:.1%}", f"shuffled {pair.shuffled:.1%}"))
    if not rows:
        return ""
    return (
        "<h2>Pairs within a batch</h2>"
        '<p class="note">What a contrastive loss compares: the share of all pairs. The line is what plain shuffling of '
        f'the same table would give.</p><div class="rows">{"".join(rows)}</div>'
    )
