"""Texts as they lie in memory, one behind the other: numbered and ordered without an object for each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import _core

_FOLLOWS = np.uint8(0b1000_0000)
_MARK = np.uint8(0b1100_0000)


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts, or bytes, one behind the other: text i is ``data[bounds[i] : bounds[i + 1]]``.

    Texts are in UTF-8, in which the order of the bytes is that of the letters. Lone surrogates are as Python's error
    handler "surrogatepass" writes them, so that they keep their place, too.
    """

    data: NDArray[np.uint8]
    bounds: NDArray[np.uint64]
    kind: type = str
    """str, or bytes."""

    @staticmethod
    def of(texts: Sequence[Any], kind: type = str) -> Texts:
        """Join objects that are all of this type, and of no class derived from it."""
        lengths = np.fromiter(map(len, texts), dtype=np.uint64, count=len(texts))
        bounds = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(lengths, dtype=np.uint64)])
        if kind is bytes:
            return Texts(np.frombuffer(b"".join(texts), dtype=np.uint8), bounds, bytes)
        joined = "".join(texts)
        data = np.frombuffer(joined.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        if not joined.isascii():
            bounds = _letters(data)[bounds.astype(np.intp)]
        return Texts(data, bounds)

    @staticmethod
    def joined(parts: Sequence[Texts]) -> Texts:
        """Return one after the other."""
        if len(parts) == 1:
            return parts[0]
        bounds, end = [np.zeros(1, dtype=np.uint64)], np.uint64(0)
        for part in parts:
            bounds.append(part.bounds[1:] - part.bounds[0] + end)
            end = end + part.bounds[-1] - part.bounds[0]
        data = [part.data[int(part.bounds[0]) : int(part.bounds[-1])] for part in parts]
        return Texts(np.concatenate(data), np.concatenate(bounds), parts[0].kind)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, place: int) -> Any:
        written = self.data[int(self.bounds[place]) : int(self.bounds[place + 1])].tobytes()
        return written if self.kind is bytes else written.decode("utf-8", "surrogatepass")

    def take(self, places: NDArray[Any]) -> Texts:
        """Return the texts at some places, in memory of their own."""
        return Texts(*_core.take_texts(self.data, self.bounds, np.asarray(places, dtype=np.uint32)), self.kind)

    def numbered(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the number of each text, in ascending order, and by number the first place where that text is."""
        return _core.number_texts(self.data, self.bounds)

    def tolist(self) -> list[Any]:
        """Return the texts as objects."""
        start = int(self.bounds[0])
        written = self.data[start : int(self.bounds[-1])].tobytes()
        bounds = self.bounds.astype(np.intp) - start
        whole: Any = written
        if self.kind is str:
            whole = written.decode("utf-8", "surrogatepass")
            if not whole.isascii():
                data = np.frombuffer(written, dtype=np.uint8)
                begins = np.concatenate([np.zeros(1, dtype=np.intp), np.cumsum((data & _MARK) != _FOLLOWS)])
                bounds = begins[bounds]
        return [whole[begin:end] for begin, end in itertools.pairwise(bounds.tolist())]


def _letters(data: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return where each letter begins, and where the last one ends."""
    return np.append(np.flatnonzero((data & _MARK) != _FOLLOWS), len(data)).astype(np.uint64)
