"""Values that no caller should pass, and objects whose own methods raise."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


class HostileError(Exception):
    """Raised by the objects here; it may come out again, as it is or as the cause of another."""


class Raises:
    """An object all of whose methods raise."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__repr__"):
            return object.__getattribute__(self, name)
        raise HostileError(name)

    def __index__(self) -> int:
        raise HostileError("__index__")

    def __float__(self) -> float:
        raise HostileError("__float__")

    def __len__(self) -> int:
        raise HostileError("__len__")

    def __iter__(self) -> Any:
        raise HostileError("__iter__")

    def __getitem__(self, item: Any) -> Any:
        raise HostileError("__getitem__")

    def __bool__(self) -> bool:
        raise HostileError("__bool__")

    def __eq__(self, other: object) -> bool:
        raise HostileError("__eq__")

    def __hash__(self) -> int:
        raise HostileError("__hash__")

    def __lt__(self, other: object) -> bool:
        raise HostileError("__lt__")

    def __str__(self) -> str:
        raise HostileError("__str__")

    def __call__(self, *arguments: Any) -> Any:
        raise HostileError("__call__")


class Lies:
    """An object whose length, items and truth are not those that it says."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw

    def __len__(self) -> int:
        return self.draw.choice([0, 3, 7, 100, 2**62])

    def __getitem__(self, item: Any) -> Any:
        if not isinstance(item, int) or item > 5:
            raise IndexError(item)
        return self.draw.choice([None, 1, "a", float("nan"), (), b"x"])

    def __eq__(self, other: object) -> bool:
        return self.draw.random() < 0.5

    def __hash__(self) -> int:
        return self.draw.randrange(4)

    def __lt__(self, other: object) -> bool:
        return self.draw.random() < 0.5


class Index(int):
    """An integer that says another number every time."""

    def __index__(self) -> int:
        return random.getrandbits(16)


WHOLE = [
    -(2**63) - 1,
    -1,
    0,
    1,
    2,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    10**40,
]
REAL = [0.0, -0.0, 1.0, 0.5, -1.0, 2.0, 1e-320, 1e308, float("inf"), float("-inf"), float("nan")]


def array(draw: random.Random) -> np.ndarray:
    """Return an array of any type, layout and byte order."""
    length = draw.choice([0, 1, 4, 12, 100])
    numbers = np.array(
        [draw.choice([0, 1, 2, 3, -1, 127, 255, 2**31, draw.getrandbits(63)]) for _ in range(length)], "i8"
    )
    kind = draw.choice(
        [
            "i1",
            "i2",
            "i4",
            "i8",
            "u1",
            "u2",
            "u4",
            "u8",
            "f2",
            "f4",
            "f8",
            ">i4",
            ">f8",
            "c16",
            "O",
            "?",
            "S3",
            "U2",
            "M8[s]",
        ]
    )
    with np.errstate(all="ignore"):
        values = numbers.astype("i8").view("M8[s]") if kind.startswith("M") else numbers.astype(kind)
    shape = draw.randrange(8)
    if shape == 0:
        values = np.repeat(values, 2)[::2]
    elif shape == 1:
        values = values[::-1]
    elif shape == 2:
        values = values[:, None]
    elif shape == 3:
        values = np.broadcast_to(values[:1], len(values)) if len(values) else values
    elif shape == 4:
        values.flags.writeable = False
    return values


def value(draw: random.Random) -> Any:
    """Return anything."""
    kinds: list[Any] = [
        lambda: draw.choice(WHOLE),
        lambda: draw.choice(REAL),
        lambda: array(draw),
        lambda: draw.choice([None, True, False, "", "size", "int64", "\udc80", b"\0", "a" * 10**5, 1j]),
        lambda: draw.choice([(), [], {}, set(), [[]], [None], [0] * 5, {"a": 1}, range(3), object(), int, len]),
        lambda: draw.choice([np.int8(3), np.uint64(2**64 - 1), np.float32(0.5), np.bool_(True), np.datetime64("NaT")]),
        Raises,
        lambda: Lies(draw),
        lambda: Index(2),
        lambda: [value(draw) for _ in range(draw.randrange(4))],
        lambda: tuple(value(draw) for _ in range(draw.randrange(4))),
    ]
    return draw.choice(kinds)()
