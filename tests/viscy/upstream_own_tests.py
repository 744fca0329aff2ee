"""Upstream's own tests of its sampler, with the adapter in its place. `make test-upstream` runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(sys.prefix) / "upstream-source" / "tests" / "test_sampler.py"
#: Tests that what differs on purpose must fail, and what differs (docs/viscy.md).
DIFFERENT = {"test_two_ranks_cover_all_batches", "test_two_ranks_disjoint_by_interleaving"}  # the last round is filled


def test_they_pass_but_for_what_differs_on_purpose(tmp_path: Path) -> None:
    package = tmp_path / "viscy_data"
    package.mkdir()
    (package / "__init__.py").write_text('__all__ = ["FlexibleBatchSampler"]\nfrom .sampler import *\n')
    (package / "sampler.py").write_text("from cascade_sampler.viscy import FlexibleBatchSampler\n")
    # The folder of the test file, with upstream's conftest, is left out; that of the stand-in comes first.
    program = f"import sys, pytest; sys.path.insert(0, {str(tmp_path)!r}); sys.exit(pytest.main(sys.argv[1:]))"
    options = ["-q", "-rfE", "--tb=line", "--noconftest", "-p", "no:cacheprovider", "-c", "/dev/null"]
    run = subprocess.run(
        [sys.executable, "-c", program, *options, str(TESTS)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    failed = set(re.findall(r"^(?:FAILED|ERROR) \S*::(\w+)", run.stdout, flags=re.MULTILINE))
    assert failed == DIFFERENT, run.stdout + run.stderr
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed is not None
    assert int(passed[1]) >= 30
