"""Labels by their numbers, made objects when somebody asks for them: there may be millions, and mostly nobody does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.joined import Texts


class Listing(Sequence[Any]):
    """Labels in order.

    Parameters
    ----------
    labels : list, tuple, ndarray or Texts
        Not changed by anybody else.
    """

    def __init__(self, labels: Sequence[Any] | NDArray[Any] | Texts) -> None:
        self._labels = labels

    def __len__(self) -> int:
        return len(self._labels)

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return self.all()[place]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        if isinstance(self._labels, np.ndarray):
            return from_array(self._labels[place : place + 1 or None])[0]
        return self._labels[place % len(self)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.all())

    def all(self) -> tuple[Any, ...]:
        """Return the labels; the first call makes them."""
        if not isinstance(self._labels, tuple):
            labels = self._labels
            self._labels = tuple(
                from_array(labels)
                if isinstance(labels, np.ndarray)
                else labels.tolist()
                if isinstance(labels, Texts)
                else labels
            )
        return self._labels

    def take(self, numbers: NDArray[Any]) -> Listing:
        """Return the labels of some numbers."""
        labels = self._labels
        if isinstance(labels, Texts):
            return Listing(labels.take(numbers))
        return Listing(
            labels[numbers] if isinstance(labels, np.ndarray) else tuple(map(labels.__getitem__, numbers.tolist()))
        )


def from_array(values: NDArray[Any]) -> list[Any]:
    """Return the entries of an array as labels.

    Times stay numpy scalars, because Python's own end at microseconds; so do floats narrower than a double, because
    their text is the shortest in their own width. Everything else becomes what Python has for it.
    """
    if values.dtype.kind in "mM" or (values.dtype.kind == "f" and values.dtype.itemsize < 8):
        return list(values)
    return list(values.tolist())
