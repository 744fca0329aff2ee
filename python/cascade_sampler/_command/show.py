"""An audit on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import click

from cascade_sampler import Audit
from cascade_sampler._command.words import options_in
from cascade_sampler._report import text

_STYLES: dict[str, dict[str, Any]] = {"headline": {"bold": True}, "findings": {"fg": "yellow"}, "table": {}}


def show(found: Audit) -> None:
    """Print the audit: as text into a pipe, in colour on a terminal."""
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    parts = (click.style(part, **_STYLES[kind]) if coloured else part for kind, part in text.sections(found))
    print("\n\n".join(parts))


def in_options(found: Audit, names: Iterable[str]) -> Audit:
    """Return the audit with findings that name options where they name arguments."""
    return replace(found, findings=[options_in(one, names) for one in found.findings])
