"""The known answers that cargo test reads too, layer by layer."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cascade_sampler import FlexibleBatchSampler, _core
from frames import columns

HERE = Path(__file__).parent / "known_answers"


def read(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text())


def bits(number: float) -> str:
    return struct.pack(">d", number).hex()


def double(text: str) -> float:
    return struct.unpack(">d", bytes.fromhex(text))[0]


def digest(indices: Any) -> str:
    return hashlib.sha256(np.asarray(indices).astype("<u4").tobytes()).hexdigest()


@pytest.mark.parametrize("case", read("draws")["cases"], ids=lambda case: case["seed"])
def test_draws_of_each_kind(case: dict[str, Any]) -> None:
    seed = int(case["seed"], 16)
    assert _core.Generator.seed_words(seed) == [int(word, 16) for word in case["seed_words"]]
    generator = _core.Generator(seed)
    assert [f"{generator.next64():016x}" for _ in case["next64"]] == case["next64"]
    generator = _core.Generator(seed)
    assert [generator.next32() for _ in case["next32"]] == case["next32"]
    generator = _core.Generator(seed)
    assert [bits(generator.unit()) for _ in case["unit"]] == case["unit"]
    for bound, numbers in case["below"].items():
        generator = _core.Generator(seed)
        assert [generator.below(int(bound)) for _ in numbers] == numbers


@pytest.mark.parametrize("case", read("draws")["mixed"], ids=lambda case: case["seed"])
def test_draws_in_turn(case: dict[str, Any]) -> None:
    generator = _core.Generator(int(case["seed"], 16))
    draw = {
        "below": generator.below,
        "unit": lambda _: bits(generator.unit()),
        "next64": lambda _: f"{generator.next64():016x}",
        "next32": lambda _: generator.next32(),
    }
    assert [[kind, bound, draw[kind](bound)] for kind, bound, _ in case["steps"]] == case["steps"]


@pytest.mark.parametrize("case", read("draws")["rejections"], ids=lambda case: str(case["bound"]))
def test_rejected_draws(case: dict[str, Any]) -> None:
    generator = _core.Generator(int(case["seed"], 16))
    assert digest([generator.below(case["bound"]) for _ in range(case["count"])]) == case["sha256"]
    assert generator.next32() == case["then"]


@pytest.mark.parametrize("case", read("samples")["cases"], ids=lambda case: f"{case['population']}-{case['seats']}")
def test_samples(case: dict[str, Any]) -> None:
    generator = _core.Generator(int(case["seed"], 16))
    if case["half_before"] is not None:
        assert generator.next32() == case["half_before"]
    found = generator.sample(case["population"], case["seats"])
    assert found[:8].tolist() == case["first"]
    assert digest(found) == case["sha256"]
    assert generator.next32() == case["then"]


@pytest.mark.parametrize("case", read("plans")["cdfs"], ids=lambda case: str(len(case["weights"])))
def test_running_sums(case: dict[str, Any]) -> None:
    weights = [double(weight) for weight in case["weights"]]
    column = [(np.arange(len(weights)), None)], len(weights)
    plan = _core.Plan(len(weights), column, None, 1, 0.0, weights, None, True, None)
    assert [bits(entry) for entry in plan.cdf] == case["cdf"]


@pytest.mark.parametrize("case", read("plans")["quotas"], ids=lambda case: str(case["seats"]))
def test_quotas(case: dict[str, Any]) -> None:
    ratios = [double(ratio) for ratio in case["ratios"]]
    column = [(np.arange(len(ratios)), None)], len(ratios)
    plan = _core.Plan(len(ratios), None, column, case["seats"], 0.0, None, ratios, True, 1)
    assert plan.seats()[2].tolist() == case["quotas"]


@pytest.mark.parametrize("case", read("batches")["cases"], ids=lambda case: case["why"])
def test_batches(case: dict[str, Any]) -> None:
    arguments = {name: case[name] for name in case if name not in ("why", "frame", "epoch", "seed", "ranks")}
    for rank, expected in enumerate(case["ranks"]):
        sampler = FlexibleBatchSampler(columns(case["frame"]), **arguments, rank=rank, seed=int(case["seed"], 16))
        sampler.set_epoch(case["epoch"])
        batches = list(sampler)
        assert [len(batch) for batch in batches] == expected["sizes"]
        assert len(sampler) == len(batches)
        assert batches[0][:16].tolist() == expected["first"]
        assert digest(np.concatenate(batches)) == expected["sha256"]


def upstream_cases() -> list[dict[str, Any]]:
    cases = [case for case in read("upstream")["v2"] if not case["kwargs"]["temporal_enrichment"]]
    assert len(cases) == 37
    return cases


@pytest.mark.parametrize("case", upstream_cases(), ids=lambda case: case["sha256"][:8])
def test_upstream(case: dict[str, Any]) -> None:
    arguments = {name: value for name, value in case["kwargs"].items() if not name.startswith("temporal")}
    sampler = FlexibleBatchSampler(columns(case["frame"]), **arguments)
    sampler.set_epoch(case["epoch"])
    batches = list(sampler)
    assert len(batches) == case["batches"]
    assert [batch.tolist() for batch in batches[: len(case["first"])]] == case["first"]
    assert digest(np.concatenate(batches)) == case["sha256"]


def test_this_numpy_gives_the_same_answers() -> None:
    run = subprocess.run([sys.executable, HERE / "make.py", "--check"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
