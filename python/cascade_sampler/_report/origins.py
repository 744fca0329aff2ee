"""Where the rows of a batch came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables import labels
from cascade_sampler._tables.frames import frame
from cascade_sampler._tables.shown import count, shown

_MOST = 10
"""Seats that are printed."""


@dataclass(frozen=True, eq=False, repr=False)
class Origins:
    """The origin of every seat of one batch: equally long arrays, in the order of the batch's rows."""

    sources: ClassVar[tuple[str, ...]] = ("primary", "near", "far", "leak")
    """Names of the numbers in `source`."""

    row: NDArray[np.int64]
    """The rows, shape (rows of the batch,)."""
    experiment: NDArray[np.int64]
    """Position of each row's experiment in the sampler's `experiments`; -1 where experiments are not used."""
    condition: NDArray[np.int64]
    """Position of each row's condition in the sampler's `conditions`; -1 where conditions are not used."""
    source: NDArray[np.int8]
    """What the seat is there for: 0 primary, 1 near the focal time, 2 far from it, 3 leak."""
    replaced: NDArray[np.bool_]
    """Whether the seat was drawn with replacement: its group has fewer rows than seats."""
    fallback: NDArray[np.bool_]
    """Whether the near or far part that the seat is for was empty, so that the cell or the pool stood in."""
    dealt: NDArray[np.bool_]
    """Whether the seat's row was dealt, and not drawn: never in batches that are drawn altogether."""
    picked: int
    """Position of the experiment that was picked; -1 where experiments are not used."""
    focal_time: float | None
    """The focal time in hours, dates counted from the earliest row; None where there is none."""
    _experiments: tuple[Any, ...] = field(repr=False, default=())
    _conditions: tuple[Any, ...] = field(repr=False, default=())
    _library: str | None = field(repr=False, default=None)

    @classmethod
    def of(
        cls, columns: tuple[Any, ...], experiments: tuple[Any, ...], conditions: tuple[Any, ...], library: str | None
    ) -> Origins:
        """Make the record of what the core returns."""
        for column in columns[:7]:
            column.flags.writeable = False
        row, experiment, condition, source, replaced, fallback, dealt, picked, focal_time = columns
        return cls(
            row,
            experiment,
            condition,
            source,
            replaced,
            fallback,
            dealt,
            picked,
            focal_time,
            experiments,
            conditions,
            library,
        )

    def __str__(self) -> str:
        from cascade_sampler._report.text import Table, drawn, label

        size = len(self.row)
        parts = [count(size, "row")]
        if self.picked >= 0:
            parts.append(f"picked from {shown(self._experiments[self.picked])}")
        if self.focal_time is not None:
            parts.append(f"around {self.focal_time:g} h")
        flags = ("replaced", "fallback")
        experiments, conditions = _named(self.experiment, self._experiments), _named(self.condition, self._conditions)
        lines = [
            [
                label(experiments[seat]),
                label(conditions[seat]),
                f"{self.row[seat]:,}",
                self.sources[self.source[seat]],
                ", ".join(flag for flag in flags if getattr(self, flag)[seat]),
            ]
            for seat in range(min(size, _MOST))
        ]
        if size > len(lines):
            lines.append([f"and {size - len(lines):,} more", "", "", "", ""])
        header = ("experiment", "condition", "row", "source", "")
        return drawn(Table(f"A batch of {', '.join(parts)}", header, lines, 2))

    __repr__ = __str__

    def to_dict(self, names: bool = False) -> dict[str, Any]:
        """Return the seven columns, as any dataframe library takes them.

        Parameters
        ----------
        names : bool, default False
            Whether experiments, conditions and sources are given by name (None where the key is not used) and not by
            number.
        """
        columns: dict[str, Any] = {
            "row": self.row,
            "experiment": self.experiment,
            "condition": self.condition,
            "source": self.source,
            "replaced": self.replaced,
            "fallback": self.fallback,
            "dealt": self.dealt,
        }
        if names:
            columns["experiment"] = _named(self.experiment, self._experiments)
            columns["condition"] = _named(self.condition, self._conditions)
            columns["source"] = [self.sources[source] for source in self.source.tolist()]
        return columns

    def to_frame(self, names: bool = False) -> Any:
        """Return the columns as a frame of the library that the table is of; a dict where that is a mapping."""
        return frame(self.to_dict(names), self._library)


def _named(positions: NDArray[np.int64], names: tuple[Any, ...]) -> list[Any]:
    plain = [*map(labels.plain, names), None]
    return [plain[position] for position in positions.tolist()]


# Under the name that users import: a pickle must not depend on which room the class is in. Set here, not in the class,
# where dataclass would look for the names of its annotations in that module.
Origins.__module__ = "cascade_sampler"
