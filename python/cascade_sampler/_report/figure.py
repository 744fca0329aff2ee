"""An audit as a matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cascade_sampler._report.contents import Block, Contents, Group, contents
from cascade_sampler._report.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "audit.plot() needs matplotlib, which is not installed: pip install 'cascade-sampler[report]'; "
            "audit.html(path) and print(audit) do without"
        ) from error
    shown = contents(audit)
    heights = [1 + len(shown.experiments) / 4, 1 + len(shown.conditions) / 4, 2.5, 2.5, 3.5, 2.5]
    figure = Figure(figsize=(12, sum(heights)), layout="constrained")
    wide = ["experiments", "conditions", "by experiment", "by condition"]
    axes: dict[str, Any] = figure.subplot_mosaic(
        [*([name] * 2 for name in wide), ["draws", "coverage"], ["pairs"] * 2], height_ratios=heights
    )
    _shares(axes["experiments"], shown.experiments, "Experiments: share of the batches")
    _shares(axes["conditions"], shown.conditions, "Conditions: share of the primary seats")
    _batches(axes["by experiment"], shown, shown.experiment_colours, "experiment")
    _batches(axes["by condition"], shown, shown.condition_colours, "condition")
    _draws(axes["draws"], shown)
    _coverage(axes["coverage"], shown)
    _pairs(axes["pairs"], shown)
    return figure


def _plain(text: str) -> str:
    """Keep matplotlib from reading a label as mathematics."""
    return text.replace("$", r"\$")


def _shares(axes: Any, groups: Sequence[Group], title: str) -> None:
    axes.set_title(title)
    if not groups:
        axes.set_axis_off()
        return
    # The rest would dwarf what is listed, and has no range: it is told, not drawn.
    for rest in groups:
        if rest.is_rest:
            axes.set_xlabel(f"and {rest.name}: asked {rest.asked:.1%}, got {rest.got:.1%}")
    groups = [group for group in groups if not group.is_rest]
    places = range(len(groups))
    for place, group in zip(places, groups, strict=True):
        if group.low is not None and group.high is not None:
            axes.barh(place, group.high - group.low, left=group.low, height=0.8, color="#d0d0d0")
    axes.scatter([group.asked for group in groups], places, marker="|", s=160, color="black", zorder=3, label="asked")
    axes.scatter(
        [group.got for group in groups], places, color=[group.colour for group in groups], zorder=4, label="got"
    )
    axes.set_yticks(places, [_plain(_short(group.name)) for group in groups])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(_share_formatter())
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _short(text: str) -> str:
    return text if len(text) <= 36 else f"{text[:20]}…{text[-15:]}"


def _share_formatter() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0)


def _batches(axes: Any, shown: Contents, legend: Sequence[tuple[str, str]], what: str) -> None:
    axes.set_title(f"The first {len(shown.columns)} batches by {what}; hatched: leak")
    if not legend:
        axes.set_axis_off()
        return
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
    axes.set(xlim=(-0.5, len(shown.columns) - 0.5), ylabel="seats")
    from matplotlib.patches import Patch

    patches = [Patch(color=colour, label=_plain(_short(name))) for name, colour in legend]
    axes.legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1))


def _colour(block: Block, what: str) -> str:
    return block.experiment_colour if what == "experiment" else block.condition_colour


def _draws(axes: Any, shown: Contents) -> None:
    axes.bar([times for times, _ in shown.draws], [rows for _, rows in shown.draws], color="#0072b2")
    axes.set(title="Draws per row", xlabel="times drawn", ylabel="rows")


def _coverage(axes: Any, shown: Contents) -> None:
    axes.plot(*zip(*shown.expected, strict=True), "--", color="#5c5c5c", label="expected")
    axes.plot(*zip(*shown.seen[1:], strict=True), "o", color="#0072b2", label="counted")
    axes.set(title="Rows seen over epochs", xlabel="epochs", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(_share_formatter())
    axes.legend(loc="lower right")


def _pairs(axes: Any, shown: Contents) -> None:
    axes.set_title("Pairs within a batch, beside plain shuffling")
    places = range(len(shown.pairs))
    axes.barh(places, [pair.got for pair in shown.pairs], color="#0072b2", label="here")
    axes.scatter(
        [pair.shuffled for pair in shown.pairs], places, marker="|", s=300, color="black", zorder=3, label="shuffled"
    )
    axes.set_yticks(places, [pair.name for pair in shown.pairs])
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(_share_formatter())
    axes.legend(loc="lower right")
