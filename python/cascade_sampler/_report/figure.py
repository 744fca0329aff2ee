"""An audit as a matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cascade_sampler._report.contents import Block, Contents, Group, contents
from cascade_sampler._report.fonts import fonts_for, with_escapes
from cascade_sampler._report.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BAND = "#d0d0d0"
_EDGE = "#6b6b6b"


def plot(audit: Record) -> Figure:
    """Draw the audit.

    Parameters
    ----------
    audit : Record
        What was counted.

    Returns
    -------
    matplotlib.figure.Figure
        On its own: not one of pyplot's, so nothing has to be closed.

    Raises
    ------
    ImportError
        Where matplotlib is missing: it comes with ``cascade-sampler[report]``.
    """
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise ImportError(
            "audit.plot() needs matplotlib, which is not installed: pip install 'cascade-sampler[report]'; "
            "audit.html(path) and print(audit) do without"
        ) from error
    shown = contents(audit)
    names = [name for name, _ in (*shown.experiment_colours, *shown.condition_colours)]
    names += [group.name for group in (*shown.experiments, *shown.conditions)]
    families, lacking = fonts_for(names)
    with rc_context({"font.family": families}):
        return _drawn(_written(shown, lacking))


def _written(shown: Contents, lacking: frozenset[str]) -> Contents:
    """Return the contents with names that matplotlib can write, and does not read as mathematics."""

    def name(text: str) -> str:
        return with_escapes(text, lacking).replace("$", r"\$")

    def groups(of: Sequence[Group]) -> tuple[Group, ...]:
        return tuple(replace(group, name=name(group.name)) for group in of)

    def legend(of: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((name(text), colour) for text, colour in of)

    return replace(
        shown,
        experiments=groups(shown.experiments),
        conditions=groups(shown.conditions),
        experiment_colours=legend(shown.experiment_colours),
        condition_colours=legend(shown.condition_colours),
    )


def _drawn(shown: Contents) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    # What there is nothing of has no place.
    rows: list[tuple[list[str], float]] = []
    if shown.experiments:
        rows.append((["experiments"] * 2, 1.2 + len(shown.experiments) / 4))
    if shown.conditions:
        rows.append((["conditions"] * 2, 1.2 + len(shown.conditions) / 4))
    if shown.experiment_colours:
        rows.append((["by experiment"] * 2, 2.8))
    if shown.condition_colours:
        rows.append((["by condition"] * 2, 2.8))
    rows.append((["draws", "coverage"], 3.5))
    if shown.pairs:
        rows.append((["pairs"] * 2, 1.2 + len(shown.pairs) / 3))
    heights = [height for _, height in rows]
    figure = Figure(figsize=(12, sum(heights)), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12))
    axes: dict[str, Any] = figure.subplot_mosaic([names for names, _ in rows], height_ratios=heights)
    if shown.experiments:
        _shares(axes["experiments"], shown.experiments, "Experiments", "share of the batches")
    if shown.conditions:
        _shares(axes["conditions"], shown.conditions, "Conditions", "share of the primary seats")
    if shown.experiment_colours:
        _batches(axes["by experiment"], shown, shown.experiment_colours, "experiment")
    if shown.condition_colours:
        _batches(axes["by condition"], shown, shown.condition_colours, "condition")
    _draws(axes["draws"], shown)
    _coverage(axes["coverage"], shown)
    if shown.pairs:
        _pairs(axes["pairs"], shown)
    return figure


def _shares(axes: Any, groups: Sequence[Group], title: str, share: str) -> None:
    # The rest would dwarf what is listed, and has no range: it is told, not drawn.
    for rest in groups:
        if rest.is_rest:
            share += f"; and {rest.name}: asked {rest.asked:.1%}, got {rest.got:.1%}"
    axes.set(title=title, xlabel=share)
    groups = [group for group in groups if not group.is_rest]
    places = range(len(groups))
    band = "usual range"
    for place, group in zip(places, groups, strict=True):
        if group.low is not None and group.high is not None:
            axes.barh(place, group.high - group.low, left=group.low, height=0.8, color=_BAND, label=band)
            # One entry of the legend is enough.
            band = ""
    asked = "asked" if groups[0].quota is None else "ratio"
    axes.scatter([group.asked for group in groups], places, marker="|", s=160, color="black", zorder=3, label=asked)
    quotas = [group.quota for group in groups if group.quota is not None]
    if quotas:
        axes.scatter(quotas, places, marker="x", s=40, color="black", linewidth=1, zorder=3, label="quota")
    colours = [group.colour for group in groups]
    axes.scatter([group.got for group in groups], places, color=colours, edgecolor=_EDGE, zorder=4, label="got")
    axes.set_yticks(places, [group.name for group in groups])
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlim(
        0, 1.05 * max(max(group.asked, group.got, group.high or 0, group.quota or 0) for group in groups) or 1
    )
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(_share_formatter())
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _share_formatter() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0)


def _batches(axes: Any, shown: Contents, legend: Sequence[tuple[str, str]], what: str) -> None:
    first = f"The first {len(shown.columns)} batches" if len(shown.columns) > 1 else "The one batch"
    leaks = any(block.leak for column in shown.columns for block in column)
    axes.set_title(f"{first} by {what}" + ("; hatched: leak" if leaks else ""))
    spans: dict[tuple[str, bool], list[tuple[int, int, int]]] = {}
    for number, column in enumerate(shown.columns):
        bottom = 0
        for block in column:
            spans.setdefault((_colour(block, what), block.leak), []).append((number, block.seats, bottom))
            bottom += block.seats
    for (colour, leak), its in spans.items():
        numbers, seats, bottoms = zip(*its, strict=True)
        axes.bar(
            numbers, seats, 1.0, bottom=bottoms, color=colour, linewidth=0, alpha=0.5 if leak else 1.0,
            hatch="////" if leak else None, edgecolor="white",
        )  # fmt: skip
    axes.set(xlim=(-0.5, len(shown.columns) - 0.5), xlabel="batch", ylabel="seats")
    axes.locator_params(axis="x", integer=True)
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=colour, edgecolor=_EDGE, label=name) for name, colour in legend]
    axes.legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1))


def _colour(block: Block, what: str) -> str:
    return block.experiment_colour if what == "experiment" else block.condition_colour


def _draws(axes: Any, shown: Contents) -> None:
    axes.bar([times for times, _ in shown.draws], [rows for _, rows in shown.draws], color="#0072b2")
    axes.set(title="Draws per row", xlabel="times drawn", ylabel="rows")


def _coverage(axes: Any, shown: Contents) -> None:
    axes.plot(*zip(*shown.expected, strict=True), "--", color="#5c5c5c", label="expected")
    axes.plot(*zip(*shown.seen[1:], strict=True), "o", color="#0072b2", label="counted")
    axes.set(title="Rows seen over epochs", xlabel="epochs", ylabel="share of the rows", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(_share_formatter())
    axes.legend(loc="lower right")


def _pairs(axes: Any, shown: Contents) -> None:
    axes.set(title="Pairs within a batch, beside plain shuffling", xlabel="share of the pairs")
    places = range(len(shown.pairs))
    axes.barh(places, [pair.got for pair in shown.pairs], color="#0072b2", label="here")
    axes.scatter(
        [pair.shuffled for pair in shown.pairs], places, marker="|", s=300, color="black", zorder=3, label="shuffled"
    )
    axes.set_yticks(places, [pair.name for pair in shown.pairs])
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(_share_formatter())
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
