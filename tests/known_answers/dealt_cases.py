"""The cases of the dealt cascade that `make_dealt.py` answers. `why` says what a case is there to show."""

from __future__ import annotations

from typing import Any

from encoding import bits

SIZES = [500, 30, 900, 100, 700]
SCATTERED = [1.0 + (number * 7919 % 101) / 7 for number in range(300)]

EXPERIMENTS: list[dict[str, Any]] = [
    {"rows": [100], "weights": "size", "batch_size": 7, "seed": 0, "epochs": [0, 1, 2**20 - 1]},
    {"rows": SIZES, "weights": "size", "batch_size": 32, "seed": 1, "epochs": [0, 1, 2**20 - 1]},
    {"rows": SIZES, "weights": "size", "batch_size": 32, "leaky": 0.25, "batches_per_experiment": 4, "seed": 2, "epochs": [0, 5]},
    {"rows": SIZES, "weights": "size", "batch_size": 32, "leaky": 1.0, "seed": 3, "epochs": [0, 5]},
    {"rows": SIZES, "weights": "size", "batch_size": 32, "num_batches": 20, "seed": 4, "epochs": [0, 1, 2, 100]},
    {"rows": SIZES, "weights": "sqrt", "batch_size": 32, "seed": 5, "epochs": [0, 1, 2, 100]},
    {"rows": SIZES, "weights": "equal", "batch_size": 32, "batches_per_experiment": 2, "seed": 6, "epochs": [0, 1, 2, 100]},
    {"rows": SIZES, "weights": "equal", "batch_size": 32, "num_batches": 3, "seed": 7, "epochs": [0, 1, 2, 3, 4, 100]},
    {"rows": SIZES, "weights": [0.0, 2.0, 0.0, 1.0, 0.0], "batch_size": 32, "seed": 8, "epochs": [0, 1, 2, 100]},
    {"rows": SIZES, "weights": [0.0, 2.0, 0.0, 1.0, 0.5], "batch_size": 32, "num_batches": 30, "batches_per_experiment": 3, "seed": 9, "epochs": [0, 1, 2, 100]},
    {"rows": SIZES, "weights": [1e-9, 1.0, 1e300, 1e290, 1.0], "batch_size": 32, "num_batches": 11, "seed": 10, "epochs": [0, 1]},
    {"rows": [3] * 300, "weights": SCATTERED, "batch_size": 4, "seed": 11, "epochs": [0, 1]},
    {"rows": [1 + number % 13 for number in range(130)], "weights": "sqrt", "batch_size": 4, "seed": 12, "epochs": [0, 1]},
    {"rows": [1 + number % 13 for number in range(130)], "weights": "size", "batch_size": 4, "num_batches": 64, "seed": 13, "epochs": [0, 1]},
    {"rows": SIZES, "weights": "size", "batch_size": 32, "num_batches": 2**32 - 1, "seed": 14, "epochs": [0, 9]},
    {"rows": SIZES, "weights": "equal", "batch_size": 1, "num_batches": 2**32 - 256, "batches_per_experiment": 256, "seed": 2**64 - 1, "epochs": [0, 9]},
]  # fmt: skip


def frame(
    rows: int, experiments: int, conditions: int, salt: int, times: int = 1, skew: bool = False, **more: Any
) -> dict[str, Any]:
    given = {"rows": rows, "experiments": experiments, "conditions": conditions, "times": times, "salt": salt}
    return {**given, "skew": skew, **more}


def weights(values: list[float]) -> dict[str, float]:
    return {f"exp_{number:03d}": value for number, value in enumerate(values)}


def ratios(values: list[float]) -> dict[str, float]:
    return {f"cond_{number:03d}": value for number, value in enumerate(values)}


NARROW = {"values": [bits(number / 6) for number in range(60)]}

BATCHES: list[dict[str, Any]] = [
    {"why": "no key at all", "frame": frame(100, 3, 2, 0), "keys": "", "batch_size": 7},
    {"why": "a deck of 64 rows", "frame": frame(64, 1, 1, 1), "keys": "", "batch_size": 10, "epochs": [0, 1, 2]},
    {"why": "a deck of 65 rows", "frame": frame(65, 1, 1, 1), "keys": "", "batch_size": 10, "epochs": [0, 1, 2]},
    {"why": "more seats than rows", "frame": frame(10, 1, 1, 2), "keys": "", "batch_size": 25},
    {"why": "one row", "frame": frame(1, 1, 1, 3), "keys": "ec", "batch_size": 4},
    {"why": "experiments", "frame": frame(500, 4, 3, 4), "keys": "e", "batch_size": 16},
    {"why": "conditions", "frame": frame(500, 4, 3, 5), "keys": "c", "batch_size": 16},
    {"why": "experiments and conditions", "frame": frame(500, 4, 3, 6), "keys": "ec", "batch_size": 16},
    {"why": "leak: others by cell", "frame": frame(500, 4, 3, 7), "keys": "ec", "batch_size": 16, "leaky": 0.25},
    {"why": "leak without conditions", "frame": frame(500, 4, 3, 8), "keys": "e", "batch_size": 16, "leaky": 0.25},
    {"why": "leak with one experiment", "frame": frame(90, 1, 3, 9), "keys": "ec", "batch_size": 16, "leaky": 0.5},
    {"why": "a leak of more rows than there are", "frame": frame(120, 2, 2, 10, skew=True), "keys": "e", "batch_size": 110, "leaky": 0.9},
    {"why": "all seats leak", "frame": frame(120, 3, 2, 11), "keys": "e", "batch_size": 10, "leaky": 1.0},
    {"why": "int(10 * 0.29) is 2", "frame": frame(200, 3, 2, 12), "keys": "ec", "batch_size": 10, "leaky": 0.29},
    {"why": "sqrt", "frame": frame(600, 5, 2, 13, skew=True), "keys": "ec", "batch_size": 16, "experiment_weights": "sqrt"},
    {"why": "equal", "frame": frame(600, 5, 2, 14, skew=True), "keys": "ec", "batch_size": 16, "experiment_weights": "equal", "leaky": 0.2},
    {"why": "weights, two of them 0, whose rows leak", "frame": frame(400, 4, 2, 15), "keys": "ec", "batch_size": 16, "leaky": 0.5, "experiment_weights": weights([0.0, 2.0, 0.0, 1.0])},
    {"why": "one experiment is named", "frame": frame(400, 4, 2, 16), "keys": "e", "batch_size": 16, "experiment_weights": {"exp_002": 0.7}, "leaky": 0.3},
    {"why": "equal, with a number of batches", "frame": frame(600, 5, 2, 17, skew=True), "keys": "ec", "batch_size": 16, "experiment_weights": "equal", "num_batches": 13, "epochs": [0, 1, 2, 3, 40]},
    {"why": "size, with a number of batches", "frame": frame(600, 5, 2, 18, skew=True), "keys": "ec", "batch_size": 16, "num_batches": 13, "epochs": [0, 1, 2, 3, 40]},
    {"why": "blocks", "frame": frame(600, 5, 2, 19), "keys": "ec", "batch_size": 16, "batches_per_experiment": 4, "leaky": 0.25},
    {"why": "blocks longer than a pass over an experiment", "frame": frame(200, 9, 2, 20), "keys": "e", "batch_size": 16, "batches_per_experiment": 8},
    {"why": "blocks, weights and a number of batches", "frame": frame(600, 5, 2, 21), "keys": "ec", "batch_size": 16, "batches_per_experiment": 3, "num_batches": 21, "experiment_weights": "equal"},
    {"why": "ratios: one not named counts as 1", "frame": frame(600, 3, 4, 22), "keys": "ec", "batch_size": 32, "condition_ratio": {"cond_002": 3.0}},
    {"why": "ratios, the last of them 0, whose rows leak", "frame": frame(600, 3, 4, 23), "keys": "ec", "batch_size": 33, "leaky": 0.3, "condition_ratio": ratios([1.0, 2.0, 0.5, 0.0])},
    {"why": "shares below one seat, unequal", "frame": frame(600, 2, 12, 24), "keys": "ec", "batch_size": 20, "condition_ratio": ratios([20.0, 0.1, 0.2, 0.3, 0.4])},
    {"why": "half a seat is held", "frame": frame(600, 2, 2, 25), "keys": "ec", "batch_size": 13},
    {"why": "less than half a seat is drawn", "frame": frame(600, 2, 4, 26), "keys": "ec", "batch_size": 13},
    {"why": "49 conditions in 49 seats", "frame": frame(3000, 2, 49, 27), "keys": "ec", "batch_size": 49},
    {"why": "cells smaller than their seats", "frame": frame(40, 3, 4, 28), "keys": "ec", "batch_size": 50},
    {"why": "conditions in turn", "frame": frame(900, 2, 10, 29), "keys": "ec", "batch_size": 16, "conditions_per_batch": 4},
    {"why": "conditions in turn, in blocks: laps of conditions have none", "frame": frame(900, 2, 10, 30), "keys": "ec", "batch_size": 16, "conditions_per_batch": 4, "batches_per_experiment": 4},
    {"why": "one condition a batch", "frame": frame(900, 3, 5, 31), "keys": "ec", "batch_size": 16, "conditions_per_batch": 1, "leaky": 0.25},
    {"why": "always one, others in turn", "frame": frame(900, 2, 8, 32), "keys": "ec", "batch_size": 16, "conditions_per_batch": 3, "always": ["cond_003"]},
    {"why": "always one, at three times the ratio", "frame": frame(900, 2, 8, 33), "keys": "ec", "batch_size": 17, "conditions_per_batch": 3, "always": ["cond_003"], "condition_ratio": {"cond_003": 3.0}},
    {"why": "always, and nothing else", "frame": frame(900, 2, 8, 34), "keys": "ec", "batch_size": 17, "conditions_per_batch": 2, "always": ["cond_003", "cond_005"], "condition_ratio": {"cond_003": 3.0}},
    {"why": "always at a ratio of 0 still takes its place in the limit", "frame": frame(900, 2, 8, 35), "keys": "ec", "batch_size": 17, "conditions_per_batch": 2, "always": ["cond_003", "cond_005"], "condition_ratio": {"cond_003": 0.0}},
    {"why": "always without a limit changes nothing", "frame": frame(900, 2, 8, 36), "keys": "ec", "batch_size": 17, "always": ["cond_003"], "condition_ratio": {"cond_001": 0.0}},
    {"why": "always in some experiments only", "frame": frame(60, 8, 12, 37), "keys": "ec", "batch_size": 9, "conditions_per_batch": 3, "always": ["cond_003", "cond_007"]},
    {"why": "a limit above the number of conditions", "frame": frame(300, 3, 4, 38), "keys": "ec", "batch_size": 10, "conditions_per_batch": 40},
    {"why": "conditions in turn, some left out", "frame": frame(900, 2, 8, 39), "keys": "c", "batch_size": 16, "conditions_per_batch": 3, "condition_ratio": {"cond_000": 0.0, "cond_006": 0.0, "cond_007": 1.0}},
    {"why": "runs", "frame": frame(1000, 1, 1, 40), "keys": "", "batch_size": 32, "run_length": 8},
    {"why": "runs that do not divide the seats", "frame": frame(1000, 3, 1, 41), "keys": "e", "batch_size": 30, "run_length": 8, "leaky": 0.1},
    {"why": "runs longer than the seats", "frame": frame(1000, 2, 1, 42), "keys": "e", "batch_size": 20, "run_length": 500},
    {"why": "runs longer than some cells", "frame": frame(300, 3, 6, 43, skew=True), "keys": "ec", "batch_size": 30, "run_length": 4},
    {"why": "runs with odd seats, held and drawn", "frame": frame(3000, 2, 4, 44), "keys": "ec", "batch_size": 42, "run_length": 4},
    {"why": "runs with odd seats, drawn", "frame": frame(3000, 2, 4, 45), "keys": "ec", "batch_size": 41, "run_length": 4, "leaky": 0.1},
    {"why": "runs, conditions in turn, always, blocks", "frame": frame(5000, 3, 9, 46), "keys": "ec", "batch_size": 50, "run_length": 4, "conditions_per_batch": 4, "always": ["cond_000"], "batches_per_experiment": 2, "leaky": 0.1},
    {"why": "runs and unequal ratios", "frame": frame(3000, 2, 3, 47), "keys": "ec", "batch_size": 40, "run_length": 3, "condition_ratio": ratios([5.0, 2.0, 0.7])},
    {"why": "times", "frame": frame(600, 1, 1, 48, times=24), "keys": "t", "batch_size": 20},
    {"why": "times and experiments", "frame": frame(600, 3, 1, 49, times=24), "keys": "et", "batch_size": 20, "leaky": 0.2},
    {"why": "times and conditions", "frame": frame(600, 1, 4, 50, times=24), "keys": "ct", "batch_size": 22, "temporal_global_fraction": 0.5},
    {"why": "times, experiments and conditions: odd seats before far ones", "frame": frame(900, 3, 4, 51, times=24), "keys": "ect", "batch_size": 21, "temporal_global_fraction": 0.58, "leaky": 0.1},
    {"why": "times, conditions in turn, always, runs that mean nothing", "frame": frame(900, 2, 8, 52, times=24), "keys": "ect", "batch_size": 16, "conditions_per_batch": 3, "always": ["cond_003"], "run_length": 4, "batches_per_experiment": 2},
    {"why": "times: near or far empty", "frame": frame(80, 2, 5, 53, times=24), "keys": "ect", "batch_size": 20, "temporal_window_hours": 0.0, "temporal_global_fraction": 0.5},
    {"why": "times: nothing is far", "frame": frame(200, 2, 3, 54, times=24), "keys": "et", "batch_size": 20, "temporal_window_hours": 100.0},
    {"why": "times: one distinct time draws no focal time", "frame": frame(200, 2, 3, 55, times=1), "keys": "ect", "batch_size": 20},
    {"why": "times: all seats leak", "frame": frame(200, 3, 1, 56, times=5), "keys": "et", "batch_size": 10, "leaky": 1.0},
    {"why": "times in float32", "frame": frame(2000, 2, 2, 57, times=60, time={"step": 0.125, "offset": 1000.0, "dtype": "float32"}), "keys": "ect", "batch_size": 24},
    {"why": "times of sixths of an hour", "frame": frame(2000, 2, 2, 58, times=60, time=NARROW), "keys": "ect", "batch_size": 24},
    {"why": "rows without a condition", "frame": frame(300, 3, 3, 59, missing={"condition": [7, 3]}), "keys": "ec", "batch_size": 16, "leaky": 0.25},
    {"why": "rows without an experiment, a condition or a time", "frame": frame(300, 3, 3, 60, times=24, missing={"condition": [7, 3], "experiment": [5, 0], "hours_post_infection": [11, 1]}), "keys": "ect", "batch_size": 16},
    {"why": "rows without a value in a column that is not used", "frame": frame(300, 3, 3, 61, missing={"condition": [7, 3]}), "keys": "e", "batch_size": 16},
    {"why": "ranks: the last round is filled from the epoch's beginning", "frame": frame(600, 4, 2, 62), "keys": "ec", "batch_size": 16, "leaky": 0.25, "num_replicas": 7},
    {"why": "ranks, more of them than batches", "frame": frame(60, 2, 2, 63), "keys": "ec", "batch_size": 16, "num_replicas": 11},
    {"why": "ranks and blocks of as many", "frame": frame(600, 4, 2, 64), "keys": "ec", "batch_size": 8, "num_replicas": 4, "batches_per_experiment": 4},
    {"why": "130 experiments, weights", "frame": frame(2000, 130, 2, 65, skew=True), "keys": "ec", "batch_size": 8, "leaky": 0.25, "experiment_weights": "sqrt", "epochs": [0, 3]},
    {"why": "300 conditions, 16 a batch", "frame": frame(6000, 2, 300, 66), "keys": "ec", "batch_size": 64, "conditions_per_batch": 16, "epochs": [0, 3]},
    {"why": "large cells", "frame": frame(60_000, 2, 2, 67), "keys": "ec", "batch_size": 301, "leaky": 0.1, "num_batches": 12},
    {"why": "large cells, runs", "frame": frame(60_000, 2, 2, 68), "keys": "ec", "batch_size": 256, "run_length": 16, "num_batches": 12},
    {"why": "the largest seed and epoch", "frame": frame(300, 3, 2, 69), "keys": "ec", "batch_size": 16, "leaky": 0.2, "seed": 2**64 - 1, "epochs": [0, 2**20 - 1]},
    {"why": "every feature", "frame": frame(4000, 5, 9, 70, skew=True), "keys": "ec", "batch_size": 45, "leaky": 0.29, "experiment_weights": weights([1.0, 2.0, 0.0, 0.5, 3.0]), "condition_ratio": {"cond_001": 2.5, "cond_004": 0.0}, "conditions_per_batch": 5, "always": ["cond_001", "cond_006"], "run_length": 3, "batches_per_experiment": 2, "num_batches": 24, "num_replicas": 5, "epochs": [0, 1, 30]},
]  # fmt: skip
