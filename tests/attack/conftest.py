"""What the attacks share: the helpers of the tests, and hypothesis with more examples than the tests ask for."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("oracle", "shared")]

settings.register_profile("attack", max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))

#: So much may be asked for at once; what is asked for beyond that is refused and not waited for.
MEMORY = 3 * 2**30


@pytest.fixture
def less_memory() -> Iterator[None]:
    """Less memory than there is: a batch of 2^32 rows is an error then, and does not end the process."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
