"""How long each attack goes on, and from which seed: bounded, and printed so that it can be done again."""

from __future__ import annotations

import os
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterator

#: What `make attack` sets; by hand as long as one likes.
SECONDS = float(os.environ.get("CASCADE_ATTACK_SECONDS", "60"))
SEED = int(os.environ.get("CASCADE_ATTACK_SEED", secrets.randbelow(2**32)))


def attempts(name: str, share: float, least: int = 1) -> Iterator[tuple[int, random.Random, Counter[str]]]:
    """Yield numbered attempts for a share of the time, each with its own draws, and where outcomes are counted.

    An attempt depends on the seed and its number alone: CASCADE_ATTACK_SEED and CASCADE_ATTACK_FIRST start at it.
    """
    first = int(os.environ.get("CASCADE_ATTACK_FIRST", "0"))
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + SECONDS * share
    number = first
    print(f"\n{name}: CASCADE_ATTACK_SEED={SEED}", flush=True)
    try:
        while number < first + least or time.monotonic() < end:
            yield number, random.Random(f"{SEED} {name} {number}"), outcomes
            number += 1
    finally:
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        print(f"{name}: {number - first} attempts, up to number {number}: {told}", flush=True)
