"""Runs of several processes, started as users start them; none outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def torchrun(program: Path, processes: int, *arguments: object, timeout: float = 300) -> str:
    """Run a program under torchrun, fail where it fails or hangs, and return what it printed."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, str(program), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as run:
        try:
            printed, _ = run.communicate(timeout=timeout)
        except BaseException:
            # It ends the ranks, which are in sessions of their own, before itself.
            run.send_signal(signal.SIGTERM)
            try:
                print(run.communicate(timeout=60)[0])
            finally:
                run.kill()
            raise
    assert run.returncode == 0, printed
    return printed
