"""Accelerate with two processes: it deals a prepared loader's batches itself."""

from __future__ import annotations

import json
from pathlib import Path

from launch import torchrun
from rows import globally


def test_two_processes(tmp_path):
    torchrun(Path(__file__).with_name("accelerate_program.py"), 2, tmp_path)
    for rank in range(2):
        told = json.loads((tmp_path / f"rank{rank}.json").read_text())
        # 15 batches: Accelerate drops the last, which has no partner, and the sampler itself fills the round.
        assert told["prepared"] == [globally(epoch)[rank:14:2] for epoch in (0, 1, 3)]
        assert told["skipped"] == globally(2)[8 + rank : 14 : 2]
        assert told["lists"][:7] == globally(0)[rank:14:2]
        assert len(told["lists"]) == 8
        assert len(told["refused"]) == 2
        assert all("set index_dtype='list', or drop_last=True" in text for text in told["refused"])
        assert told["not prepared"] == globally(0)[rank::2]
        assert len(told["warned"]) == 1
        assert "leave num_replicas=1, or keep num_replicas and do not prepare" in told["warned"][0]
        assert told["before"] + told["after"] == globally(1)[rank:14:2]
