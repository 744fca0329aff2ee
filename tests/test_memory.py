"""What is kept a row, and what construction takes beside it, measured on processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

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


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        ("condition_balanced=False", 4),
        ("condition_balanced=False, leaky=0.2", 4),
        ("", 4),
        ("leaky=0.2", 8),
        ("experiment_aware=False", 4),
        ("experiment_aware=False, condition_balanced=False", 0),
    ],
)
def test_construction_from_codes_takes_the_plan_and_nothing_else(arguments: str, most: int) -> None:
    assert peak_growth("", f"FlexibleBatchSampler(table, {arguments})") < most + 0.5


def test_a_stream_is_let_go_of_batch_by_batch() -> None:
    prepare = """
        class Stream:
            def __arrow_c_stream__(self, requested_schema=None):
                schema = pa.schema([("experiment", pa.int8()), ("wide", pa.binary(100))])
                def batches():
                    for start in range(0, rows, 100_000):
                        wide = pa.py_buffer(bytes(100 * 100_000))
                        column = pa.Array.from_buffers(pa.binary(100), 100_000, [None, wide])
                        yield pa.RecordBatch.from_arrays([pa.array(codes[start : start + 100_000]), column], schema=schema)
                return pa.RecordBatchReader.from_batches(schema, batches()).__arrow_c_stream__(requested_schema)
        stream = Stream()
    """
    indented = textwrap.indent(textwrap.dedent(prepare), " " * 8).strip()
    # 4 bytes a row of the plan and 4 of the codes; two batches of 100 bytes a row may be alive at once.
    assert peak_growth(indented, "FlexibleBatchSampler(stream, condition_balanced=False)") < 8.5 + 100 * 3 / 40
