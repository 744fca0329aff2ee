"""The sampler's arguments as options of a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

ARGUMENTS = (
    "batch_size", "experiment_key", "condition_key", "experiment_aware", "condition_balanced", "leaky",
    "experiment_weights", "condition_ratio", "seed", "drop_last", "num_batches", "temporal_enrichment",
    "temporal_window_hours", "temporal_global_fraction", "time_key", "missing", "delimiter", "encoding", "typed",
    "max_unpacked", "conditions_per_batch", "always", "run_length", "batches_per_experiment", "fixed_epoch", "batches",
    "epoch", "epochs", "index_dtype",
)  # fmt: skip
"""What the library calls what is an option here."""

DEFAULT_KEYS = {"experiment_key": "experiment", "condition_key": "condition", "time_key": "hours_post_infection"}
WEIGHTINGS = ("size", "sqrt", "equal")

_Command = TypeVar("_Command", bound=Callable[..., Any])


def sampler_options(command: _Command) -> _Command:
    """Add the arguments of the sampler as options."""
    options = [
        click.argument("files", nargs=-1, required=True, metavar="FILE...",
                       type=click.Path(exists=True, allow_dash=True, path_type=Path)),
        click.option("--batch-size", type=int, default=128, show_default=True, help="Rows of a batch."),
        click.option("--experiment-key", multiple=True, default=(DEFAULT_KEYS["experiment_key"],), show_default=True,
                     help="Column of the experiments; several make a key of several columns."),
        click.option("--condition-key", multiple=True, default=(DEFAULT_KEYS["condition_key"],), show_default=True,
                     help="Column of the conditions; several make a key of several columns."),
        click.option("--experiment-aware/--no-experiment-aware", default=True, show_default=True,
                     help="Whether each batch has one experiment."),
        click.option("--condition-balanced/--no-condition-balanced", default=True, show_default=True,
                     help="Whether a batch is split over conditions."),
        click.option("--leaky", type=float, default=0.0, show_default=True,
                     help="Fraction of a batch that comes from other experiments."),
        click.option("--experiment-weights", multiple=True, callback=_named_number, metavar="LABEL=NUMBER",
                     help="Relative chance of an experiment; those not named are never picked. Repeat it. With "
                          "--dealt also size, sqrt or equal."),
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
        click.option("--time-key", default=DEFAULT_KEYS["time_key"], show_default=True, help="Column of the times."),
        click.option("--missing", type=click.Choice(["error", "exclude"]), default="error", show_default=True,
                     help="What to do about rows without a label or a time."),
        click.option("--dealt", is_flag=True,
                     help="Deal rows out like cards, as CascadeSampler does; the next options need it."),
        click.option("--conditions-per-batch", type=int, help="Conditions that share a batch. Default: all."),
        click.option("--always", multiple=True, metavar="LABEL",
                     help="Condition that is in every batch. Repeat it."),
        click.option("--run-length", type=int, help="Neighbouring rows that are dealt as one card. Default: 1."),
        click.option("--batches-per-experiment", type=int,
                     help="Batches in a row that are of one experiment. Default: 1."),
        click.option("--fixed-epoch", type=int, help="Every iteration is this epoch, as for validation."),
    ]  # fmt: skip
    command = file_options(command)
    for option in reversed(options):
        command = option(command)
    return command


def file_options(command: _Command) -> _Command:
    """Add how files are written as options."""
    options = [
        click.option("--format", type=click.Choice(["csv", "tsv", "parquet", "arrow"]), default="csv",
                     show_default=True, help="What the standard input is, where FILE is -."),
        click.option("--delimiter", metavar="CHARACTER",
                     help="What stands between the fields of a CSV. Default: a tab in .tsv, else a comma."),
        click.option("--encoding", default="utf-8", show_default=True, help="Encoding of a CSV, such as latin-1."),
        click.option("--typed/--as-text", default=False, show_default=True,
                     help="Whether labels of a CSV are the numbers and dates they look like, or text as it stands."),
        click.option("--max-unpacked", type=int, metavar="BYTES",
                     help="Bytes that a .gz may have unpacked. Default: 200 times its size, at least 1 GiB."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _named_number(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, float] | str | None:
    """Return ``LABEL=NUMBER`` as a mapping; a label may hold ``=`` itself. A rule for weights stays as it is."""
    if option.name == "experiment_weights" and len(values) == 1 and values[0] in WEIGHTINGS:
        return values[0]
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
