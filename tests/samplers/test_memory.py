"""What is kept a row, and what construction takes beside it, measured on processes of their own."""

from __future__ import annotations

import textwrap

import pytest

from peak import peak_growth


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
