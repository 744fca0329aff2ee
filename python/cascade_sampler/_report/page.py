"""An audit as HTML. Text stays text and bars stay bars, so that it fits a phone and needs no drawing library."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from html import escape
from importlib import resources

from cascade_sampler._report.contents import Contents, Group, Listing, contents
from cascade_sampler._report.record import Record
from cascade_sampler._report.strips import PER_STRIP, strip
from cascade_sampler._tables.shown import visible

# Notebooks say on an element around the output which theme they have: Jupyter, VS Code, Colab.
_DARK_NOTEBOOK = ':is([data-jp-theme-light="false"] *, .vscode-dark *, .vscode-high-contrast *, html[theme="dark"] *)'


def page(audit: Record, table: str | None = None) -> str:
    """Return the audit as one HTML document that refers to nothing outside.

    Parameters
    ----------
    audit : Record
        What was counted.
    table : str, optional
        What the table is called.

    Returns
    -------
    str
        To be written as UTF-8.
    """
    name = "" if table is None else f" of {escape(visible(table))}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>What the batches{name} hold</title>\n"
        "<style>@page { margin: 15mm; } body { margin: 0; } "
        "@media screen and (prefers-color-scheme: dark) { body { background: #16181b; } "
        f".cascade-page .cascade-audit {{ {_style('dark.css').strip()} }} }}"
        f'</style>\n</head>\n<body class="cascade-page">\n{fragment(audit, table)}\n</body>\n</html>\n'
    )


def fragment(audit: Record, table: str | None = None) -> str:
    """Return the audit as a piece of HTML with its own style, for notebooks; it has the notebook's theme."""
    shown = contents(audit)
    style = _style("page.css")
    style += f"@media screen {{\n  .cascade-audit{_DARK_NOTEBOOK} {{ {_style('dark.css').strip()} }}\n}}\n"
    parts = [
        "<h1>What the batches hold</h1>",
        _about(shown, table),
        _facts(shown),
        _findings(shown.findings),
        _shares(
            "Experiments",
            shown.experiments,
            "Share of the batches: the line is what was asked, the dot what came, the grey band the usual range "
            f"({shown.interval}).",
        ),
        _shares(
            "Conditions",
            shown.conditions,
            "Share of the primary seats: the line is what the ratio asks for, the dotted line the quota that whole "
            "seats make of it, the dot what came.",
        ),
        _listing(
            "Cells", shown.cells, "Those with the fewest rows for their seats first. Primary seats, and leaked ones."
        ),
        _listing(
            "Focal times",
            shown.times,
            "Those with the most batches. Of others: seats for which no row was near, or far, so that others stood in.",
        ),
        _batches(shown),
        _counts(
            "How often rows were drawn",
            [(times, rows, f"{rows:,} rows") for times, rows in shown.draws],
        ),
        _coverage(shown),
        _listing(
            "Laps",
            shown.laps,
            "A lap deals each row of a cell once, in the seats that do not leak. Those whose lap takes the most epochs "
            "first.",
        ),
        _pairs(shown),
    ]
    return f'<div class="cascade-audit">\n<style>\n{style}</style>\n' + "\n".join(filter(None, parts)) + "\n</div>"


def _style(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _about(shown: Contents, table: str | None) -> str:
    named = "" if table is None else f"{visible(table)}, "
    today = datetime.date.today().isoformat()
    return (
        f'<p class="about">{escape(named)}{escape(shown.sampler)}, {today}</p>'
        f'<p class="note">Settings: {escape(shown.settings)}</p>'
    )


def _listing(title: str, listing: Listing, note: str) -> str:
    if not listing.lines:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in listing.header)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in listing.lines)
    left = listing.count - len(listing.lines)
    more = f'<p class="note">and {left:,} more</p>' if left else ""
    return (
        f'<section><h2>{title}</h2><p class="note">{escape(note)}</p>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>{more}</section>"
    )


def _facts(shown: Contents) -> str:
    facts = (f"<div><dt>{escape(fact)}</dt><dd>{escape(value)}</dd></div>" for fact, value in shown.facts)
    return f"<dl>{''.join(facts)}</dl>"


def _findings(findings: Sequence[tuple[str, str]]) -> str:
    if not findings:
        return "<h2>Findings</h2><p>None: nothing here asks for a change.</p>"
    items = "".join(f'<li class="{grade}"><b>{grade}</b>: {escape(text)}</li>' for grade, text in findings)
    return f'<h2>Findings</h2><ul class="findings">{items}</ul>'


def _shares(title: str, groups: Sequence[Group], note: str) -> str:
    if not groups:
        return ""
    # The rest would dwarf what is listed, and has no range: it is told, not drawn.
    drawn = [group for group in groups if not group.is_rest]
    step, top = _axis(max(max(group.asked, group.got, group.high or 0, group.quota or 0) for group in drawn))
    rows = []
    for group in groups:
        bar = "" if group.is_rest else _mark(group, top)
        values = [f"asked {group.asked:.2%}", f"got {group.got:.2%}"]
        if group.quota is not None:
            values = [f"ratio {group.asked:.2%}", f"quota {group.quota:.2%}", f"got {group.got:.2%}"]
        rows.append(_row(f"{_swatch(group.colour)}{escape(group.name)}", bar, *values))
    # Below the last that is drawn.
    rows.insert(len(drawn), _ticks(step, top))
    return (
        f'<section><h2>{title}</h2><p class="note">{escape(note)}</p>'
        f'<div class="rows" style="--step:{100 * step / top:.3f}%">{"".join(rows)}</div></section>'
    )


def _axis(widest: float) -> tuple[float, float]:
    """Return the distance of ticks and the end of an axis of shares: at most five steps that reach `widest`."""
    if widest <= 0:
        return 0.2, 1.0
    power = 10.0 ** math.floor(math.log10(widest / 5))
    step = next(power * times for times in (1, 2, 5, 10) if power * times * 5 >= widest * (1 - 1e-9))
    return step, step * max(1, math.ceil(widest / step - 1e-9))


def _ticks(step: float, top: float) -> str:
    decimals = max(0, -math.floor(math.log10(step * 100) + 1e-9))
    marks = "".join(
        f'<i style="left:{100 * place * step / top:.2f}%">{100 * place * step:.{decimals}f} %</i>'
        for place in range(round(top / step) + 1)
    )
    return f'<div class="row"><span></span><div class="bar ticks">{marks}</div><span></span></div>'


def _mark(group: Group, widest: float) -> str:
    band = ""
    if group.low is not None and group.high is not None:
        left, right = _percent(group.low, widest), _percent(group.high, widest)
        band = f'<i class="range" style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
    if group.quota is not None:
        band = f'<i class="quota" style="left:{_percent(group.quota, widest):.2f}%"></i>'
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
    return 100 * share / widest


def _batches(shown: Contents) -> str:
    """Draw the first batches as columns, once by experiment and once by condition."""
    first = f"The first {len(shown.columns):,} batches" if len(shown.columns) > 1 else "The one batch"
    # In the section of what is first drawn: a title alone at the end of a sheet helps nobody.
    title = (
        f'<h2>{first}</h2><p class="note">A column is a batch, in order from left to right, {PER_STRIP} a strip. Above '
        "the line, and paler, are the seats that leak.</p>"
    )
    parts: list[str] = []
    for what, legend in (("experiment", shown.experiment_colours), ("condition", shown.condition_colours)):
        if not legend:
            continue
        names = "".join(f"<li>{_swatch(colour)}{escape(name)}</li>" for name, colour in legend)
        strips = (
            strip(shown.columns[begin : begin + PER_STRIP], begin, what)
            for begin in range(0, len(shown.columns), PER_STRIP)
        )
        parts.append(
            f'<section>{"" if parts else title}<p><b>By {what}</b></p><ul class="legend">{names}</ul>{"".join(strips)}'
            "</section>"
        )
    return "".join(parts)


def _counts(title: str, counts: Sequence[tuple[str, int, str]]) -> str:
    most = max((count for _, count, _ in counts), default=0) or 1
    rows = [
        _row(f"{label} times" if label != "1" else "once", _part(count / most), value) for label, count, value in counts
    ]
    return f'<section><h2>{title}</h2><div class="rows">{"".join(rows)}</div></section>'


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
        "<section><h2>Rows seen over epochs</h2>"
        '<p class="note">Dots are counted, the broken line is expected.</p>'
        '<svg viewBox="0 0 350 175" class="curve" role="img" aria-label="Share of the rows seen over epochs">'
        f'{axes}{drawn}<text x="40" y="170">0</text><text x="340" y="170" text-anchor="end">{last:,.1f} epochs</text>'
        f'</svg><p>Expected until a share of the rows has been drawn:</p><ul class="legend">{until}</ul></section>'
    )


def _line(kind: str, points: Sequence[tuple[float, float]]) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{joined}"/>' if len(points) > 1 else ""


def _pairs(shown: Contents) -> str:
    rows = []
    for pair in shown.pairs:
        bar = (
            f'<i class="part" style="width:{100 * pair.got:.2f}%"></i>'
            f'<i class="asked" style="left:{_percent(pair.shuffled, 1.0):.2f}%"></i>'
        )
        rows.append(_row(pair.name, bar, f"here {pair.got:.1%}", f"shuffled {pair.shuffled:.1%}"))
    if not rows:
        return ""
    return (
        "<section><h2>Pairs within a batch</h2>"
        '<p class="note">What a contrastive loss compares: the share of all pairs. The line is what plain shuffling of '
        "the same table would give.</p>"
        f'<div class="rows" style="--step:20%">{"".join(rows)}{_ticks(0.2, 1.0)}</div></section>'
    )
