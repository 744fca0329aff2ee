"""Settings as read-only properties."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cascade_sampler._samplers.kinds import Columns, IndexDtype, Label, Missing
from cascade_sampler._samplers.settings import Settings, copied


class ReadBack:
    """The arguments of a sampler as they were given; none of its properties can be assigned."""

    _settings: Settings

    # A type checker that saw it would take every misspelt attribute for one that can be assigned.
    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            if isinstance(getattr(type(self), name, None), property):
                if name == "epoch":
                    raise AttributeError("epoch cannot be assigned: set_epoch(epoch) chooses the one that begins next")
                raise AttributeError(
                    f"{name} cannot be assigned, it is fixed when a sampler is made: make another {type(self).__name__}"
                )
            super().__setattr__(name, value)

    @property
    def batch_size(self) -> int:
        """Rows of a batch."""
        return self._settings.batch_size

    @property
    def leaky(self) -> float:
        """Fraction of a batch that comes from other experiments, as it was given."""
        return self._settings.leaky

    @property
    def condition_ratio(self) -> Mapping[Label, float] | None:
        """Relative number of seats of each condition, as it was given."""
        given = self._settings.condition_ratio
        return None if given is None else MappingProxyType(dict(given))

    @property
    def experiment_key(self) -> Columns | None:
        """Column, or columns, that name a row's experiment, as given."""
        return copied(self._settings.experiment_key)

    @property
    def condition_key(self) -> Columns | None:
        """Column, or columns, that name a row's condition, as given."""
        return copied(self._settings.condition_key)

    @property
    def time_key(self) -> str | None:
        """Column of the times, as given."""
        return self._settings.time_key

    @property
    def temporal_window_hours(self) -> float:
        """How far from the focal time is near."""
        return self._settings.temporal_window_hours

    @property
    def temporal_global_fraction(self) -> float:
        """Share of the seats that do not leak for rows that are not near."""
        return self._settings.temporal_global_fraction

    @property
    def seed(self) -> int:
        """Seed of epoch 0."""
        return self._settings.seed

    @property
    def drop_last(self) -> bool:
        """Whether rows that do not fill a batch are left out when batches are counted."""
        return self._settings.drop_last

    @property
    def index_dtype(self) -> IndexDtype:
        """What a batch is: a numpy array of that type, or a list of int."""
        return self._settings.index_dtype

    @property
    def missing(self) -> Missing:
        """What becomes of rows without a label or a time where these are used."""
        return self._settings.missing
