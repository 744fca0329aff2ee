"""Memory that runs out in one step after another: success or MemoryError, and never the end of the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from budget import SECONDS, SEED

PROGRAM = Path(__file__).with_name("memory_program.py")


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS holds on Linux")
def test_memory_in_steps() -> None:
    seconds = SECONDS * 0.4
    print(f"\nmemory: CASCADE_ATTACK_SEED={SEED}", flush=True)
    command = [sys.executable, str(PROGRAM), str(seconds), str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200 + 3 * seconds)
    print(done.stdout, flush=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "panicked" not in done.stderr, done.stderr
