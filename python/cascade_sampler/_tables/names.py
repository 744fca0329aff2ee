"""Names of columns: which ones a key means, and what to pass where one is not there."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, KeysView, Mapping, Sequence, Set
from typing import Any

from cascade_sampler._tables.errors import NoColumnError
from cascade_sampler._tables.shown import listed, shown, visible


def key_columns(argument: str, value: Any) -> tuple[Any, ...]:
    """Return the column names in `value`: one name, or any sequence of names.

    Raises
    ------
    TypeError
        For what is neither: a mapping, a set, which has no order, a float.
    ValueError
        For no names.
    """
    wrong = TypeError(f"{argument} must be a column name or a list of column names, got {visible(repr(value))}")
    if isinstance(value, (Mapping, Set, bytes)) and not isinstance(value, KeysView):
        raise wrong
    if isinstance(value, str) or not isinstance(value, Iterable):
        names: tuple[Any, ...] = (value,)
    else:
        # Lists, and what stands for them: tuples, a configuration's lists, the columns of a frame.
        names = tuple(value)
    if not names:
        raise ValueError(f"{argument} names no column: pass a column name, or a list of names")
    for name in names:
        if isinstance(name, (bool, float, type(None))) or not isinstance(name, Hashable):
            raise wrong
    return names


def one_column(columns: Sequence[Any], names: Sequence[Any]) -> Sequence[Any]:
    """Return the names of a key: one name, where a table with several levels of columns has a column of that tuple."""
    whole = tuple(columns)
    if len(whole) > 1 and whole in names and not all(name in names for name in whole):
        return (whole,)
    return columns


def require(name: Any, names: Sequence[Any], where: str, instead: str = "", index: Sequence[Any] = ()) -> None:
    """Raise an error that says what to pass where a table has no column `name`.

    Parameters
    ----------
    name : object
        The column that is needed.
    names : sequence
        The columns that there are.
    where : str
        Beginning of the message: the argument or option, and the table.
    instead : str
        What else the caller's user can pass, such as ``condition_key=, or condition_balanced=False``.
    index : sequence
        Names of an index.

    Raises
    ------
    NoColumnError
    """
    if name in names:
        return
    hints = [_like(name, names)]
    if name in index:
        hints = [f"it is the index: call reset_index() first, which makes {shown(name)} a column"]
    deeper = [other for other in names if isinstance(other, tuple) and name in other]
    if deeper:
        hints = [f"the table has several levels of columns: pass a tuple, {listed(deeper[:3])}"]
    if instead:
        hints.append(instead)
    raise NoColumnError(f"{where} has no column {shown(name)}; {'; '.join(hints)}")


def _like(name: Any, names: Sequence[Any]) -> str:
    """Name the columns whose names are like one that is not there, or where there are none, the columns."""
    same = [other for other in names if _bare(other) == _bare(name)]
    if same:
        return f"the nearest is {shown(same[0])}" + _difference(name, same[0])
    texts = {_bare(other): other for other in names}
    near = [texts[match] for match in difflib.get_close_matches(_bare(name), list(texts), n=2)]
    if near:
        return f"the nearest {'is' if len(near) == 1 else 'are'} {listed(near)}"
    return f"its columns are {listed(names)}" if len(names) else "it has no columns"


def _bare(name: Any) -> str:
    """Return a name without what is easily overlooked: spaces around it, its case, marks that cannot be seen."""
    return str(name).strip().strip("\ufeff\u200b\"'").strip().casefold()


def _difference(name: Any, other: Any) -> str:
    if not isinstance(other, str):
        return f", which is no text but {type(other).__name__}"
    if isinstance(name, str) and other.strip() == name:
        return ", with spaces around it"
    return ""
