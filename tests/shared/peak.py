"""Peak memory of a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

ROWS = 4_000_000


def peak_growth(prepare: str, construct: str) -> float:
    """Bytes a row by which the process's peak memory grows while a sampler is made."""
    program = f"""
        import resource
        import numpy as np
        import pandas as pd
        import pyarrow as pa
        from cascade_sampler import FlexibleBatchSampler

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

        rows = {ROWS}
        codes = np.random.default_rng(0).integers(0, 20, rows, dtype=np.int8)
        table = pd.DataFrame({{
            "experiment": pd.Categorical.from_codes(codes, [f"e{{n:02d}}" for n in range(20)]),
            "condition": pd.Categorical.from_codes(codes % 4, list("abcd")),
        }})
        FlexibleBatchSampler(table.iloc[:100_000], leaky=0.2)
        {prepare}
        before = peak()
        sampler = {construct}
        print((peak() - before) / rows)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=300
    )
    return float(run.stdout.split()[-1])
