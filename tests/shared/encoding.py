"""How the known answers write doubles and rows, so that no reader rounds them."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import numpy as np


def hexadecimal(word: int) -> str:
    return f"{word:016x}"


def bits(number: float) -> str:
    return struct.pack(">d", number).hex()


def double(text: str) -> float:
    return struct.unpack(">d", bytes.fromhex(text))[0]


def digest(indices: Any) -> str:
    return hashlib.sha256(np.asarray(indices).astype("<u4").tobytes()).hexdigest()
