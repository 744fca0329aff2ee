"""What the command can do. What a command needs is imported when it runs: ``--help`` does without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from cascade_sampler import __version__
from cascade_sampler._command.options import sampler_options


@click.group(no_args_is_help=True)
@click.version_option(__version__)
def commands() -> None:
    """Decide which rows of a table go into each training batch, and see what the batches hold."""


@commands.command()
@sampler_options
@click.option("--epochs", type=int, default=1, show_default=True, help="Whole epochs to count.")
@click.option("--epoch", type=int, default=0, show_default=True, help="The first of them.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Write all numbers to this file; - is the standard output, without the tables.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit with 1 where there are findings.")
def audit(
    file: Path, epochs: int, epoch: int, html: Path | None, as_json: str | None, strict: bool, **arguments: Any
) -> int:
    """Count what the batches of FILE hold: parquet, csv, csv.gz, arrow or feather."""
    from cascade_sampler._command.making import make_sampler
    from cascade_sampler._command.show import show

    sampler = make_sampler(file, arguments)
    console = Console(stderr=True)
    # Into a pipe nothing is written but what is wrong.
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Drawing batches", total=None)
        found = sampler.audit(epochs, epoch, lambda done, total: bar.update(task, completed=done, total=total))
    if html is not None:
        found.html(html)
    if as_json is not None:
        written = json.dumps(found.to_dict(), allow_nan=False, indent=1)
        if as_json == "-":
            print(written)
        else:
            Path(as_json).write_text(written + "\n", encoding="utf-8")
    if as_json != "-":
        show(found)
    return int(strict and bool(found.findings))


@commands.command()
@sampler_options
@click.option("--epoch", type=int, default=0, show_default=True, help="Which epoch.")
@click.option("--index-dtype", type=click.Choice(["int64", "int32", "uint32"]), default="int64", show_default=True,
              help="Type of the row numbers.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The .npy file to write.")
def batches(file: Path, epoch: int, index_dtype: str, out: Path, **arguments: Any) -> int:
    """Write an epoch of FILE as a .npy array of row numbers: one line a batch."""
    import numpy as np

    from cascade_sampler._command.making import make_sampler

    rows = make_sampler(file, {**arguments, "index_dtype": index_dtype}).epoch_batches(epoch)
    with out.open("wb") as stream:
        np.save(stream, rows, allow_pickle=False)
    return 0
