"""What an index knows beside its rows: names of columns, labels, and which rows were left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from cascade_sampler._tables.listing import Listing
from cascade_sampler._tables.shown import shown

Missing: TypeAlias = Literal["error", "exclude"]
"""What becomes of rows without a label or a time."""

FEATURES = ("experiment_key", "condition_key", "time_key")


@dataclass(frozen=True)
class NamedLabels:
    """The columns of a key, and its labels by their numbers in the core."""

    columns: tuple[Any, ...]
    listed: bool
    """Whether the columns were given in a list."""
    labels: Listing

    @property
    def key(self) -> Any:
        """Return the key as it was given."""
        return list(self.columns) if self.listed else self.columns[0]

    @property
    def name(self) -> str:
        """Return the key as errors call it."""
        return " and ".join(f"column {shown(column)}" for column in self.columns)


@dataclass(frozen=True)
class Facts:
    """All of them. The same as another where both are equal."""

    experiments: NamedLabels | None
    conditions: NamedLabels | None
    time_key: Any
    """None where times are not used."""
    missing: Missing
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Rows that are left out by column, of the columns that have such rows."""

    def key(self, feature: str) -> Any:
        """Return what was given as ``experiment_key``, ``condition_key`` or ``time_key``; None where it was not."""
        if feature == "time_key":
            return self.time_key
        named = self.experiments if feature == "experiment_key" else self.conditions
        return None if named is None else named.key

    def columns(self, feature: str) -> tuple[Any, ...]:
        """Return the columns of a key; none where it is not used."""
        if feature == "time_key":
            return () if self.time_key is None else (self.time_key,)
        named = self.experiments if feature == "experiment_key" else self.conditions
        return () if named is None else named.columns

    def without(self, features: Sequence[str]) -> Facts:
        """Return the facts of an index without some features."""
        return replace(
            self,
            experiments=None if "experiment_key" in features else self.experiments,
            conditions=None if "condition_key" in features else self.conditions,
            time_key=None if "time_key" in features else self.time_key,
        )

    def listed_left_out(self) -> str:
        """Return the columns with gaps, and how many rows each leaves out."""
        return ", ".join(f"{name} {count}" for name, count in self.left_out.items())
