"""The figures as pages: a section of README.md, docs/performance.md, and a picture."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cases import BATCH, CASES, CONSTRUCTED
from tables import EXPERIMENTS, LABELS

mpl.use("Agg")
from matplotlib import pyplot as plt

_BEGIN = "<!-- Written by `make bench`. -->"
_END = "<!-- End of what `make bench` writes. -->"
_PICTURE = "docs/performance.svg"
#: The same on a dark page.
_DARK_PICTURE = "docs/performance-dark.svg"
_PAGE = "docs/performance.md"
#: The case that README.md and the picture show.
_SHOWN = CASES[2].name
_TEMPORAL = "continuous times, grouped"
_RIVALS = {"upstream": "VisCy's sampler", "numpy": "best in numpy"}
_MISSING = "–"
#: Rows below which what a process has in hand hides what it takes.
_TOLD = 1_000_000

Figures = dict[str, Any]


def publish(sizes: Sequence[Figures], root: Path) -> None:
    """Write the pages under `root` from the figures of all sizes; a README.md is changed only where there is one."""
    (root / "docs").mkdir(exist_ok=True)
    _draw(sizes, root / _PICTURE, "#ffffff", "#1c1c1c")
    _draw(sizes, root / _DARK_PICTURE, "#16181b", "#ececec")
    (root / _PAGE).write_text(_page(sizes))
    readme = root / "README.md"
    if readme.exists():
        before, _, rest = readme.read_text().partition(_BEGIN)
        _, found, after = rest.partition(_END)
        if not found:
            raise ValueError(f"README.md must have the lines {_BEGIN!r} and {_END!r}")
        readme.write_text(f"{before}{_BEGIN}\n\n{_section(sizes)}\n\n{_END}{after}")


def _section(sizes: Sequence[Figures]) -> str:
    """Return what a reader of five minutes wants."""

    def row(figures: Figures) -> list[str]:
        shown, temporal = figures["batches"][_SHOWN], figures["batches"][_TEMPORAL]
        made = _constructed(figures, "categorical", _SHOWN, "here")
        return [
            f"{figures['rows'] / 1e6:g} M",
            f"{shown['loop'] / 1e3:.1f} µs",
            _times(shown, "upstream / loop"),
            _times(shown, "numpy / loop"),
            f"{temporal['loop'] / 1e3:.1f} µs",
            _times(temporal, "upstream / loop"),
            f"{made['seconds']:.2f} s" if isinstance(made, dict) else _MISSING,
        ]

    head = [
        "rows",
        "a batch",
        "VisCy's sampler",
        "in numpy",
        "around a time",
        "VisCy's sampler",
        "construction",
    ]
    return "\n\n".join(
        [
            _wrapped(
                f"A batch has {BATCH} rows of one experiment, its conditions are balanced, and 20 % leak. In the "
                "columns around a time all rows have different times. Construction reads categorical columns, with "
                "balance and leak. VisCy's sampler and one in numpy, written for this comparison, hand out the same "
                "batches: this is checked before they are timed. Figures are medians of interleaved rounds on "
                f"{_machine(sizes[-1])}. [{_PAGE}]({_PAGE}) has the method and all figures. `make bench` measures them "
                "anew."
            ),
            _table(head, (row(figures) for figures in sizes)),
            "<picture>\n"
            f'  <source media="(prefers-color-scheme: dark)" srcset="{_DARK_PICTURE}">\n'
            f'  <img alt="Time of a batch by the number of rows, of this package and its rivals" src="{_PICTURE}">\n'
            "</picture>",
        ]
    )


def _page(sizes: Sequence[Figures]) -> str:
    last = sizes[-1]
    versions = ", ".join(f"{name} {number}" for name, number in last["versions"].items())
    parts = [
        "# Performance",
        "`make bench` writes this page: it runs benches/bench.py. Do not change it by hand.",
        "## Method",
        f"The machine is {_machine(last)}. The process is "
        f"{'pinned to one core' if last['pinned'] else 'not pinned to a core'}. Large pages of memory: "
        f"{last['large_pages']}. The versions are {versions}.",
        f"All samplers get the same table. It has {EXPERIMENTS} experiments of skewed size, {LABELS['condition']} "
        f"conditions, and either 48 different times or a different time in each row. A batch has {BATCH} rows.",
        "One process measures all samplers in turn, in short slices, so that most slices are not interrupted. A round "
        "is one slice or more of each. A figure is the median of the rounds' medians. A ratio is taken within each "
        "round, and its median is shown. Before the measurement the benchmark compares the first batches of this "
        "package, of VisCy's own sampler and of the one in numpy (benches/numpy_sampler.py). It stops if they differ.",
        "The **floor** is the least that any sampler of this kind must do for a batch. It is measured as two things: "
        "as many random numbers, drawn by the core's own function, and as many random reads from lists of the same "
        "sizes. The lists lie in large pages of memory where the system has them. Each read is asked for ahead, as "
        "soon as its place is drawn.",
        "## A batch",
        "All times are microseconds a batch.",
        _table(
            ["column", "what it is"],
            [
                ["loop", "`for batch in sampler`"],
                ["epoch", "a batch's share of `epoch_batches`"],
                ["Rust", "the core's own loop, without Python"],
                ["floor", "the floor, as above"],
                ["empty", "one `numpy.empty(256, int64)`, the array that a batch is handed out in"],
                ["beyond", "what is left of `loop`: `loop` - `Rust` - `empty`"],
                ["VisCy, numpy", "how many times as long as `loop` the other samplers take"],
                ["VisCy / numpy", "how many times as long as numpy's VisCy's takes"],
            ],
        ),
    ]
    for figures in sizes:
        parts += [f"### {figures['rows']:,} rows", _batches(figures)]
    parts += [
        "## Several runs",
        "A process's memory lies elsewhere each time, and so do what it and its neighbours ask of the caches. The "
        f"table shows Rust / floor of {len(next(iter(last['runs'].values())))} processes, each of which made its "
        "samplers anew: the median, and the lowest and the highest.",
        _runs(sizes),
        "## Moving past a batch",
        "A rank passes over the batches of the other ranks without building them. The table shows the time to pass one "
        "batch, beside the time to draw as many raw words of the generator. It also shows a batch of rank 0 of 64, "
        "which passes 63 batches for each of its own. All times are microseconds.",
        _passes(sizes),
        "## Dealt batches",
        "This is the core of `CascadeSampler` over the same tables. The columns are a batch of a single rank, a batch "
        "of rank 0 of 64 and of 1,024, and one batch that lies a million batches ahead, built by itself. All times are "
        "microseconds.",
        _deals(sizes),
        "## The floor",
        "All times are nanoseconds a row of a batch.",
        _floors(sizes),
        "## Samplers that promise less",
        f"These samplers do something simpler. The case is {CASES[1].name}. MPerClassSampler puts 4 rows of each of "
        "64 cells into a batch. WeightedRandomSampler weighs rows so that cells are balanced on average. RandomSampler "
        "shuffles. None of them makes batches of one experiment. All times are microseconds a batch, with the time "
        "that the epoch takes to begin.",
        _others(sizes),
        "## Construction",
        "Each sampler is made in a fresh process, whose table is already in memory. The columns show the time, the "
        "highest use of memory beyond that of the table in bytes a row, and the time of the first `next()`. From about "
        "four million rows on this package sorts rows on two cores, where the process may run on two. Here it may not, "
        "but for the lines that say so.",
    ]
    for figures in sizes:
        parts += [f"### Construction, {figures['rows']:,} rows", _constructions(figures)]
    return "\n\n".join(part if part.startswith(("|", "#")) else _wrapped(part) for part in parts) + "\n"


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False))


def _machine(figures: Figures) -> str:
    return f"{figures['machine']}, {figures['date']}, load {figures['load']:.1f}"


def _batches(figures: Figures) -> str:
    def row(case: str, found: dict[str, float]) -> list[str]:
        times = [found[name] / 1e3 for name in ("loop", "epoch_batches", "batch", "floor", "empty", "beyond")]
        return [
            case,
            *(f"{time:.2f}" for time in times),
            f"{found['batch / floor']:.2f}",
            _times(found, "upstream / loop"),
            _times(found, "numpy / loop"),
            f"{found['upstream / numpy']:.1f}" if "upstream / numpy" in found else _MISSING,
        ]

    head = [
        "case",
        "loop",
        "epoch",
        "Rust",
        "floor",
        "empty",
        "beyond",
        "Rust / floor",
        "VisCy",
        "numpy",
        "VisCy / numpy",
    ]
    return _table(head, (row(case, found) for case, found in figures["batches"].items()))


def _runs(sizes: Sequence[Figures]) -> str:
    def cell(ratios: list[float]) -> str:
        return f"{ratios[len(ratios) // 2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"

    rows = ([case, *(cell(figures["runs"][case]) for figures in sizes)] for case in sizes[-1]["runs"])
    return _table(["case", *(f"{figures['rows']:,} rows" for figures in sizes)], rows)


def _passes(sizes: Sequence[Figures]) -> str:
    def row(figures: Figures, case: str) -> list[str]:
        found = figures["batches"][case]
        times = [found[name] / 1e3 for name in ("pass", "words", "dealt", "dealt_loop")]
        return [f"{figures['rows']:,}", case, *(f"{time:.2f}" for time in times), f"{found['pass / words']:.2f}"]

    head = ["rows", "case", "passing", "words", "rank 0 of 64, Rust", "rank 0 of 64, loop", "passing / words"]
    return _table(head, (row(figures, case) for figures in sizes for case in (_SHOWN, _TEMPORAL)))


def _deals(sizes: Sequence[Figures]) -> str:
    names = ("deal", "deal_64", "deal_1024", "deal_far")
    rows = (
        [f"{figures['rows']:,}", case, *(f"{found[name] / 1e3:.2f}" for name in names), f"{found['deal / floor']:.2f}"]
        for figures in sizes
        for case, found in figures["batches"].items()
        if "deal" in found
    )
    return _table(["rows", "case", "a batch", "rank 0 of 64", "of 1,024", "a million on", "a batch / floor"], rows)


def _floors(sizes: Sequence[Figures]) -> str:
    def row(figures: Figures) -> list[str]:
        found = figures["batches"][_SHOWN]
        return [f"{figures['rows']:,}", *(f"{found[name] / BATCH:.2f}" for name in ("floor", "words", "gathers"))]

    return _table(["rows", "floor", "raw words alone", "reads alone"], map(row, sizes))


def _others(sizes: Sequence[Figures]) -> str:
    def cell(figure: float | str) -> str:
        return figure if isinstance(figure, str) else f"{figure / 1e3:.0f}"

    names = list(sizes[0]["others"])
    return _table(
        ["rows", "this package", *names],
        (
            [
                f"{figures['rows']:,}",
                f"{figures['batches'][CASES[1].name]['loop'] / 1e3:.1f}",
                *(cell(figures["others"][name]) for name in names),
            ]
            for figures in sizes
        ),
    )


def _constructions(figures: Figures) -> str:
    order = {case.name: number for number, case in enumerate(CONSTRUCTED)}

    def row(made: dict[str, Any]) -> list[str]:
        found = made["figure"]
        if isinstance(found, str):
            return [made["kind"], made["case"], made["who"], found, _MISSING, _MISSING]
        first = f"{found['first'] * 1e3:.2f} ms" if "first" in found else _MISSING
        return [
            made["kind"],
            made["case"],
            made["who"],
            f"{found['seconds']:.3f} s",
            f"{found['bytes'] / figures['rows']:.1f}" if figures["rows"] >= _TOLD else _MISSING,
            first,
        ]

    rows = sorted(figures["constructions"], key=lambda made: (made["kind"], order[made["case"]]))
    return _table(["columns", "case", "who", "time", "peak", "first batch"], map(row, rows))


def _constructed(figures: Figures, kind: str, case: str, who: str) -> dict[str, float] | str | None:
    for made in figures["constructions"]:
        if (made["kind"], made["case"], made["who"]) == (kind, case, who):
            found: dict[str, float] | str = made["figure"]
            return found
    return None


def _times(figures: dict[str, float], ratio: str) -> str:
    if ratio not in figures:
        return _MISSING
    found = figures[ratio]
    return f"{found:,.0f} ×" if found >= 10 else f"{found:.1f} ×"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _draw(sizes: Sequence[Figures], path: Path, paper: str, ink: str) -> None:
    """Draw time a batch against rows, a panel for each of two cases, on paper and with ink of these colours."""
    inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color")
    # The same figures give the same file.
    style = {"svg.hashsalt": "cascade-sampler", "svg.fonttype": "none", **dict.fromkeys(inked, ink)}
    with plt.rc_context({**style, "figure.facecolor": paper, "axes.facecolor": paper, "legend.facecolor": paper}):
        figure, panels = plt.subplots(1, 2, figsize=(11.5, 4), sharey=True, layout="constrained")
        for panel, case in zip(panels, (_SHOWN, _TEMPORAL), strict=True):
            _panel(panel, sizes, case, ink)
        panels[0].set_ylabel(f"µs a batch of {BATCH}")
        # Beside the lines, none of which it may hide; the first panel has all of them.
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        plt.close(figure)


def _panel(panel: Any, sizes: Sequence[Figures], case: str, ink: str) -> None:
    def of_batches(name: str) -> Callable[[Figures], float | None]:
        return lambda figures: figures["batches"][case].get(name)

    def of_others(name: str) -> Callable[[Figures], float | None]:
        return lambda figures: figures["others"][name] if isinstance(figures["others"][name], float) else None

    lines = {label: of_batches(name) for name, label in _RIVALS.items()}
    if case == _SHOWN:
        lines |= {f"{name} (promises less)": of_others(name) for name in sizes[0]["others"]}
    lines |= {"this package": of_batches("loop"), "the floor": of_batches("floor")}
    for label, of in lines.items():
        points = [(figures["rows"], of(figures)) for figures in sizes]
        drawn = [(rows, time / 1e3) for rows, time in points if time is not None]
        if label in ("this package", "the floor"):
            panel.plot(*zip(*drawn, strict=True), "o-" if label == "this package" else "o:", color=ink, label=label)
        else:
            panel.plot(*zip(*drawn, strict=True), ".--" if "less" in label else "o-", label=label)
    panel.set(xscale="log", yscale="log", xlabel="rows", title=case)
    panel.grid(alpha=0.3)
