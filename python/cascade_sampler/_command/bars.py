"""A bar on a terminal while something takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn


@contextmanager
def bar(description: str, *columns: ProgressColumn) -> Iterator[Callable[[int, int | None], None]]:
    """Yield what is told how much is done, and of how much. Into a pipe nothing is written."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        # rich 13.0 ends a bar that is not shown with an empty line.
        yield lambda done, total: None
        return
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(description, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
