"""What is raised for a column, whatever its library, or a class of the user's, raises on its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cascade_sampler._tables.shown import shown, visible

_MOST_LETTERS = 300


class NoColumnError(KeyError, ValueError):
    """A table lacks a column: a key that is not there, and an argument of the wrong value."""

    def __str__(self) -> str:
        # A KeyError would show its message in quotes, as if it were the key.
        return str(self.args[0])


@contextmanager
def column_errors(name: Any) -> Iterator[None]:
    """Turn whatever reading a column raises into a TypeError or ValueError that names the column.

    Those that name it already, running out of memory and an interrupt pass as they are.
    """
    try:
        yield
    except (MemoryError, NoColumnError):
        raise
    except BaseException as error:
        # A library in Rust panics with an exception that is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        said = message_of(error)
        if type(error) in (TypeError, ValueError) and shown(name) in str(error):
            raise
        kind = TypeError if isinstance(error, (TypeError, NotImplementedError)) else ValueError
        raise kind(f"column {shown(name)} cannot be read: {said}") from error


def message_of(error: BaseException) -> str:
    """Return what an error says, on one line, and its name where it says nothing or cannot."""
    try:
        said = visible(" ".join(str(error).split()), _MOST_LETTERS)
    except Exception:
        said = ""
    return said or type(error).__name__
