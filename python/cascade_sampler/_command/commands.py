"""What the command can do. What a command needs is imported when it runs: ``--help`` does without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from cascade_sampler import __version__
from cascade_sampler._command.options import ARGUMENTS, sampler_options

SETTINGS = {"help_option_names": ["-h", "--help"]}
_OUTPUT = click.Path(dir_okay=False, allow_dash=True, path_type=Path)

KINDS = """
FILE is parquet (.parquet, .pq), CSV (.csv, .tsv, also with .gz), Arrow or Feather (.arrow, .feather, .ipc), a folder of
such files (folders called plate=7 make a column plate), or - for the standard input. Several are read as one table, in
the order in which they are named.
"""

INDEX = """
FILE can also be an index, alone, whatever its name is: 'cascade-sampler index' writes one. Its keys need not be given.
"""


class _Audit(click.Command):
    """A command whose ``--strict`` needs no value, and never takes the file's name for one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        given = ["--strict=serious" if one == "--strict" else one for one in args[:end]]
        return super().parse_args(ctx, given + args[end:])


@click.group(
    context_settings=SETTINGS,
    epilog="""\b
Examples:
  cascade-sampler audit cells.parquet --leaky 0.1 --html audit.html
  cascade-sampler batches cells.parquet --epoch 3 --out epoch_3.npy
  cascade-sampler index cells/ --experiment-key plate --out cells.index

'cascade-sampler audit -h' lists the options of audit.""",
)
@click.version_option(__version__)
def commands() -> None:
    """Decide which rows of a table go into each training batch, and see what the batches hold."""


@commands.command(
    cls=_Audit,
    context_settings=SETTINGS,
    short_help="Count what the batches of a table hold, and say what is wrong.",
    help="Count what the batches of FILE hold, beside what was asked for, and say what is wrong.\n" + KINDS + INDEX,
    epilog="""\b
Examples:
  cascade-sampler audit cells.parquet --experiment-key plate --leaky 0.1
  cascade-sampler audit cells.parquet --epochs 3 --html audit.html --strict
  cascade-sampler audit plates/ --experiment-key plate --json - | jq .findings
  gzip -dc cells.tsv.gz | cascade-sampler audit - --format tsv""",
)
@sampler_options
@click.option("--epochs", type=int, default=1, show_default=True, help="Whole epochs to count.")
@click.option("--epoch", type=int, help="The first of them. Default: 0, or --fixed-epoch.")
@click.option("--batches", type=int, help="Count only so many batches of each epoch.")
@click.option("--html", type=_OUTPUT, metavar="FILE", help="Write a page to this file; - is the standard output.")
@click.option("--json", "as_json", type=_OUTPUT, metavar="FILE",
              help="Write all numbers to this file; - is the standard output.")  # fmt: skip
@click.option("--strict", type=click.Choice(["serious", "notice"]), metavar="[=notice]",
              help="Exit with 1 where there are serious findings; with =notice where there are any.")  # fmt: skip
def audit(
    files: tuple[Path, ...],
    epochs: int,
    epoch: int | None,
    batches: int | None,
    html: Path | None,
    as_json: Path | None,
    strict: str | None,
    **arguments: Any,
) -> int:
    """Count what the batches hold."""
    from cascade_sampler._command import outputs
    from cascade_sampler._command.bars import bar
    from cascade_sampler._command.making import make_sampler
    from cascade_sampler._command.show import in_options, show
    from cascade_sampler._report import page

    outputs.check({"--html": html, "--json": as_json}, files)
    _refuse_other_epochs(arguments["fixed_epoch"], epoch, epochs)
    sampler = make_sampler(files, arguments)
    with bar("Drawing batches") as tell:
        found = sampler.audit(epochs, epoch, tell, batches=batches)
    here = in_options(found, ARGUMENTS)
    if html is not None:
        table = "standard input" if files == (outputs.OUTPUT,) else ", ".join(map(str, files))
        outputs.write(html, page.page(here, table).encode())
    if as_json is not None:
        outputs.write(as_json, (json.dumps(found.to_dict(), allow_nan=False, indent=1) + "\n").encode())
    if outputs.OUTPUT not in (html, as_json):
        show(here)
    return int(strict is not None and (strict == "notice" or "serious" in found.severities) and bool(found.findings))


@commands.command(
    context_settings=SETTINGS,
    short_help="Write the batches of an epoch to a .npy file.",
    help="Write an epoch of FILE as a .npy array of row numbers: one line a batch.\n" + KINDS + INDEX,
    epilog="""\b
Examples:
  cascade-sampler batches cells.parquet --leaky 0.1 --out epoch_0.npy
  cascade-sampler batches cells.csv --epoch 3 --out - > epoch_3.npy""",
)
@sampler_options
@click.option("--epoch", type=int, help="Which epoch. Default: 0, or --fixed-epoch.")
@click.option("--index-dtype", type=click.Choice(["int64", "int32", "uint32"]), default="int64", show_default=True,
              help="Type of the row numbers.")  # fmt: skip
@click.option("--out", type=_OUTPUT, metavar="FILE", required=True,
              help="The .npy file to write; - is the standard output.")  # fmt: skip
def batches(files: tuple[Path, ...], epoch: int | None, index_dtype: str, out: Path, **arguments: Any) -> int:
    """Write the batches of an epoch."""
    import io
    import sys

    import numpy as np

    from cascade_sampler._command import outputs
    from cascade_sampler._command.making import make_sampler

    outputs.check({"--out": out}, files)
    if out == outputs.OUTPUT and sys.stdout.isatty():
        raise ValueError("--out - would write an array to the terminal: send it to a file or a program")
    _refuse_other_epochs(arguments["fixed_epoch"], epoch)
    rows = make_sampler(files, {**arguments, "index_dtype": index_dtype}).epoch_batches(epoch)
    content = io.BytesIO()
    np.save(content, rows, allow_pickle=False)
    outputs.write(out, content.getvalue())
    return 0


def _refuse_other_epochs(fixed: int | None, epoch: int | None, epochs: int = 1) -> None:
    if fixed is None:
        return
    if epochs > 1:
        raise ValueError(f"--fixed-epoch makes every epoch the same: leave --epochs {epochs} out")
    if epoch not in (None, fixed):
        raise ValueError(f"--fixed-epoch {fixed} makes every epoch the same: leave --epoch {epoch} out")
