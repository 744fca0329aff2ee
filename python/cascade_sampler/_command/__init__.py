"""The command `cascade-sampler`.

`main` runs it and turns errors into one line, `commands` are its commands and `options` what they take; `making` goes
from a file to a sampler, `show` prints an audit on a terminal.
"""
