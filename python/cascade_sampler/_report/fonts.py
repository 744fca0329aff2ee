"""Fonts for the letters of labels: what the usual one lacks another one has, or an escape stands for it."""

from __future__ import annotations

from collections.abc import Iterable

USUAL = "DejaVu Sans"
"""Comes with matplotlib."""


_BOXES = "LastResort"
"""A font that draws a box for whatever letter; matplotlib comes with it."""


def fonts_for(texts: Iterable[str]) -> tuple[list[str], frozenset[str]]:
    """Return the families that together have most letters of some texts, and the letters that no font here has."""
    from matplotlib import font_manager, ft2font

    families = [USUAL]
    lacking = {ord(letter) for text in texts for letter in text}
    lacking -= set(ft2font.FT2Font(font_manager.findfont(USUAL)).get_charmap())
    # By name: which font is found first must not depend on the order of a folder.
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        if not lacking:
            break
        if (
            _BOXES in entry.name.replace(" ", "")
            or entry.name in families
            or (entry.weight, entry.style) != (400, "normal")
        ):
            continue
        try:
            found = lacking & set(ft2font.FT2Font(entry.fname).get_charmap())
        except (OSError, RuntimeError):
            # A font that was removed, or that is broken, is another's business.
            continue
        if found:
            families.append(entry.name)
            lacking -= found
    return families, frozenset(map(chr, lacking))


def with_escapes(text: str, lacking: frozenset[str]) -> str:
    r"""Return a text with escapes such as ``\u4e2d`` for letters that no font has."""
    return "".join(letter.encode("unicode_escape").decode("ascii") if letter in lacking else letter for letter in text)
