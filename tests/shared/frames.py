"""The tables of the known answers, by the formulas that upstream.json, temporal.json and dealt_batches.json state."""

from __future__ import annotations

from typing import Any

import numpy as np


def _mix(word: np.ndarray) -> np.ndarray:
    word = word.astype(np.uint32)
    word ^= word >> np.uint32(16)
    word *= np.uint32(0x7FEB352D)
    word ^= word >> np.uint32(15)
    word *= np.uint32(0x846CA68B)
    word ^= word >> np.uint32(16)
    return word


def codes(frame: dict[str, Any]) -> dict[str, np.ndarray]:
    """The experiment, the condition and the time of every row, as numbers."""
    row = np.arange(frame["rows"], dtype=np.uint64)
    words = [_mix((3 * row + j + frame["salt"]) & 0xFFFFFFFF).astype(np.uint64) for j in range(3)]
    high = np.uint64(32)
    spread = words[0] * words[0] >> high if frame["skew"] else words[0]
    return {
        "experiment": spread * np.uint64(frame["experiments"]) >> high,
        "condition": words[1] * np.uint64(frame["conditions"]) >> high,
        "time": words[2] * np.uint64(frame["times"]) >> high,
    }


def columns(frame: dict[str, Any]) -> dict[str, np.ndarray]:
    """The columns of the table, labels as text and times in hours."""
    numbers = codes(frame)
    table = {
        "experiment": np.array([f"exp_{code:03d}" for code in numbers["experiment"]]),
        "condition": np.array([f"cond_{code:03d}" for code in numbers["condition"]]),
        "hours_post_infection": hours(frame),
    }
    for name, (every, offset) in frame.get("missing", {}).items():
        table[name] = table[name].astype(object)
        table[name][offset::every] = None
    return table


def hours(frame: dict[str, Any]) -> np.ndarray:
    """The time of every row, half an hour a number where the frame says nothing else."""
    given = frame.get("time", {"step": 0.5, "offset": 0.0})
    width = np.dtype(given.get("dtype", "float64"))
    number = codes(frame)["time"]
    if "spread" in given:
        number = np.arange(frame["rows"], dtype=np.uint64) * np.uint64(given["spread"]) % np.uint64(frame["rows"])
    if "values" in given:
        bits = [bytes.fromhex(value) for value in given["values"]]
        return np.frombuffer(b"".join(bits), dtype=width.newbyteorder(">")).astype(width)[number]
    # The step is a power of two, so the sum is the only operation that can round.
    return number.astype(width) * width.type(given["step"]) + width.type(given["offset"])
