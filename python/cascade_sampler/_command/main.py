"""The command ``cascade-sampler``; needs the extra ``cascade-sampler[cli]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

try:
    import click

    from cascade_sampler._command.commands import commands
except ImportError as error:
    sys.exit(f"cascade-sampler: {error}: install the command with pip install 'cascade-sampler[cli]'")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. Bad input is one line on the standard error, and exit code 2."""
    try:
        code = commands.main(arguments, "cascade-sampler", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _fail(error.ctx.get_help() if error.ctx else str(error))
    except click.ClickException as error:
        _fail(_one_line(f"cascade-sampler: {error.format_message()}"))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except KeyError as error:
        _fail(_one_line(f"cascade-sampler: {error.args[0]}"))
    except (TypeError, ValueError, OSError, MemoryError, ImportError) as error:
        _fail(_one_line(f"cascade-sampler: {error or type(error).__name__}"))
    sys.exit(code)


def _fail(message: str) -> None:
    print(message, file=sys.stderr)
    sys.exit(2)


def _one_line(message: str) -> str:
    return " ".join(message.split())
