"""Where results go: files, or the standard output under the name ``-``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

OUTPUT = Path("-")


def check(outputs: Mapping[str, Path | None], inputs: Sequence[Path]) -> None:
    """Refuse, before anything is drawn, what cannot be written or would be lost.

    Parameters
    ----------
    outputs : mapping of option to Path
        None for one that is not given.
    inputs : sequence of Path
        Files and folders that are read.

    Raises
    ------
    ValueError
        For an output that is an input, lies in a folder that is read, or is that of another option.
    FileNotFoundError
        For one in a folder that does not exist.
    """
    seen: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        place = path if path == OUTPUT else path.resolve()
        if place in seen:
            what = "the standard output" if path == OUTPUT else str(path)
            raise ValueError(f"{seen[place]} and {option} both write to {what}: give one of them another name")
        seen[place] = option
        if path == OUTPUT:
            continue
        if not place.parent.is_dir():
            raise FileNotFoundError(f"{option}: No such file or directory: {str(path.parent)!r}")
        for given in inputs:
            source = given.resolve()
            same = path.exists() and given.exists() and path.samefile(given)
            if same or place == source or (given.is_dir() and source in place.parents):
                raise ValueError(f"{option} would overwrite what is read, {given}: give it another name")


def write(path: Path, content: bytes) -> None:
    """Write to a file, or to the standard output."""
    if path != OUTPUT:
        path.write_bytes(content)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
