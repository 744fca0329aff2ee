"""The numbers of an audit: what text, page and figure are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Columns = dict[str, list[Any]]


@dataclass(frozen=True, repr=False)
class Record:
    """What the batches of some epochs hold, as plain values."""

    epoch: int
    """The first epoch that was counted."""
    epochs: int
    """How many were."""
    rows: int
    """Rows that can be drawn from."""
    batch_size: int
    """Seats of a full batch."""
    leak_seats: int
    """Those of them that leak."""
    batches: int
    """Batches that were counted."""
    seats: int
    """Their seats."""
    dealt: int
    """Those of them whose row was dealt, and not drawn; 0 where batches are drawn altogether."""
    replaced: int
    """Batches that had rows drawn with replacement."""
    settings: dict[str, Any]
    """The sampler's class, the version of this package, and the arguments, as plain values."""
    interval: str
    """What the range that chance allows is: of `experiments`, the columns that end in ``low`` and ``high``."""
    experiments: Columns
    """By experiment: label, rows, weight (asked: its chance to be picked), batches (got), batches_expected,
    batches_low, batches_high, share (of the batches), share_low, share_high, replaced (its batches that had rows drawn
    with replacement), seats (all that its rows have), leaked (those of them that leak)."""
    conditions: Columns
    """By condition: label, rows, and primary seats: what the ratio asks for (a share, so no whole number), the quota
    that the sampler makes of it, and what it got."""
    cells: Columns
    """By experiment and condition that occur together: rows, primary seats as ratio, quota and got (over the batches
    that the experiment got), leaked (seats that its rows have as leak)."""
    leak: dict[str, Any]
    """Seats asked and got, and by origin: experiment, expected (its share of the other experiments' rows, over the
    batches that were picked), got."""
    times: Columns
    """By focal time in hours: batches, seats near and far, fallback (seats of either for which there was no such row);
    empty where times are not used."""
    draws: list[int]
    """How many rows were drawn 0, 1, 2, ... times."""
    duplicates: dict[str, int]
    """Batches that hold a row twice, and seats whose row the batch held already."""
    pairs: dict[str, Any]
    """Pairs of seats within a batch: the share that is of the same_experiment, of the same_condition, of the same_cell
    (both), and near_in_time (within the window of each other), each got, and shuffled: what batches drawn without
    replacement from all rows have on average. None where the key is not used."""
    coverage: dict[str, Any]
    """Rows seen by the end of each epoch and expected then; never_drawn; epochs_until 50, 90 and 99 % are expected to
    have been seen, None for never; curve, the share expected over epochs. Worked out from each row's chance to be in a
    batch."""
    association: float | None
    """Cramér's V of experiment and condition in the table: 0 where independent, 1 where one tells the other."""
    first_batches: Columns
    """The first 200 batches: batch (position), picked (experiment), and of what they hold experiment, condition, leak
    and seats."""
    findings: list[str]
    """What is remarkable, and what to do about it."""
    severities: list[str]
    """Of each finding: "serious" where batches are not what was asked for or repeat rows, else "notice"."""
