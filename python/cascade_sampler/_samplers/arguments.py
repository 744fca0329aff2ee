"""Checks of single arguments: what each may be, and what to say where it is not."""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from cascade_sampler._tables.names import key_columns
from cascade_sampler._tables.shown import shown, visible

_Choice = TypeVar("_Choice", bound=str)


def integer(name: str, value: Any, low: int, high: int) -> int:
    """Return `value` as an int where it is a whole number in ``[low, high)``.

    Raises
    ------
    TypeError
        For anything that is not an integer; a bool is not one, a numpy integer is.
    ValueError
        Outside the range.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {_got(value)} ({type(value).__name__})")
    number = int(value)
    if not low <= number < high:
        bound = f"below {_power(high)}" if number >= high else f"at least {low}"
        raise ValueError(f"{name} must be {bound}, got {number}")
    return number


def flag(name: str, value: Any) -> bool:
    """Return `value` where it is True or False; a TypeError otherwise."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {_got(value)} ({type(value).__name__})")
    return bool(value)


def fraction(name: str, value: Any) -> float:
    """Return `value` as a float where it is a number in ``[0, 1]``; a TypeError or ValueError otherwise."""
    number = _real(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name} must be a fraction in [0, 1], got {value}")
    return number


def hours(name: str, value: Any) -> float:
    """Return `value` as a float where it is a number of hours, at least 0; infinity is one."""
    number = _real(name, value)
    if not number >= 0.0:
        raise ValueError(f"{name} must be a number of hours, at least 0, got {value}")
    return number


def ranks(num_replicas: Any, rank: Any, high: int) -> tuple[int | None, int | None]:
    """Return the number of ranks and which this is, where both are in range, or both None."""
    if (num_replicas is None) != (rank is None):
        raise ValueError(
            "num_replicas and rank must both be integers, or both None to ask torch.distributed, "
            f"got num_replicas={_got(num_replicas)}, rank={_got(rank)}"
        )
    if num_replicas is None:
        return None, None
    replicas = integer("num_replicas", num_replicas, 1, high)
    return replicas, integer("rank", rank, 0, replicas)


def choice(name: str, value: Any, allowed: tuple[_Choice, ...]) -> _Choice:
    """Return `value` where it is one of `allowed`; a ValueError otherwise."""
    chosen = [one for one in allowed if isinstance(value, str) and one == value]
    if not chosen:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {_got(value)}")
    return chosen[0]


def proportions(name: str, value: Any) -> dict[Any, float] | None:
    """Return `value` as a dict of floats where it is None or a mapping of names to finite numbers, none negative.

    Whether the names exist is not looked at.

    Raises
    ------
    TypeError
        For anything else than a mapping, or a value that is not a number.
    ValueError
        For an empty mapping, or a negative, infinite or NaN value.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{name} must be a mapping of labels to numbers, such as a dict, or None, got {type(value).__name__}"
        )
    if not value:
        raise ValueError(f"{name} is an empty mapping: name at least one label, or pass None")
    checked = {}
    for label, number in value.items():
        checked[label] = _real(f"{name}[{shown(label)}]", number)
        if not 0.0 <= checked[label] < math.inf:
            raise ValueError(f"{name}[{shown(label)}] must be finite and not negative, got {number}")
    return checked


def labels(name: str, value: Any) -> tuple[Any, ...]:
    """Return the labels in `value`; text is one label, and so refused where a list of labels is wanted.

    Raises
    ------
    TypeError
        For text, for anything else that is no list of labels, and for a label that cannot be one.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of labels, such as [{_got(value)}], got {_got(value)}")
    found = tuple(value)
    for label in found:
        if not isinstance(label, Hashable):
            raise TypeError(f"{name} must be a list of labels, got {_got(label)} in it")
    return found


def column(name: str, value: Any) -> Any:
    """Return `value` where it is the name of one column; a TypeError otherwise. A tuple may be one."""
    if isinstance(value, tuple):
        value = [value]
    elif not isinstance(value, str) and isinstance(value, Iterable):
        raise TypeError(f"{name} must be the name of one column, got {_got(value)}")
    return key_columns(name, value)[0]


def _real(name: str, value: Any) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {_got(value)} ({type(value).__name__})")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be finite, got a number beyond the doubles") from None


def _got(value: Any) -> str:
    """Return a value that was refused on one line, and short."""
    return visible(repr(value))


def _power(number: int) -> str:
    """Name `number` as a power of two where it is a large one."""
    exponent = number.bit_length() - 1
    return f"2^{exponent}" if exponent > 20 and number == 1 << exponent else str(number)
