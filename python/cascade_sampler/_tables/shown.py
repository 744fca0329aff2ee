"""Labels and names as people see them: in errors, in the log, in tables and on pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cascade_sampler._tables.texts import plain

MOST_LETTERS = 60
"""Letters of a label that are shown; the middle of a longer one is left out."""

_MOST_NAMES = 10

# What ends lines, moves the cursor, changes the direction of what stands beside it, or cannot be seen or encoded.
_HIDDEN = (
    (0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F),
    (0x2028, 0x202E), (0x2060, 0x206F), (0xD800, 0xDFFF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE0FFF),
)  # fmt: skip
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, most: int | None = MOST_LETTERS) -> str:
    r"""Return `text` on one line, with escapes for what cannot be seen.

    Control and direction characters, line breaks and lone surrogates become escapes as Python writes them: ``\n``,
    ``\x1b``, ``\u202e``. Of a text longer than `most` letters, escapes counted by their letters, the middle is left
    out; None shows all.
    """
    if most is not None and len(text) > 2 * most:
        # The middle goes before anything is done to it: a text may be millions of letters long.
        letters = [*map(_letter, text[:most]), *map(_letter, text[-most:])]
    else:
        letters = [*map(_letter, text)]
        if most is None or sum(map(len, letters)) <= most:
            return "".join(letters)
    room = most - 1
    head = _fitting(letters, room - room // 2)
    tail = _fitting(reversed(letters), room // 2)
    return "".join([*head, "…", *reversed(tail)])


def _fitting(letters: Iterable[str], room: int) -> list[str]:
    taken: list[str] = []
    for letter in letters:
        room -= len(letter)
        if room < 0:
            break
        taken.append(letter)
    return taken


def _letter(letter: str) -> str:
    code = ord(letter)
    if 0x20 <= code < 0x7F:
        return letter
    if any(low <= code <= high for low, high in _HIDDEN):
        return _SHORT.get(letter) or letter.encode("unicode_escape").decode("ascii")
    return letter


def shown(label: Any, most: int | None = MOST_LETTERS) -> str:
    """Return a label or a column's name as a sentence shows it: text in quotes, numbers as they are.

    The one function for every label that is printed; `visible` is for where quotes would be in the way.
    """
    if isinstance(label, tuple):
        parts = ", ".join(shown(part, most) for part in label)
        return f"({parts},)" if len(label) == 1 else f"({parts})"
    value = plain(label)
    if not isinstance(value, str):
        return repr(value)
    quote = '"' if "'" in value and '"' not in value else "'"
    inner = visible(value.replace("\\", "\\\\"), most)
    return quote + (inner.replace("'", "\\'") if quote == "'" else inner) + quote


def listed(labels: Sequence[Any], most: int = _MOST_NAMES) -> str:
    """Return labels or names as a sentence lists them: the first of them, and how many more there are."""
    names = ", ".join(map(shown, labels[:most]))
    return names if len(labels) <= most else f"{names} and {len(labels) - most} more"


def count(number: int, one: str, more: str | None = None) -> str:
    """Return a number of things, in the singular or the plural; `more` where that is not `one` with an s."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
