"""The representations in two dimensions, coloured by digit and by instrument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray
from PIL import Image
from sklearn.manifold import TSNE

from instruments import INSTRUMENTS, Photographs

INSTRUMENT_NAMES = "ABCDEFGH"
DIGIT_NAMES = "0123456789"
# Both are made for colour-blind readers: Okabe and Ito's eight, and Tol's nine muted ones with a grey.
INSTRUMENT_COLOURS = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#b8a800", "#0072b2", "#d55e00", "#cc79a7")
DIGIT_COLOURS = (
    "#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499", "#888888",
)  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """One column of the picture."""

    title: str
    points: NDArray[np.float32]
    """Of shape (images, 2)."""
    of_digits: str
    of_instruments: str


def flatten(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the points in two dimensions, such that neighbours stay neighbours (t-SNE)."""
    flat: NDArray[np.float32] = TSNE(metric="cosine", max_iter=500, init="random", random_state=0).fit_transform(points)
    return flat


def draw(panels: Sequence[Panel], photographs: Photographs, strip: NDArray[np.float32], path: Path) -> None:
    """Draw one digit as each instrument takes it, and below it a column a panel: by digit, and by instrument."""
    with mpl.rc_context({"font.size": 10, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(4.4 * len(panels), 9.3), layout="constrained")
        top, bottom = figure.subfigures(2, 1, height_ratios=(1, 7.2))
        draw_strip(top, strip)
        axes = bottom.subplots(2, len(panels), squeeze=False)
        for (above, below), panel in zip(axes.T, panels, strict=True):
            scatter(above, panel.points, photographs.digit, DIGIT_NAMES, DIGIT_COLOURS)
            scatter(below, panel.points, photographs.instrument, INSTRUMENT_NAMES, INSTRUMENT_COLOURS)
            above.set_title(f"{panel.title}\n{panel.of_digits}", weight="bold")
            below.set_title(panel.of_instruments, weight="bold")
        axes[0, 0].set_ylabel("coloured by digit")
        axes[1, 0].set_ylabel("coloured by instrument")
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(100)
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image.quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)


def draw_strip(figure: SubFigure, strip: NDArray[np.float32]) -> None:
    """Draw the images side by side, each under its instrument's letter and in its colour."""
    figure.suptitle("The same digit, as each of the eight instruments photographs it", size=10)
    for axes, image, name, colour in zip(
        figure.subplots(1, INSTRUMENTS), strip, INSTRUMENT_NAMES, INSTRUMENT_COLOURS, strict=True
    ):
        axes.imshow(image, cmap="gray", vmin=strip.min(), vmax=strip.max())
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel(name, weight="bold")
        axes.spines[:].set(color=colour, linewidth=3)


def scatter(
    axes: Axes, points: NDArray[np.float32], group: NDArray[np.int64], names: Sequence[str], colours: Sequence[str]
) -> None:
    """Draw the points in the colours of their groups, some of them as the group's name."""
    order = np.random.default_rng(0).permutation(len(points))
    points, group = points[order], group[order]
    axes.scatter(*points.T, s=7, c=np.array(colours)[group], linewidths=0)
    outline = [patheffects.withStroke(linewidth=2, foreground="white")]
    for number in far_apart(points):
        axes.annotate(
            names[group[number]],
            points[number],
            ha="center",
            va="center",
            size=9,
            weight="bold",
            color=colours[group[number]],
            path_effects=outline,
        )
    axes.set(xticks=[], yticks=[])
    axes.set_box_aspect(0.85)


def far_apart(points: NDArray[np.float32]) -> list[int]:
    """Return points such that each that is left out is close to one of them."""
    distance = np.ptp(points, axis=0).max() / 16
    chosen: list[int] = []
    for number, point in enumerate(points):
        if all(np.linalg.norm(points[chosen] - point, axis=1) > distance):
            chosen.append(number)
    return chosen
