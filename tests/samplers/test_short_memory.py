"""Where memory runs out: an error and never the end of the process, and nothing lost. In processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
    import resource
    import numpy as np
    from cascade_sampler import FlexibleBatchSampler

    def limit(more):
        size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        soft = resource.RLIM_INFINITY if more is None else size + more * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (soft, resource.RLIM_INFINITY))
"""


def run(program: str) -> None:
    text = textwrap.dedent(PRELUDE) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "panicked" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS holds on Linux")
@pytest.mark.parametrize("index_dtype", ["list", "int64"])
def test_a_batch_that_does_not_fit_is_not_lost(index_dtype: str) -> None:
    run(f"""
        rows = 3_000_000
        table = {{"key": np.zeros(rows, dtype=np.int8)}}
        def sampler():
            return FlexibleBatchSampler(
                table, batch_size=rows, experiment_key="key", condition_balanced=False, num_batches=3, index_dtype={index_dtype!r}
            )
        expected = [np.array(batch) for batch in sampler()]
        batches = iter(sampler())
        refused = 0
        for number in range(3):
            # In steps, so that memory runs out in one place after another.
            for more in (2, 10, 20, 30, 40, 60, 80):
                limit(more)
                try:
                    batch = next(batches)
                except MemoryError:
                    refused += 1
                    limit(None)
                    assert batches.state_dict()["batches"] == number
                else:
                    break
                finally:
                    limit(None)
            else:
                batch = next(batches)
            assert (np.array(batch) == expected[number]).all()
            del batch
            assert batches.state_dict()["batches"] == number + 1
        assert next(batches, None) is None
        assert refused
    """)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS holds on Linux")
def test_what_does_not_fit_while_it_is_counted() -> None:
    run("""
        rows = 400_000
        table = {"key": np.arange(rows) // 2, "hours": np.arange(rows) % 1000 / 8.0}
        sampler = FlexibleBatchSampler(
            table, batch_size=1000, experiment_key="key", condition_balanced=False, temporal_enrichment=True,
            time_key="hours", leaky=0.5,
        )
        refused = 0
        # The core alone: it is the one that would end the process.
        for more in range(0, 36, 3):
            limit(more)
            try:
                sampler._feed.audit(0, 1)
            except MemoryError:
                refused += 1
            finally:
                limit(None)
        assert refused > 1
        assert sampler._feed.audit(0, 1)["batches"] == 400
    """)
