"""Every block of Python in the README runs, each by itself."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from cascade_sampler import FlexibleBatchSampler, viscy

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block {number}" for number in range(len(BLOCKS))])
def test_block(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, str(README), "exec"), {"__name__": "__main__"})


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("documented", [FlexibleBatchSampler, viscy.FlexibleBatchSampler])
def test_docstring_examples(documented: type) -> None:
    runner = doctest.DocTestRunner()
    for examples in doctest.DocTestFinder().find(documented, module=False, globs={documented.__name__: documented}):
        runner.run(examples)
    assert runner.summarize().attempted > 0
    assert runner.summarize().failed == 0
