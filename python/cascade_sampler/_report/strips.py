"""The first batches of an audit as columns of seats."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cascade_sampler._report.contents import Block

PER_STRIP = 50
"""Batches side by side: on a phone each is some 7 pixels wide."""
_NAMED = 6
"""Names in the title of a batch."""


def strip(columns: Sequence[Sequence[Block]], begin: int, what: str) -> str:
    """Return some batches as an SVG, by "experiment" or by "condition"; the first is number `begin`.

    Seats of one colour are one path over all columns: an element a seat would make a page of megabytes.
    """
    tallest = max(sum(block.seats for block in column) for column in columns)
    paths: dict[str, list[str]] = {}
    leaks, borders, titles = [], [], []
    for x, column in enumerate(columns):
        bottom = border = tallest
        for (leak, colour), seats in _joined(column, what).items():
            bottom -= seats
            if not leak:
                border = bottom
            paths.setdefault(colour, []).append(f"M{x} {bottom}h.9v{seats}h-.9z")
        if border > bottom:
            leaks.append(f"M{x} {bottom}h1v{border - bottom}h-1z")
            borders.append(f"M{x} {border}h1")
        titles.append(
            f'<path class="batch" d="M{x} 0h1v{tallest}h-1z">'
            f"<title>{escape(_title(column, begin + x, what))}</title></path>"
        )
    drawn = "".join(f'<path fill="{colour}" d="{"".join(parts)}"/>' for colour, parts in paths.items())
    drawn = f'<g class="seats" transform="translate(.05)">{drawn}</g>'
    if leaks:
        drawn += f'<path class="leak" d="{"".join(leaks)}"/><path class="border" d="{"".join(borders)}"/>'
    return (
        f'<svg class="batches" viewBox="0 0 {PER_STRIP} {tallest}" preserveAspectRatio="none" role="img" '
        f'aria-label="Batches {begin} to {begin + len(columns) - 1} by {what}">{drawn}{"".join(titles)}</svg>'
    )


def _joined(blocks: Sequence[Block], what: str) -> dict[tuple[bool, str], int]:
    """Return the seats by leak and colour, from the bottom up; blocks are one that differ in what is not shown."""
    sums: dict[tuple[bool, str], int] = {}
    for block in blocks:
        key = block.leak, block.experiment_colour if what == "experiment" else block.condition_colour
        sums[key] = sums.get(key, 0) + block.seats
    order = sorted(range(len(sums)), key=lambda place: [*sums][place][0])
    return {[*sums][place]: [*sums.values()][place] for place in order}


def _title(blocks: Sequence[Block], number: int, what: str) -> str:
    """Say what a batch holds: its primary seats by name, and how many leak."""
    sums: dict[str, int] = {}
    for block in blocks:
        if not block.leak:
            name = block.experiment if what == "experiment" else block.condition
            sums[name] = sums.get(name, 0) + block.seats
    named = [f"{seats} of {_brief(name)}" for name, seats in [*sums.items()][:_NAMED]]
    if len(sums) > _NAMED:
        named.append(f"{len(sums) - _NAMED} more")
    leaked = sum(block.seats for block in blocks if block.leak)
    return f"batch {number}: {', '.join(named)}" + (f", {leaked} leaked" if leaked else "")


def _brief(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:8]}…{name[-7:]}"
