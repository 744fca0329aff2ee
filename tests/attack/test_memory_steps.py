"""Memory that runs out in one step after another: success or MemoryError, and never the end of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from budget import SECONDS, SEED

#: What is attacked: what is made before, and what is done with less memory. All of it is tried on both samplers.
SUBJECTS = {
    "construction": ("", "make()"),
    "iteration": ("s = make(); i = iter(s); next(i)", "next(i)"),
    "lists": ("s = make(index_dtype='list'); i = iter(s)", "next(i)"),
    "epoch_batches": ("s = make()", "s.epoch_batches()"),
    "one batch": ("s = make()", "s.batch(1)"),
    "audit": ("s = make()", "s.audit()"),
    "the core's audit": ("s = make()", "s._feed.audit(0, 1)"),
    "text and page": ("s = make(); a = s.audit()", "str(a); a.to_dict()"),
    "explain": ("s = make()", "s.explain(2)"),
    "state": ("s = make(); i = iter(s); next(i)", "i.state_dict()"),
    "loading a state": ("s = make(); i = iter(s); next(i); t = make()", "t.load_state_dict(i.state_dict()); next(iter(t))"),
    "pickling": ("s = make()", "pickle.dumps(s)"),
    "unpickling": ("b = pickle.dumps(make())", "pickle.loads(b)"),
    "copying": ("s = make()", "copy.deepcopy(s)"),
}

PROGRAM = Path(__file__).with_name("memory_program.py")


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS holds on Linux")
@pytest.mark.parametrize("subject", SUBJECTS)
def test_memory_in_steps(subject: str) -> None:
    before, action = SUBJECTS[subject]
    seconds = SECONDS * 0.5 / len(SUBJECTS)
    command = [sys.executable, str(PROGRAM), before, action, str(seconds), str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300 + 3 * seconds, env=os.environ)
    print(f"\n{subject}: CASCADE_ATTACK_SEED={SEED}: {done.stdout.strip()}", flush=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "panicked" not in done.stderr, done.stderr
