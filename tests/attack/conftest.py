"""What the attacks share: the helpers of the tests, and hypothesis with more examples than the tests ask for."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("oracle", "shared")]

settings.register_profile("attack", max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
