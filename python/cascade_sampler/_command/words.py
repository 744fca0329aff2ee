"""What the library says, in the words of the command."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Arguments that are words of English too: taken for arguments only where a value, or what it must or may be, follows.
_WORDS = ("always", "batches", "delimiter", "encoding", "epoch", "epochs", "missing", "seed", "typed")
# What stands in quotes is a label or a column, whatever it is called.
_QUOTED = r"""(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)|(?<!\w)"(?:[^"\\]|\\.)*"(?!\w)"""


def options_in(said: str, names: Iterable[str]) -> str:
    """Return a sentence with options in the place of arguments: ``--drop-last`` for ``drop_last=True``.

    Parameters
    ----------
    said : str
        What the library says.
    names : iterable of str
        Arguments that are options.
    """
    known = [*names]
    sure, unsure = (
        "|".join(sorted(map(re.escape, some), key=len, reverse=True))
        for some in ([name for name in known if name not in _WORDS], [name for name in known if name in _WORDS])
    )
    name = rf"(?P<name>{sure}|(?:{unsure})(?==| must be | names |, for instance ))" if unsure else rf"(?P<name>{sure})"
    pattern = re.compile(rf"(?P<quoted>{_QUOTED})|(?<![\w-]){name}(?:=(?P<value>'[^']*'|[^\s,;:)]+))?(?![\w-])")

    def option(match: re.Match[str]) -> str:
        if match["name"] is None:
            return match[0]
        name = match["name"].replace("_", "-")
        if match["value"] in (None, "True"):
            return f"--{name}"
        return f"--no-{name}" if match["value"] == "False" else f"--{name} {match['value'].strip(chr(39))}"

    return pattern.sub(option, said)
