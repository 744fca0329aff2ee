"""The oracle of the dealt cascade against batches that another one wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import oracle_decks as decks
from encoding import digest
from frames import columns
from oracle_dealt import Dealt

VECTORS = json.loads((Path(__file__).parents[1] / "known_answers" / "dealt_vectors.json").read_text())


def test_all_vectors_are_there() -> None:
    layers = ("seed_words", "keys", "decks", "cases")
    assert {layer: len(VECTORS[layer]) for layer in layers} == {"seed_words": 4, "keys": 4, "decks": 14, "cases": 64}


@pytest.mark.parametrize("case", VECTORS["seed_words"], ids=lambda case: f"{case['seed']}-{case['epoch']}")
def test_seed_words(case: dict[str, Any]) -> None:
    assert decks.seed_words(case["seed"], case["epoch"]) == case["words"]


@pytest.mark.parametrize("case", VECTORS["keys"], ids=lambda case: str(case["key"]))
def test_keys(case: dict[str, Any]) -> None:
    assert decks.key(case["seed"], case["p"], case["a"], case["b"]) == case["key"]
    assert [decks.word(case["key"], number) for number in range(len(case["words"]))] == case["words"]


@pytest.mark.parametrize("case", VECTORS["decks"], ids=lambda case: str(case["cards"]))
def test_decks(case: dict[str, Any]) -> None:
    assert [decks.deal(case["cards"], case["key"], place) for place in case["places"]] == case["dealt"]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["sha256"][:8])
def test_batches(case: dict[str, Any]) -> None:
    table, arguments = columns(case["frame"]), dict(case["kwargs"])
    keys = {name: arguments.pop(f"{name}_key", None) for name in ("experiment", "condition", "time")}
    oracle = Dealt(
        case["frame"]["rows"], **{name: key and table[key].tolist() for name, key in keys.items()}, **arguments
    )
    assert oracle.refusal() is None
    batches = oracle.epoch(case["epoch"])
    assert len(batches) == oracle.total == case["batches"]
    assert batches[: len(case["first"])] == case["first"]
    assert digest([row for batch in batches for row in batch]) == case["sha256"]
