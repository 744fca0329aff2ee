"""An audit on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cascade_sampler import Audit
from cascade_sampler._report import text


def show(found: Audit) -> None:
    """Print the audit: as text into a pipe, in colour on a terminal."""
    console = Console()
    if not console.is_terminal:
        print(found)
        return
    console.print(Text(text.headline(found)))
    for finding in found.findings:
        console.print(Text(f"* {finding}", style="bold yellow"))
    for title, header, lines in text.tables(found):
        table = Table(title=title, title_justify="left", show_header=any(header))
        for place, name in enumerate(header):
            table.add_column(name, justify="left" if place == 0 else "right")
        for line in lines:
            table.add_row(*map(Text, line))
        console.print(table)
