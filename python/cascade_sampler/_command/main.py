"""The command ``cascade-sampler``; needs the extra ``cascade-sampler[cli]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from cascade_sampler import FlexibleBatchSampler, __version__
from cascade_sampler._report import text
from cascade_sampler._report.audit import Audit
from cascade_sampler._tables import files, labels
from cascade_sampler._tables.keys import make_key
from cascade_sampler._tables.open import open_table

try:
    import click
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table
    from rich.text import Text
except ImportError as error:
    sys.exit(f"cascade-sampler: {error}: install the command with pip install 'cascade-sampler[cli]'")

_Command = TypeVar("_Command", bound=Callable[..., Any])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. Bad input is one line on the standard error, and exit code 2."""
    try:
        code = _commands.main(arguments, "cascade-sampler", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _fail(error.ctx.get_help() if error.ctx else str(error))
    except click.ClickException as error:
        _fail(_one_line(f"cascade-sampler: {error.format_message()}"))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except KeyError as error:
        _fail(_one_line(f"cascade-sampler: {error.args[0]}"))
    except (TypeError, ValueError, OSError, MemoryError, ImportError) as error:
        _fail(_one_line(f"cascade-sampler: {error or type(error).__name__}"))
    sys.exit(code)


def _fail(message: str) -> None:
    print(message, file=sys.stderr)
    sys.exit(2)


def _one_line(message: str) -> str:
    return " ".join(message.split())


def _named_number(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, float] | None:
    """Return ``LABEL=NUMBER`` as a mapping; a label may hold ``=`` itself."""
    named: dict[str, float] = {}
    for value in values:
        label, equals, number = value.rpartition("=")
        try:
            if not equals or label in named:
                raise ValueError
            named[label] = float(number)
        except ValueError:
            raise click.BadParameter(f"must be LABEL=NUMBER, each label once, got {value!r}", param=option) from None
    return named or None


def _sampler_options(command: _Command) -> _Command:
    """Add the arguments of the sampler as options."""
    options = [
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.option("--batch-size", type=int, default=128, show_default=True, help="Rows of a batch."),
        click.option("--experiment-key", multiple=True, default=("experiment",), show_default=True,
                     help="Column of the experiments; several make a key of several columns."),
        click.option("--condition-key", multiple=True, default=("condition",), show_default=True,
                     help="Column of the conditions; several make a key of several columns."),
        click.option("--experiment-aware/--no-experiment-aware", default=True, show_default=True,
                     help="Whether each batch has one experiment."),
        click.option("--condition-balanced/--no-condition-balanced", default=True, show_default=True,
                     help="Whether a batch is split over conditions."),
        click.option("--leaky", type=float, default=0.0, show_default=True,
                     help="Fraction of a batch that comes from other experiments."),
        click.option("--experiment-weights", multiple=True, callback=_named_number, metavar="LABEL=NUMBER",
                     help="Relative chance of an experiment; those not named are never picked. Repeat it."),
        click.option("--condition-ratio", multiple=True, callback=_named_number, metavar="LABEL=NUMBER",
                     help="Relative number of seats of a condition. Repeat it."),
        click.option("--seed", type=int, default=0, show_default=True, help="Seed of epoch 0."),
        click.option("--drop-last/--no-drop-last", default=True, show_default=True,
                     help="Whether rows that do not fill a last batch are left out."),
        click.option("--num-batches", type=int, help="Batches of an epoch, in place of what the rows make."),
        click.option("--temporal-enrichment/--no-temporal-enrichment", default=False, show_default=True,
                     help="Whether each batch gathers around a focal time."),
        click.option("--temporal-window-hours", type=float, default=2.0, show_default=True,
                     help="How far from it is near."),
        click.option("--temporal-global-fraction", type=float, default=0.3, show_default=True,
                     help="Share of the primary seats for rows that are not near."),
        click.option("--time-key", default="hours_post_infection", show_default=True, help="Column of the times."),
        click.option("--missing", type=click.Choice(["error", "exclude"]), default="error", show_default=True,
                     help="What to do about rows without a label or a time."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group(no_args_is_help=True)
@click.version_option(__version__)
def _commands() -> None:
    """Decide which rows of a table go into each training batch, and see what the batches hold."""


@_commands.command()
@_sampler_options
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
    sampler = _sampler(file, arguments)
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
        _show(found)
    return int(strict and bool(found.findings))


@_commands.command()
@_sampler_options
@click.option("--epoch", type=int, default=0, show_default=True, help="Which epoch.")
@click.option("--index-dtype", type=click.Choice(["int64", "int32", "uint32"]), default="int64", show_default=True,
              help="Type of the row numbers.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The .npy file to write.")
def batches(file: Path, epoch: int, index_dtype: str, out: Path, **arguments: Any) -> int:
    """Write an epoch of FILE as a .npy array of row numbers: one line a batch."""
    rows = _sampler(file, {**arguments, "index_dtype": index_dtype}).epoch_batches(epoch)
    with out.open("wb") as stream:
        np.save(stream, rows, allow_pickle=False)
    return 0


def _sampler(file: Path, arguments: dict[str, Any]) -> FlexibleBatchSampler:
    for name in ("experiment_key", "condition_key"):
        columns = list(arguments[name])
        arguments[name] = columns[0] if len(columns) == 1 else columns
    table = files.read(file, lambda names: _columns(names, arguments))
    for keyed, named in (("experiment_key", "experiment_weights"), ("condition_key", "condition_ratio")):
        if arguments[named] is not None:
            arguments[named] = _by_label(table, arguments[keyed], arguments[named])
    return FlexibleBatchSampler(table, **arguments)


def _columns(names: Sequence[str], arguments: dict[str, Any]) -> list[str]:
    """Return the columns that the sampler needs, once each."""
    used = {
        "experiment_key": arguments["experiment_aware"],
        "condition_key": arguments["condition_balanced"],
        "time_key": arguments["temporal_enrichment"],
    }
    wanted: dict[str, None] = {}
    for argument, is_used in used.items():
        columns = arguments[argument] if isinstance(arguments[argument], list) else [arguments[argument]]
        for column in columns if is_used else []:
            if column not in names:
                option = "--" + argument.replace("_", "-")
                raise KeyError(f"{option}: the file has no column {column!r}; its columns are {', '.join(names)}")
            wanted[column] = None
    # With none of them the first column tells how many rows there are.
    return list(wanted) or list(names[:1])


def _by_label(table: Any, key: str | list[str], given: dict[str, float]) -> dict[Any, float]:
    """Return numbers under the labels whose text they were given under; other names stay as they are, to be refused."""
    columns = [key] if isinstance(key, str) else key
    if any(column not in table.column_names for column in columns):
        return dict(given)
    read = open_table(table).read(columns, None).columns
    found = {str(labels.plain(label)): label for label in make_key([read[name] for name in columns], True).labels}
    return {found.get(name, name): number for name, number in given.items()}


def _show(found: Audit) -> None:
    """Print the audit: as text into a pipe, in colour on a terminal."""
    console = Console()
    if not console.is_terminal:
        print(found)
        return
    console.print(Text(text.headline(found)))
    for finding in found.findings:
        console.print(Text(f"* {finding}", style="bold yellow"))
    for title, header, lines in text.tables(found):
        table = Table(title=title, title_justify="left", show_header=any(header))
        for place, name in enumerate(header):
            table.add_column(name, justify="left" if place == 0 else "right")
        for line in lines:
            table.add_row(*map(Text, line))
        console.print(table)
