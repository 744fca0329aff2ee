"""Write the known answers of the dealt cascade beside this file, on numpy alone: `python make_dealt.py [--check]`.

It never imports cascade_sampler. Numbers beyond 2^53 and doubles are hexadecimal text (a double by its 64 bits), so that
no reader rounds them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "oracle"), str(HERE.parent / "shared")]

import oracle_decks as decks  # noqa: E402
from dealt_cases import BATCHES, EXPERIMENTS  # noqa: E402
from encoding import bits, digest, double, hexadecimal  # noqa: E402
from frames import columns  # noqa: E402
from make import fine_cases, half  # noqa: E402
from oracle_dealt import Dealt, Share, split  # noqa: E402
from writing import write  # noqa: E402

WORDS = [0, 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, decks.GOLDEN, 0x0123456789ABCDEF]
SOURCES = "pnfl"


def layers() -> dict[str, Any]:
    epochs = [
        (0, 0),
        (1, 0),
        (0, 1),
        (42, 7),
        (2**32 - 1, 1),
        (2**32, 2**20 - 1),
        (2**64 - 1, 0),
        (2**64 - 9, 2**20 - 1),
    ]
    parts = [(0, 0, 0), (1, 5, 0), (2, 3, 1), (3, 2**32 - 2, 2**40), (4, 0, 2**52), (5, 2**20 - 1, 2**32 - 2)]
    seeds = [0, 42, 2**32 + 5, 2**64 - 1]
    bounds = [1, 2, 3, 64, 65, 2**16, 3 * 2**30, 2**32 - 1]
    return {
        "note": "Beneath the batches, in the order of docs/specification-2.md, section 1. Words, keys and seeds are "
        "hexadecimal. words of a key: word(key, 0) and on. decks: cards at places, then at `count` places from `from` "
        "on, digested as 4 little-endian bytes each; sides are a and b, null up to 64 cards. laps: number is the deal. "
        "generators: the four words of batch g in epoch e, its first 64-bit draws, and its first 32-bit draws.",
        "seed_words": [
            {"seed": hexadecimal(seed), "epoch": epoch, "words": texts(decks.seed_words(seed, epoch))}
            for seed, epoch in epochs
        ],
        "mix64": [texts([word, decks.mix64(word)]) for word in WORDS],
        "onto": [[hexadecimal(word), bound, decks.onto(word, bound)] for word in WORDS for bound in bounds],
        "keys": [key_case(seed, *part) for seed in seeds for part in parts],
        "decks": deck_cases(),
        "laps": lap_cases(),
        "generators": [
            generator_case(seed, epoch, batch)
            for seed in seeds
            for epoch, batch in [(0, 0), (0, 1), (1, 0), (2**20 - 1, 2**32 - 2)]
        ],
    }


def texts(words: list[int]) -> list[str]:
    return [hexadecimal(word) for word in words]


def key_case(seed: int, purpose: int, a: int, b: int) -> dict[str, Any]:
    key = decks.key(seed, purpose, a, b)
    words = texts([decks.word(key, number) for number in (0, 1, 2, 64)])
    parts = {"seed": hexadecimal(seed), "p": purpose, "a": a, "b": hexadecimal(b)}
    return {**parts, "key": hexadecimal(key), "words": words[:3], "word_64": words[3]}


def deck_cases() -> list[dict[str, Any]]:
    listed = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64]
    small = [
        65,
        66,
        71,
        72,
        73,
        80,
        81,
        82,
        90,
        91,
        99,
        100,
        101,
        110,
        111,
        121,
        122,
        255,
        256,
        257,
        272,
        273,
        300,
        1000,
    ]
    large = [
        65_535,
        65_536,
        65_537,
        65_792,
        65_793,
        10**6,
        10**6 + 1,
        5 * 10**7,
        46_340**2,
        46_341**2,
        2**31 - 1,
        2**31,
        2**31 + 11,
    ]
    largest = [3 * 2**30, 65_535**2, 65_535**2 + 1, 65_535 * 65_536, 65_535 * 65_536 + 1, 2**32 - 2, 2**32 - 1]
    random = np.random.default_rng(2027)
    cases = []
    for cards in listed + small + large + largest:
        for key in (0, 2**64 - 1, decks.key(7, 3, cards, 1)) if cards <= 122 else (decks.key(7, 3, cards, 1),):
            sides = None if cards <= decks.LISTED else decks.sides(cards)
            width = sides[1] if sides else 1
            places = {0, 1, width - 1, width, width + 1, cards // 2, cards - 2, cards - 1}
            places |= set(random.integers(0, cards, 6).tolist())
            chosen = [place for place in sorted(places) if 0 <= place < cards]
            # All of a small deck; of a large one a stretch over several rows of the rectangle, or up to the last place.
            count = min(cards, 1000)
            start = [0, cards - count, min(max(cards // 3 // width * width - 13, 0), cards - count)][len(cases) % 3]
            stretch = [decks.deal(cards, key, place) for place in range(start, start + count)]
            cases.append(
                {
                    "cards": cards,
                    "sides": sides,
                    "key": hexadecimal(key),
                    "places": chosen,
                    "dealt": [decks.deal(cards, key, place) for place in chosen],
                    "from": start,
                    "count": count,
                    "sha256": digest(stretch),
                }
            )
    return cases


def lap_cases() -> list[dict[str, Any]]:
    shapes = [
        (1, 1, 1),
        (1, 5, 3),
        (10, 3, 1),
        (10, 3, 4),
        (12, 3, 1),
        (12, 3, 5),
        (5, 12, 1),
        (5, 12, 8),
        (64, 64, 2),
        (65, 64, 2),
    ]
    shapes += [(1000, 7, 1), (1000, 7, 8), (2**32 - 1, 1, 1), (2**32 - 1, 256, 8), (2**32 - 1, 2**31, 3)]
    cases = []
    for cards, taken, block in shapes:
        deals = block * decks.ceil_div(decks.ceil_div(cards, taken), block)
        numbers = sorted({0, 1, deals - 1, deals, deals + 1, 3 * deals - 1, 10**6, 2**40, 2**52 - 1})
        found = [(number, *decks.lap_and_deal(cards, taken, block, number)) for number in numbers]
        cases.append(
            {
                "cards": cards,
                "taken": taken,
                "block": block,
                "deals": deals,
                "numbers": [
                    {"number": number, "lap": lap, "deal": deal, "places": decks.places(cards, min(taken, 16), deal)}
                    if taken <= 16
                    else {"number": number, "lap": lap, "deal": deal, "first": deal * taken % cards}
                    for number, lap, deal in found
                ],
            }
        )
    return cases


def generator_case(seed: int, epoch: int, batch: int) -> dict[str, Any]:
    raw = decks.batch_generator(seed, epoch, batch).bit_generator.random_raw(3)
    halves = decks.batch_generator(seed, epoch, batch)
    return {
        "seed": hexadecimal(seed),
        "epoch": epoch,
        "batch": batch,
        "words": texts(decks.batch_words(seed, epoch, batch)),
        "next64": texts(raw.tolist()),
        "next32": [half(halves) for _ in range(4)],
    }


def plans() -> dict[str, Any]:
    return {
        "note": "Parts of docs/specification-2.md, sections 2 and 3, each by itself. Doubles are their bits. seats: step "
        "4; exact is x_c, held what step 5 calls q, and for generators (seed, epoch, batch) the odd seats and a next32 "
        "after them. experiments: rows of each experiment in order; weights is a name or a list; ends, what came before, "
        "and [batch, experiment, J] (step 1). conditions: how many of them, the first `always` of them in every batch, "
        "of one experiment; turns: [J, [[condition, index], ..]] (step 3). hands: positions in a cell of a number; "
        "wanted seats have come where the cell holds `held`; index with block as `laps` takes them (step 5).",
        "seats": seat_cases(),
        "experiments": [experiment_case(**case) for case in EXPERIMENTS],
        "conditions": condition_cases(),
        "hands": hand_cases(),
    }


def seat_cases() -> list[dict[str, Any]]:
    given = json.loads((HERE / "plans.json").read_text())["quotas"]
    cases = [(case["seats"], [double(ratio) for ratio in case["ratios"]]) for case in given]
    cases = [(seats, [ratio for ratio in ratios if ratio > 0]) for seats, ratios in cases] + fine_cases()
    cases += [
        (0, [1.0]),
        (5, [1.0]),
        (3, [1.0, 1.0]),
        (3, [1.0, 3.0]),
        (11, [1.0] * 4),
        (42, [1.0] * 4),
        (256, [0.3] * 300),
    ]
    cases += [
        (512, [1.0] * 40),
        (49, [1 / 49] * 49),
        (64, [5.0, 3.0, 2.0, 1.5]),
        (7, [1.0, 1.0, 1.0, 1.0000000000000002]),
    ]
    cases += [
        (20, [100.0] + [0.5] * 19),
        (9, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        (50, [1e-300, 1.0, 2.0]),
        (100, [0.29, 0.71]),
    ]
    found = []
    for seats, ratios in cases:
        draws = []
        for seed, epoch, batch in ((1, 0, 0), (1, 0, 1), (2, 5, 77)):
            generator = decks.batch_generator(seed, epoch, batch)
            shares = split(generator, seats, ratios)
            draws.append([seed, epoch, batch, [odd for _, _, odd in shares], half(generator)])
        found.append(
            {
                "seats": seats,
                "ratios": [bits(ratio) for ratio in ratios],
                "exact": [bits(exact) for exact, _, _ in shares],
                "base": [base for _, base, _ in shares],
                "held": [base + (exact - base >= 0.5) for exact, base, _ in shares],
                "odd": draws,
            }
        )
    return found


def experiment_case(rows: list[int], weights: str | list[float], epochs: list[int], **arguments: Any) -> dict[str, Any]:
    experiment = np.repeat(np.arange(len(rows)), rows)
    named = weights if isinstance(weights, str) else dict(enumerate(weights))
    dealt = Dealt(len(experiment), experiment=experiment, experiment_weights=named, **arguments)
    found = []
    for epoch in epochs:
        batches = sorted({*range(min(dealt.total, 12)), dealt.total // 2, dealt.total - 1})
        turns = [[batch, *dealt.turn(batch, epoch)] for batch in batches]
        found.append({"epoch": epoch, "ends": dealt.ends(epoch), "before": dealt.before(epoch), "batches": turns})
    written = {"rows": rows, "weights": weights if isinstance(weights, str) else [bits(weight) for weight in weights]}
    arguments["seed"] = hexadecimal(arguments["seed"])
    return {**written, **arguments, "cdf": [bits(entry) for entry in dealt.cdf], "total": dealt.total, "epochs": found}


def condition_cases() -> list[dict[str, Any]]:
    shapes = [
        (5, 0, 2),
        (5, 0, 5),
        (5, 0, 9),
        (5, 2, 3),
        (5, 2, 2),
        (6, 1, 3),
        (64, 0, 1),
        (70, 3, 16),
        (9, 0, 4),
        (4, 4, 4),
        (12, 0, 11),
    ]
    cases = []
    for seed, (conditions, always, limit) in enumerate(shapes):
        others = max(conditions - always, 1)
        # Two experiments, so that this one is number 1 and its cells do not begin with 0.
        dealt = Dealt(
            2 * conditions,
            experiment=np.repeat([0, 1], conditions),
            condition=np.tile(np.arange(conditions), 2),
            batch_size=conditions,
            always=list(range(always)),
            conditions_per_batch=limit,
            batches_per_experiment=1 + seed % 3,
            seed=seed,
        )
        turns = []
        for turn in sorted({*range(min(2 * others, 12)), 1000, 2**40}):
            shares = [[dealt.cells[share.cell][1], share.index] for share in dealt.shares(1, turn)]
            turns.append([turn, shares])
        written = {
            "seed": hexadecimal(seed),
            "experiment": 1,
            "conditions": conditions,
            "always": always,
            "limit": limit,
        }
        cases.append({**written, "turns": turns})
    return cases


def hand_cases() -> list[dict[str, Any]]:
    shapes = [
        (10, 3, 1),
        (10, 10, 1),
        (10, 14, 1),
        (10, 0, 1),
        (1, 3, 4),
        (64, 8, 4),
        (65, 8, 4),
        (100, 12, 5),
        (100, 12, 12),
    ]
    shapes += [
        (100, 12, 50),
        (100, 64, 16),
        (100, 30, 16),
        (23, 10, 8),
        (1000, 64, 16),
        (1000, 17, 16),
        (5000, 7, 3),
        (80, 16, 5),
    ]
    cases = []
    for number, (rows, held, run) in enumerate(shapes):
        cell, block, seed = number % 4, (1, 1, 3)[number % 3], 100 + number
        dealt = Dealt(cell + rows, experiment=[*range(cell), *[cell] * rows], run_length=run, seed=seed)
        hands = []
        for index in (0, 1, 2, 5, 1000):
            for wanted in sorted({max(held - 1, 0), held, held + 1, held + 3}):
                generator = decks.batch_generator(seed, 0, index)
                seats = dealt.from_cell(generator, Share(cell, 1.0, index, block), held, wanted)
                positions = [seat.row - cell for seat in seats]
                hands.append([index, wanted, positions, sum(seat.dealt for seat in seats), half(generator)])
        written = {
            "seed": hexadecimal(seed),
            "cell": cell,
            "rows": rows,
            "held": held,
            "run_length": run,
            "block": block,
        }
        cases.append({**written, "hands": hands})
    return cases


def batches() -> dict[str, Any]:
    return {
        "note": "frame as in upstream.json and temporal.json; where it has missing, rows offset, offset + every, .. of a "
        "column [every, offset] have no value, and are left out. Keys are on where named. epochs: the global batches of "
        "an epoch, those that fill the last round of num_replicas among them; first are the first batches, as rows, "
        "sources (p primary, n near, f far, l leak) and whether dealt (1) or drawn (0). sha256 is over all rows, each "
        "as 4 little-endian bytes, origins over 2 * (place of the source in pnfl) + dealt in the same way.",
        "cases": [batch_case(number, **case) for number, case in enumerate(BATCHES)],
    }


def batch_case(number: int, why: str, frame: dict[str, Any], keys: str, **arguments: Any) -> dict[str, Any]:
    table = columns(frame)
    names = {"e": "experiment", "c": "condition", "t": "time"}
    used = {names[letter]: table[name] for letter, name in zip("ect", table, strict=True) if letter in keys}
    epochs, replicas = arguments.pop("epochs", [0, 1, 7]), arguments.pop("num_replicas", 1)
    arguments.setdefault("seed", number)
    dealt = Dealt(frame["rows"], **used, **arguments)
    if dealt.refusal():
        raise AssertionError(f"{why}: {dealt.refusal()}")
    found = []
    for epoch in epochs:
        seats = [dealt.seats(batch, epoch) for batch in range(decks.ceil_div(dealt.total, replicas) * replicas)]
        every = [seat for batch in seats for seat in batch]
        first = [
            {
                "rows": [seat.row for seat in batch],
                "sources": "".join(SOURCES[seat.source] for seat in batch),
                "dealt": "".join(str(int(seat.dealt)) for seat in batch),
            }
            for batch in (seats[:1] if dealt.batch_size <= 64 else [])
        ]
        found.append(
            {
                "epoch": epoch,
                "batches": len(seats),
                "first": first,
                "sha256": digest([seat.row for seat in every]),
                "origins": digest([2 * seat.source + seat.dealt for seat in every]),
            }
        )
    keys_named = {f"{names[letter]}_key": name for letter, name in zip("ect", table, strict=True) if letter in keys}
    arguments["seed"] = hexadecimal(arguments["seed"])
    ranks = {"num_replicas": replicas} if replicas > 1 else {}
    return {
        "why": why,
        "frame": frame,
        "kwargs": {**keys_named, **arguments},
        **ranks,
        "total": dealt.total,
        "epochs": found,
    }


def as_text(answers: dict[str, Any]) -> str:
    """One line a case."""
    parts = []
    for name, value in answers.items():
        lines = ",\n".join(json.dumps(case) for case in value) if isinstance(value, list) else None
        parts.append(f'"{name}": ' + (json.dumps(value) if lines is None else f"[\n{lines}\n]"))
    return "{\n" + ",\n".join(parts) + "\n}"


if __name__ == "__main__":
    sys.exit(write({"dealt_layers": layers, "dealt_plans": plans, "dealt_batches": batches}, as_text))
