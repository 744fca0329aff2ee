"""The known answers that cargo test reads too, layer by layer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cascade_sampler import FlexibleBatchSampler, _core, viscy
from encoding import bits, digest, double
from frames import columns

HERE = Path(__file__).parents[1] / "known_answers"


def read(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text())


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
    plan = _core.Plan(_core.Index(len(weights), column, None, None), 1, 0.0, weights, None, True, None, 2.0, 0.3)
    assert [bits(entry) for entry in plan.cdf] == case["cdf"]


@pytest.mark.parametrize("case", read("plans")["quotas"], ids=lambda case: str(case["seats"]))
def test_quotas(case: dict[str, Any]) -> None:
    ratios = [double(ratio) for ratio in case["ratios"]]
    column = [(np.arange(len(ratios)), None)], len(ratios)
    index = _core.Index(len(ratios), None, column, None)
    plan = _core.Plan(index, case["seats"], 0.0, None, ratios, True, 1, 2.0, 0.3)
    assert plan.seats()[2].tolist() == case["quotas"]


@pytest.mark.parametrize("case", read("batches")["cases"] + read("temporal")["cases"], ids=lambda case: case["why"])
def test_batches(case: dict[str, Any]) -> None:
    arguments = {name: case[name] for name in case if name not in ("why", "tells", "frame", "epoch", "seed", "ranks")}
    if "temporal_window_hours" in arguments:
        arguments["temporal_window_hours"] = double(arguments["temporal_window_hours"])
    for rank, expected in enumerate(case["ranks"]):
        sampler = FlexibleBatchSampler(columns(case["frame"]), **arguments, rank=rank, seed=int(case["seed"], 16))
        sampler.set_epoch(case["epoch"])
        batches = list(sampler)
        assert [len(batch) for batch in batches] == expected["sizes"]
        assert len(sampler) == len(batches)
        assert batches[0][:16].tolist() == expected["first"]
        assert digest(np.concatenate(batches)) == expected["sha256"]


def check_upstream(case: dict[str, Any], sampler: FlexibleBatchSampler) -> None:
    sampler.set_epoch(case["epoch"])
    batches = list(sampler)
    assert len(batches) == case["batches"]
    assert [list(batch) for batch in batches[: len(case["first"])]] == case["first"]
    assert digest(np.concatenate(batches)) == case["sha256"]


@pytest.mark.parametrize("case", read("upstream")["v2"], ids=lambda case: case["sha256"][:8])
def test_upstream(case: dict[str, Any]) -> None:
    arguments = dict(case["kwargs"])
    if arguments["temporal_enrichment"]:
        # Upstream does not split such a batch, whatever it is told.
        arguments["condition_balanced"] = False
    check_upstream(case, FlexibleBatchSampler(columns(case["frame"]), **arguments))


@pytest.mark.parametrize("case", read("upstream")["head"], ids=lambda case: case["sha256"][:8])
def test_upstream_with_any_columns(case: dict[str, Any]) -> None:
    table = columns(case["frame"])
    table["perturbation"] = table.pop("condition")
    table["hours_post_perturbation"] = table.pop("hours_post_infection")
    check_upstream(case, viscy.FlexibleBatchSampler(table, **case["kwargs"]))


def test_all_batches_of_upstream_are_there() -> None:
    assert {name: len(read("upstream")[name]) for name in ("v2", "head")} == {"v2": 48, "head": 32}


@pytest.mark.slow
@pytest.mark.parametrize("program", ["make.py", "make_dealt.py"])
def test_this_numpy_gives_the_same_answers(program: str) -> None:
    run = subprocess.run([sys.executable, HERE / program, "--check"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
