"""A column as codes: numbers that stand for labels, chunk by chunk, beside what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cascade_sampler._tables.joined import Texts

Codes = NDArray[Any]
Labels: TypeAlias = list[Any] | NDArray[Any] | Texts
"""Labels as objects; where they are numbers or times of one type, as an array; texts as they lie in memory."""


@dataclass
class Dictionary:
    """What codes stand for: `size` labels, of which `take` returns those at the places it is given."""

    size: int
    take: Callable[[NDArray[np.intp]], Labels]
    in_order: bool = False
    """Whether the labels are known to be all different, ascending, and none of them missing."""
    different: bool = False
    """Whether they are known to be all different."""


@dataclass
class Column:
    """Codes of the rows, negative where a label is missing, in chunks that each name their dictionary by its place."""

    name: Any
    ordered: bool = False
    chunks: list[tuple[Codes, int]] = field(default_factory=list)
    dictionaries: list[Dictionary] = field(default_factory=list)

    def add(self, codes: Codes, dictionary: Dictionary) -> None:
        """Append a chunk; where it shares the dictionary of the last one, that is kept once."""
        if not self.dictionaries or self.dictionaries[-1] is not dictionary:
            self.dictionaries.append(dictionary)
        # The core reads one-dimensional, aligned, native memory; what is that already is not copied.
        self.chunks.append((np.require(native(codes), requirements=["C", "A"]), len(self.dictionaries) - 1))

    def __len__(self) -> int:
        return sum(len(codes) for codes, _ in self.chunks)


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in this machine's byte order."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def narrow(codes: Codes, labels: int) -> Codes:
    """Return codes that were made here in the narrowest signed integers: they are read several times."""
    return codes.astype(np.min_scalar_type(-max(labels, 1)), copy=False)
