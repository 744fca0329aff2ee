"""The command ``cascade-sampler``; needs the extra ``cascade-sampler[cli]``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

try:
    import click

    from cascade_sampler._command.commands import commands
    from cascade_sampler._command.indexing import index
    from cascade_sampler._command.options import ARGUMENTS
except ImportError as error:
    sys.exit(f"cascade-sampler: {error}: install the command with pip install 'cascade-sampler[cli]'")

commands.add_command(index)

INTERRUPTED = 130
BROKEN_PIPE = 141
"""What shells show of programs that a signal ended: 128 and its number, of SIGINT and SIGPIPE."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. Bad input is one line on the standard error, and exit code 2."""
    if sys.stdout is None:
        _fail("the standard output is closed")
    # What an ASCII terminal has no letters for becomes escapes, and not an error.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _log_in_options()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        # Not click's own way, on which a pipe that breaks is exit code 1, as findings are with --strict.
        with commands.make_context("cascade-sampler", list(given) or ["--help"]) as context:
            code = commands.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as asked:
        code = asked.exit_code
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Python flushes once more on its way out, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except KeyError as error:
        _fail(str(error.args[0]))
    except (TypeError, ValueError, OSError, MemoryError, ImportError, NotImplementedError) as error:
        _fail(str(error) or type(error).__name__)
    sys.exit(code)


def _fail(message: str) -> None:
    _say(message)
    sys.exit(2)


def _say(message: str) -> None:
    from cascade_sampler._command.words import options_in
    from cascade_sampler._tables.shown import visible

    if sys.stderr is not None:
        one_line = " ".join(message.split())
        print(f"cascade-sampler: {visible(options_in(one_line, ARGUMENTS), None)}", file=sys.stderr)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _say(record.getMessage())


def _log_in_options() -> None:
    logger = logging.getLogger("cascade_sampler")
    logger.handlers[:] = [_Lines(logging.WARNING)]
    logger.propagate = False
