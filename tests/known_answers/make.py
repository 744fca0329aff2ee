"""Write the known answers beside this file, on numpy alone: `python make.py`, or `python make.py --check` to compare.

It never imports cascade_sampler. Numbers beyond 2^53 and doubles are hexadecimal text (a double by its 64 bits), so that
no reader rounds them.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "oracle"), str(HERE.parent / "shared")]

from encoding import bits, digest, double, hexadecimal  # noqa: E402
from frames import columns  # noqa: E402
from oracle import Oracle  # noqa: E402
from writing import write  # noqa: E402

SEEDS = [0, 1, 42, 2**31, 2**32 - 1, 2**32, 2**32 + 5, 2**40 + 17, 2**63 - 9, 2**64 - 1]
BOUNDS = [1, 2, 3, 7, 10, 256, 10_000, 10_001, 2**16, 5 * 10**7, 2**31 - 1, 2**31, 2**31 + 1, 3 * 2**30, 2**32 - 1]


def half(generator: np.random.Generator) -> int:
    return int(generator.integers(0, 2**32, dtype=np.uint32))


def plain_sum(values: list[float]) -> float:
    """One addition after another, which Python's own `sum` has not done since 3.12."""
    total = 0.0
    for value in values:
        total += value
    return total


def draws() -> dict[str, Any]:
    cases = []
    for seed in SEEDS:
        # Each kind of draw from a fresh generator.
        below = {str(bound): np.random.default_rng(seed).integers(bound, size=6).tolist() for bound in BOUNDS}
        doubles = np.random.default_rng(seed).random(6)
        fresh = np.random.default_rng(seed)
        cases.append(
            {
                "seed": hexadecimal(seed),
                "seed_words": [hexadecimal(int(w)) for w in np.random.SeedSequence(seed).generate_state(4, np.uint64)],
                "next64": [hexadecimal(int(w)) for w in fresh.bit_generator.random_raw(6)],
                "next32": [half(generator) for generator in [np.random.default_rng(seed)] for _ in range(6)],
                "unit": [bits(number) for number in doubles],
                "below": below,
            }
        )
    return {
        "note": "Every list is drawn from a fresh generator; below is by its bound.",
        "cases": cases,
        "mixed": [mixed(seed) for seed in (0, 42, 2**64 - 1)],
        "rejections": [rejections(bound) for bound in (2**31 + 1, 3 * 2**30, 2**32 - 1, 5 * 10**7)],
    }


def mixed(seed: int) -> dict[str, Any]:
    """Kinds of draws in turn from one generator: a kept half survives what needs a whole word."""
    generator = np.random.default_rng(seed)
    steps: list[list[Any]] = []
    for turn in range(40):
        kind = ("below", "unit", "below", "next64", "next32", "unit", "below")[turn % 7]
        if kind == "below":
            bound = BOUNDS[turn % len(BOUNDS)]
            steps.append([kind, bound, int(generator.integers(bound))])
        elif kind == "unit":
            steps.append([kind, 0, bits(generator.random())])
        elif kind == "next64":
            steps.append([kind, 0, hexadecimal(int(generator.bit_generator.random_raw()))])
        else:
            steps.append([kind, 0, half(generator)])
    return {"seed": hexadecimal(seed), "steps": steps}


def rejections(bound: int) -> dict[str, Any]:
    count = 20_000
    generator = np.random.default_rng(7)
    values = generator.integers(bound, size=count)
    words = int(generator.bit_generator.state["state"]["state"])
    accepted = np.random.default_rng(7)
    accepted.bit_generator.random_raw(count // 2)
    # Below 2^32 - 1 one draw in 2^32 is.
    if accepted.bit_generator.state["state"]["state"] == words and bound != 2**32 - 1:
        raise AssertionError(f"no draw below {bound} was rejected: the case shows nothing")
    return {"seed": hexadecimal(7), "bound": bound, "count": count, "sha256": digest(values), "then": half(generator)}


def samples() -> dict[str, Any]:
    sizes = [(1, 1), (2, 1), (2, 2), (5, 3), (5, 5), (20, 5), (3, 10), (1, 4), (128, 128), (1000, 999), (7, 100)]
    for population in (9_999, 10_000, 10_001, 10_049, 10_050, 12_345, 65_536):
        share = population // 50
        sizes += [(population, k) for k in (1, share - 1, share, share + 1, share + 2, 3 * share)]
    sizes += [(10_001, 10_000), (10_001, 10_001), (10_001, 10_002), (20_000, 20_000), (300_000, 250_000)]
    sizes += [(5 * 10**7, 256), (2**31 + 1, 300), (3 * 2**30, 300), (4 * 10**9, 300), (2**32 - 1, 300)]
    cases = []
    for number, (population, seats) in enumerate(sizes):
        seed = 1000 + number
        generator = np.random.default_rng(seed)
        # A first draw of 32 bits in every other case, so that samples begin with and without a kept half.
        before = half(generator) if number % 2 else None
        found = generator.choice(population, seats, replace=seats > population)
        cases.append(
            {
                "seed": hexadecimal(seed),
                "half_before": before,
                "population": population,
                "seats": seats,
                "first": found[:8].tolist(),
                "sha256": digest(found),
                "then": half(generator),
            }
        )
    return {"note": "half_before: one next32 before the sample, or null; then: next32 after it.", "cases": cases}


def plans() -> dict[str, Any]:
    """Running sums and quotas, chosen so that the nearest wrong arithmetic gives others."""
    random = np.random.default_rng(2026)
    cdfs = []
    for count in (1, 2, 7, 8, 9, 15, 16, 17, 127, 128, 129, 130, 136, 200, 257, 300, 1000):
        weights = random.random(count) * 5
        for _ in range(10_000):
            chance = weights / weights.sum()
            plain = weights / plain_sum(weights.tolist())
            if count < 8 or chance.tobytes() != plain.tobytes():
                break
            weights = random.random(count) * 5
        else:
            raise AssertionError(f"{count} weights that tell the sums apart were not found")
        if count > 2:
            weights[random.integers(count)] = 0.0
            chance = weights / weights.sum()
        sums = np.cumsum(chance)
        cdfs.append({"weights": [bits(w) for w in weights], "cdf": [bits(entry) for entry in sums / sums[-1]]})
    return {"cdfs": cdfs, "quotas": quotas(random)}


def quotas(random: np.random.Generator) -> list[dict[str, Any]]:
    def split(seats: int, ratios: list[float]) -> list[int]:
        oracle = Oracle(len(ratios), None, list(range(len(ratios))), ratios=dict(enumerate(ratios)))
        found = oracle.quotas("all", seats)
        return [found.get(condition, 0) for condition in range(len(ratios))]

    cases: list[tuple[int, list[float]]] = [
        (49, [1 / 49] * 49),
        (10, [1.0]),
        (7, [0.0, 1.0, 0.0, 2.0, 0.0]),
        (1, [0.3, 0.3, 0.4]),
        (100, [0.1] * 10),
        (128, [5e-324, 5e-324]),
        (256, [1e300, 1e300, 1e290]),
    ]
    wanted = {"the order of arithmetic": 6, "the tolerance": 6, "the exact sum": 6}
    for _ in range(10_000_000):
        if not any(wanted.values()):
            break
        count = int(random.integers(2, 12))
        ratios = (random.integers(1, 40, count) / 100).tolist()
        seats = int(random.integers(1, 300))
        total = math.fsum(ratios)
        right = split(seats, ratios)[:-1]
        wrong = {
            "the order of arithmetic": [math.floor(seats * (ratio / total) + 1e-9) for ratio in ratios[:-1]],
            "the tolerance": [math.floor(seats * ratio / total) for ratio in ratios[:-1]],
            "the exact sum": [math.floor(seats * ratio / plain_sum(ratios) + 1e-9) for ratio in ratios[:-1]],
        }
        for reason, others in wanted.items():
            if others and right != wrong[reason]:
                wanted[reason] -= 1
                cases.append((seats, ratios))
                break
        if max(wanted["the order of arithmetic"], wanted["the exact sum"]) and not wanted["the tolerance"]:
            break
    cases += fine_cases()
    return [
        {"seats": seats, "ratios": [bits(ratio) for ratio in ratios], "quotas": split(seats, ratios)}
        for seats, ratios in cases
    ]


def fine_cases() -> list[tuple[int, list[float]]]:
    """Shares so near to a whole number less the tolerance that the order of arithmetic and the kind of sum decide."""
    random = np.random.default_rng(11)
    cases = []
    left = {"order": 4, "sum": 4}
    while any(left.values()):
        count = int(random.integers(3, 9))
        seats = int(random.integers(10**6, 4 * 10**9))
        ratios = random.random(count).tolist()
        rest = math.fsum(ratios[1:])
        share = int(random.integers(1, seats // 2))
        # The first ratio is aimed at share - 1e-9 seats, where one unit in the last place tips the floor.
        ratios[0] = rest * (share - 1e-9) / (seats - share + 1e-9)
        total = math.fsum(ratios)
        right = math.floor((seats * ratios[0]) / total + 1e-9)
        if left["order"] and math.floor(seats * (ratios[0] / total) + 1e-9) != right:
            left["order"] -= 1
            cases.append((seats, ratios))
        if left["sum"] and math.floor((seats * ratios[0]) / plain_sum(ratios) + 1e-9) != right:
            left["sum"] -= 1
            cases.append((seats, ratios))
    return cases


def batches() -> dict[str, Any]:
    def frame(rows: int, experiments: int, conditions: int, salt: int, skew: bool = False) -> dict[str, Any]:
        return {
            "rows": rows,
            "experiments": experiments,
            "conditions": conditions,
            "times": 1,
            "salt": salt,
            "skew": skew,
        }

    def names(prefix: str, values: list[float]) -> dict[str, float]:
        return {f"{prefix}_{number:03d}": value for number, value in enumerate(values)}

    cases: list[dict[str, Any]] = [
        {"why": "pool and order of draws", "frame": frame(500, 4, 3, 1), "batch_size": 32, "leaky": 0.25},
        {"why": "zero weights, whose rows leak", "frame": frame(400, 4, 2, 2), "batch_size": 16, "leaky": 0.5,
         "experiment_weights": names("exp", [0.0, 2.0, 0.0, 1.0])},
        {"why": "leaky with one experiment", "frame": frame(300, 1, 3, 3), "batch_size": 20, "leaky": 0.4},
        {"why": "a leak pool smaller than the leak", "frame": frame(200, 2, 2, 4, True), "batch_size": 190, "leaky": 0.9},
        {"why": "all seats leak", "frame": frame(200, 5, 2, 5), "batch_size": 10, "leaky": 1.0},
        {"why": "int(10 * 0.3) is 3, int(10 * 0.29) is 2", "frame": frame(200, 3, 2, 6), "batch_size": 10, "leaky": 0.29},
        {"why": "a short last batch", "frame": frame(505, 3, 2, 7), "batch_size": 50, "leaky": 0.2, "drop_last": False},
        {"why": "a short last batch, and a last round filled at full size", "frame": frame(505, 3, 2, 7),
         "batch_size": 50, "leaky": 0.2, "drop_last": False, "num_replicas": 4},
        {"why": "only a short batch", "frame": frame(30, 3, 2, 8), "batch_size": 50, "drop_last": False},
        {"why": "ranks", "frame": frame(1000, 5, 2, 9), "batch_size": 30, "leaky": 0.1, "num_replicas": 7},
        {"why": "a number of batches", "frame": frame(60, 3, 2, 10), "batch_size": 100, "num_batches": 9},
        {"why": "49 equal conditions in 49 seats", "frame": frame(3000, 2, 49, 11), "batch_size": 49},
        {"why": "the last condition has ratio 0", "frame": frame(600, 3, 4, 12), "batch_size": 32,
         "condition_ratio": names("cond", [1.0, 2.0, 0.5, 0.0])},
        {"why": "a condition is not named", "frame": frame(600, 3, 4, 13), "batch_size": 32,
         "condition_ratio": {"cond_002": 3.0}},
        {"why": "300 experiments with weights", "frame": frame(3000, 300, 2, 14), "batch_size": 16, "leaky": 0.5,
         "experiment_weights": names("exp", [1.0 + (number * 7919 % 101) / 7 for number in range(300)])},
        {"why": "200 experiments without weights", "frame": frame(3000, 200, 2, 15, True), "batch_size": 16},
        {"why": "pools on both sides of 10000, quotas on both sides of a fiftieth", "frame": frame(60_000, 5, 1, 16, True),
         "batch_size": 250, "leaky": 0.1, "condition_balanced": False},
        {"why": "large batches by the tail of a shuffle", "frame": frame(60_000, 2, 3, 17), "batch_size": 3000, "leaky": 0.3},
        {"why": "all rows, split", "frame": frame(700, 3, 5, 18), "batch_size": 64, "experiment_aware": False},
        {"why": "all rows", "frame": frame(12_000, 3, 5, 19), "batch_size": 260, "experiment_aware": False,
         "condition_balanced": False},
        {"why": "the largest seed", "frame": frame(300, 3, 2, 20), "batch_size": 8, "seed": 2**64 - 4, "epoch": 3},
    ]  # fmt: skip
    for number, case in enumerate(cases):
        case.setdefault("seed", number)
        case.setdefault("epoch", number % 3)
        case["seed"] = hexadecimal(case["seed"])
        case["ranks"] = answers(case)
    return {"note": "frame as in upstream.json; ranks: the epoch of each rank, digested as there.", "cases": cases}


def answers(case: dict[str, Any]) -> list[dict[str, Any]]:
    table = columns(case["frame"])
    oracle = Oracle(
        case["frame"]["rows"],
        table["experiment"].tolist() if case.get("experiment_aware", True) else None,
        table["condition"].tolist() if case.get("condition_balanced", True) else None,
        batch_size=case["batch_size"],
        leaky=case.get("leaky", 0.0),
        weights=case.get("experiment_weights"),
        ratios=case.get("condition_ratio"),
        seed=int(case["seed"], 16),
        drop_last=case.get("drop_last", True),
        num_batches=case.get("num_batches"),
        **focus(case, table),
    )
    replicas = case.get("num_replicas", 1)
    found = []
    for rank in range(replicas):
        epoch = oracle.epoch(case["epoch"], replicas, rank)
        found.append(
            {
                "sizes": [len(batch) for batch in epoch],
                "first": epoch[0][:16].tolist(),
                "sha256": digest(np.concatenate(epoch)),
            }
        )
    return found


def focus(case: dict[str, Any], table: dict[str, np.ndarray]) -> dict[str, Any]:
    if not case.get("temporal_enrichment", False):
        return {}
    return {
        "time": table["hours_post_infection"],
        "window": double(case["temporal_window_hours"]),
        "global_fraction": case["temporal_global_fraction"],
    }


def temporal() -> dict[str, Any]:
    def frame(rows: int, experiments: int, conditions: int, times: int, salt: int, **time: Any) -> dict[str, Any]:
        given = {"rows": rows, "experiments": experiments, "conditions": conditions, "times": times, "salt": salt}
        return given | {"skew": False} | ({"time": time} if time else {})

    def listed(values: list[float], dtype: str = "float64") -> dict[str, Any]:
        code = {"float64": ">d", "float32": ">f"}[dtype]
        return {"values": [struct.pack(code, value).hex() for value in values], "dtype": dtype}

    ten_minutes = [number / 6 for number in range(300)]
    tenths = [number / 10 for number in range(-30, 31)]
    narrow = [float(np.float32(value)) for value in ten_minutes]
    plain = {"condition_balanced": False}
    inf = math.inf
    cases: list[dict[str, Any]] = [
        {"why": "ties", "frame": frame(900, 3, 3, 24, 0), "batch_size": 40},
        {"why": "ties, not split", "frame": frame(900, 3, 3, 24, 1), "batch_size": 40, **plain},
        {"why": "leak", "frame": frame(900, 3, 3, 24, 2), "batch_size": 40, "leaky": 0.2},
        {"why": "leak, not split", "frame": frame(900, 3, 3, 24, 3), "batch_size": 40, "leaky": 0.2, **plain},
        {"why": "experiments not used", "frame": frame(900, 3, 3, 24, 4), "batch_size": 40, "experiment_aware": False},
        {"why": "all rows", "frame": frame(900, 3, 3, 24, 5), "batch_size": 40, "experiment_aware": False, **plain},
        {"why": "window 0", "frame": frame(900, 3, 3, 24, 6), "batch_size": 40, "window": 0.0},
        {"why": "window 0, not split", "frame": frame(900, 3, 3, 24, 7), "batch_size": 40, "window": 0.0, **plain},
        {"why": "window of infinity: nothing is far", "frame": frame(900, 3, 3, 24, 8), "batch_size": 40, "window": inf},
        {"why": "window of infinity, not split", "frame": frame(900, 3, 3, 24, 9), "batch_size": 40, "window": inf, **plain},
        {"why": "one distinct time draws no focal time", "frame": frame(900, 3, 3, 1, 10), "batch_size": 40},
        {"why": "one distinct time, not split", "frame": frame(900, 3, 3, 1, 11), "batch_size": 40, **plain},
        {"why": "all times distinct", "frame": frame(900, 3, 3, 1, 12, step=0.0625, offset=0.0, spread=7), "batch_size": 40},
        {"why": "all times distinct, window 0: one near row, or none in a cell", "frame": frame(900, 3, 3, 1, 13, step=0.0625, offset=0.0, spread=7), "batch_size": 40, "window": 0.0},
        {"why": "all times distinct, window 0, not split", "frame": frame(900, 3, 3, 1, 14, step=0.0625, offset=0.0, spread=7), "batch_size": 40, "window": 0.0, **plain},
        {"why": "times below zero", "frame": frame(900, 3, 3, 96, 15, step=0.5, offset=-24.0), "batch_size": 40, "window": 1.5},
        {"why": "either zero is one time", "frame": frame(600, 2, 2, 4, 16, **listed([-0.0, 0.0, 1.0, -1.0])), "batch_size": 30, "window": 0.0},
        {"why": "either zero, float32, not split", "frame": frame(600, 2, 2, 4, 17, **listed([-0.0, 0.0, 1.0, -1.0], "float32")), "batch_size": 30, "window": 0.5, **plain},
        {"why": "near cells empty", "frame": frame(60, 3, 11, 24, 18), "batch_size": 33, "window": 0.0},
        {"why": "far cells empty", "frame": frame(60, 3, 11, 24, 19), "batch_size": 33, "window": 9.0, "fraction": 0.5},
        {"why": "near and far cells empty, leak", "frame": frame(80, 3, 7, 5, 20), "batch_size": 50, "window": 1.0, "fraction": 0.5, "leaky": 0.3},
        {"why": "nothing far", "frame": frame(600, 3, 3, 24, 21), "batch_size": 40, "fraction": 0.0},
        {"why": "nothing far, not split", "frame": frame(600, 3, 3, 24, 22), "batch_size": 40, "fraction": 0.0, **plain},
        {"why": "all far", "frame": frame(600, 3, 3, 24, 23), "batch_size": 40, "fraction": 1.0},
        {"why": "all far, not split", "frame": frame(600, 3, 3, 24, 24), "batch_size": 40, "fraction": 1.0, **plain},
        {"why": "int(100 * 0.29) is 28", "frame": frame(900, 3, 4, 24, 25), "batch_size": 100, "fraction": 0.29},
        {"why": "int(100 * 0.29) is 28, not split", "frame": frame(900, 3, 4, 24, 26), "batch_size": 100, "fraction": 0.29, **plain},
        {"why": "far seats of conditions by differences of running products", "frame": frame(900, 3, 9, 24, 27), "batch_size": 50, "fraction": 0.58},
        {"why": "more conditions than seats", "frame": frame(900, 3, 20, 24, 28), "batch_size": 7},
        {"why": "ratios, one of them 0", "frame": frame(900, 3, 4, 24, 29), "batch_size": 50, "condition_ratio": {"cond_000": 0.0, "cond_001": 2.0, "cond_003": 0.5}},
        {"why": "weights, one of them 0", "frame": frame(900, 4, 4, 24, 30), "batch_size": 50, "leaky": 0.1, "experiment_weights": {"exp_000": 0.0, "exp_001": 2.0, "exp_003": 0.5}},
        {"why": "all seats leak, and the focal time is drawn", "frame": frame(200, 3, 3, 24, 31), "batch_size": 10, "leaky": 1.0},
        {"why": "all seats leak, not split", "frame": frame(200, 3, 3, 24, 32), "batch_size": 10, "leaky": 1.0, **plain},
        {"why": "a short last batch, and a last round filled at full size", "frame": frame(505, 3, 2, 24, 33), "batch_size": 50, "leaky": 0.2, "drop_last": False, "num_replicas": 4},
        {"why": "a short last batch, not split", "frame": frame(505, 3, 2, 24, 34), "batch_size": 50, "drop_last": False, **plain},
        {"why": "a number of batches, more seats than rows", "frame": frame(60, 3, 2, 10, 35), "batch_size": 100, "num_batches": 9},
        {"why": "130 experiments", "frame": frame(2000, 130, 2, 24, 36) | {"skew": True}, "batch_size": 16, "leaky": 0.25},
        {"why": "256 distinct times", "frame": frame(9000, 2, 3, 256, 37), "batch_size": 128, "window": 10.0},
        {"why": "257 distinct times", "frame": frame(9000, 2, 3, 257, 38), "batch_size": 128, "window": 10.0},
        {"why": "300 distinct times, not split", "frame": frame(9000, 2, 3, 300, 39), "batch_size": 128, "window": 10.0, **plain},
        {"why": "near, far and pools on both sides of 10000, seats on both sides of a fiftieth", "frame": frame(60_000, 5, 1, 48, 40) | {"skew": True}, "batch_size": 280, "leaky": 0.1, "window": 5.0, **plain},
        {"why": "near, far and cells on both sides of 10000", "frame": frame(60_000, 2, 2, 48, 41), "batch_size": 1000, "leaky": 0.3, "window": 8.0, "fraction": 0.5},
        {"why": "40000 rows, all times distinct", "frame": frame(40_000, 2, 4, 1, 42, step=0.0009765625, offset=-3.0, spread=7919), "batch_size": 256},
        {"why": "40000 rows, all times distinct, not split", "frame": frame(40_000, 2, 4, 1, 43, step=0.0009765625, offset=-3.0, spread=7919), "batch_size": 256, **plain},
        {"why": "40000 rows in one pool, all times distinct, float32", "frame": frame(40_000, 1, 4, 1, 44, step=0.0009765625, offset=-3.0, spread=7919, dtype="float32"), "batch_size": 256, "experiment_aware": False, **plain},
        {"why": "40000 rows in one pool, all times distinct, a narrow window", "frame": frame(40_000, 1, 4, 1, 45, step=0.0009765625, offset=0.0, spread=7919), "batch_size": 256, "window": 0.01},
        {"why": "sums that round", "frame": frame(3000, 2, 3, 600, 46, step=2.0**-44, offset=1000.0), "batch_size": 40, "window": 2.0**-40},
        {"why": "sums that round, float32", "frame": frame(3000, 2, 3, 600, 47, step=2.0**-15, offset=1000.0, dtype="float32"), "batch_size": 40, "window": 2.0**-11},
        {"why": "ten minutes in float32", "frame": frame(9000, 3, 2, 300, 48, **listed(ten_minutes, "float32")), "batch_size": 60, "window": 2.0, "tells": "float32 from double"},
        {"why": "ten minutes in float32, not split", "frame": frame(9000, 3, 2, 300, 48, **listed(ten_minutes, "float32")), "batch_size": 60, "window": 2.0, **plain, "tells": "float32 from double"},
        {"why": "the same numbers as doubles", "frame": frame(9000, 3, 2, 300, 48, **listed(narrow)), "batch_size": 60, "window": 2.0},
        {"why": "ten minutes in doubles", "frame": frame(9000, 3, 2, 300, 49, **listed(ten_minutes)), "batch_size": 60, "window": 2.0, "tells": "rounded differences"},
        {"why": "tenths on both sides of zero", "frame": frame(6000, 3, 2, 61, 50, **listed(tenths)), "batch_size": 60, "window": 2.3, "tells": "rounded differences"},
        {"why": "tenths on both sides of zero, not split", "frame": frame(6000, 3, 2, 61, 51, **listed(tenths)), "batch_size": 60, "window": 2.3, **plain, "tells": "rounded differences"},
        {"why": "tenths in float32: the window is rounded too", "frame": frame(6000, 3, 2, 61, 52, **listed(tenths, "float32")), "batch_size": 60, "window": 0.3, "tells": "a rounded window"},
        {"why": "the smallest doubles", "frame": frame(600, 2, 2, 5, 53, **listed([0.0, 5e-324, 1e-323, -5e-324, -1.5e-323])), "batch_size": 40, "window": 5e-324},
        {"why": "the smallest float32: the window rounds up to one", "frame": frame(600, 2, 2, 5, 54, **listed([0.0, 2e-45, 3e-45, -2e-45, 1.0], "float32")), "batch_size": 40, "window": 1e-45, "tells": "a rounded window"},
        {"why": "differences beyond the doubles", "frame": frame(600, 2, 2, 4, 55, **listed([-1.7e308, 1.7e308, 0.0, 1e308])), "batch_size": 40, "window": 1.7e308},
        {"why": "a window beyond float32", "frame": frame(600, 2, 2, 4, 56, **listed([-3e38, 3e38, 0.0, 1e38], "float32")), "batch_size": 40, "window": 1e39, "tells": "a rounded window"},
        {"why": "a window of half the float32 range", "frame": frame(600, 2, 2, 4, 57, **listed([-3e38, 3e38, 0.0, 1e38], "float32")), "batch_size": 40, "window": 3e38, **plain},
        {"why": "the largest seed", "frame": frame(300, 3, 2, 24, 58), "batch_size": 8, "seed": 2**64 - 4, "epoch": 3},
    ]  # fmt: skip
    for number, case in enumerate(cases):
        case["temporal_enrichment"] = True
        case["temporal_window_hours"] = bits(case.pop("window", 2.0))
        case["temporal_global_fraction"] = case.pop("fraction", 0.3)
        case.setdefault("seed", number)
        case.setdefault("epoch", number % 3)
        case["seed"] = hexadecimal(case["seed"])
        if "tells" in case:
            check_that_it_tells(case)
        case["ranks"] = answers(case)
    return {
        "note": "As batches.json, and: temporal_window_hours is a double by its 64 bits. Where a frame has time: the "
        "number of a row is h_2*times>>32, or where spread is given (row*spread) mod rows; the row's time is "
        "values[number], by its bits, or where no values are given number*step + offset, both in dtype (float64 where "
        "none is given). A case that tells something gives other batches where that is done wrong.",
        "cases": cases,
    }


def check_that_it_tells(case: dict[str, Any]) -> None:
    """Compare the near rows of every focal time with those that the arithmetic next to the right one would find."""
    times = np.unique(columns(case["frame"])["hours_post_infection"])
    window = double(case["temporal_window_hours"])
    right = Oracle(len(times), None, None, time=times, window=window)
    for focal in times:
        if case["tells"] == "float32 from double":
            wrong = np.abs(times.astype(float) - float(focal)) <= window
        elif case["tells"] == "a rounded window":
            with np.errstate(over="ignore"):
                wrong = np.abs(times - focal).astype(float) <= window
        else:
            exact = [abs(Fraction(float(time)) - Fraction(float(focal))) for time in times]
            wrong = np.array([distance <= Fraction(window) for distance in exact])
        if not np.array_equal(wrong, right.is_near(np.arange(len(times)), focal)):
            return
    raise AssertionError(f"{case['why']}: the case shows nothing")


if __name__ == "__main__":
    makers = {"draws": draws, "samples": samples, "plans": plans, "batches": batches, "temporal": temporal}
    sys.exit(write(makers, lambda answers: json.dumps(answers, indent=1)))
