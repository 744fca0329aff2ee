"""The command that makes an index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cascade_sampler._command.commands import KINDS, SETTINGS
from cascade_sampler._command.options import file_options


@click.command(
    "index",
    context_settings=SETTINGS,
    short_help="Read tables once, and keep what samplers need in a file.",
    help="Read FILE once and write an index, which samplers and the other commands take in its place.\n" + KINDS,
    epilog="""\b
Examples:
  cascade-sampler index cells/ --experiment-key plate --condition-key dose --out cells.index
  cascade-sampler audit cells.index --leaky 0.1""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(exists=True, allow_dash=True, path_type=Path))  # fmt: skip
@click.option(
    "--experiment-key",
    multiple=True,
    help="Column of the experiments; several make a key of several columns. Default: all are one.",
)
@click.option(
    "--condition-key",
    multiple=True,
    help="Column of the conditions; several make a key of several columns. Default: none.",
)
@click.option("--time-key", help="Column of the times. Default: none.")
@click.option("--missing", type=click.Choice(["error", "exclude"]), default="error", show_default=True,
              help="What to do about rows without a label or a time.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", required=True,
              help="The file to write.")  # fmt: skip
@file_options
def index(files: tuple[Path, ...], out: Path, **arguments: Any) -> int:
    """Make an index."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from cascade_sampler._command import outputs
    from cascade_sampler._command.bars import bar
    from cascade_sampler._command.making import make_index

    outputs.check({"--out": out}, files)
    shown = (TextColumn("Reading rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bar("", *shown) as tell:
        made = make_index(files, arguments, tell)
    made.save(out)
    print(f"{out}: {out.stat().st_size:,} bytes; {made!r}")
    return 0
