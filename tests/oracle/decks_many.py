"""Many cards at once: the decks of `oracle_decks.py` on arrays, for counts that take millions of cards."""

from __future__ import annotations

import numpy as np

import oracle_decks as decks

GOLDEN = np.uint64(decks.GOLDEN)
HIGH = np.uint64(32)


def words(keys: np.ndarray, number: int) -> np.ndarray:
    """Word `number` of every key."""
    with np.errstate(over="ignore"):
        z = keys + GOLDEN * np.uint64(number + 1)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def keys(seed: int, purpose: int, a: int, b: np.ndarray) -> np.ndarray:
    """`key(purpose, a, b)` for every b."""
    mixed = np.uint64(decks.word(decks.word(decks.seed_words(seed, 0)[0], purpose), a))
    with np.errstate(over="ignore"):
        return words(mixed + GOLDEN * b.astype(np.uint64), 0)


def deal(cards: int, keys: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The cards at `places` of the deck of every key: one row a key, one column a place."""
    if cards <= decks.LISTED:
        return whole(cards, keys)[:, places]
    height, width = (np.uint64(side) for side in decks.sides(cards))
    halves = [half for number in range(4) for half in halves_of(words(keys, number))]
    found = np.empty((len(keys), len(places)), np.int64)
    row, column = (index.ravel() for index in np.indices(found.shape))
    spot = places.astype(np.uint64)[column]
    while len(row):
        left, right = spot // width, spot % width
        for turn in range(4):
            left = (left + (hashes(right, halves[2 * turn][row]) * height >> HIGH)) % height
            right = (right + (hashes(left, halves[2 * turn + 1][row]) * width >> HIGH)) % width
        spot = left * width + right
        done = spot < cards
        found[row[done], column[done]] = spot[done]
        row, column, spot = row[~done], column[~done], spot[~done]
    return found


def whole(cards: int, keys: np.ndarray) -> np.ndarray:
    """The listed deck of every key."""
    deck = np.tile(np.arange(cards), (len(keys), 1))
    every = np.arange(len(keys))
    for last in range(cards - 1, 0, -1):
        other = ((words(keys, last) >> HIGH) * np.uint64(last + 1) >> HIGH).astype(np.int64)
        deck[every, last], deck[every, other] = deck[every, other], deck[:, last].copy()
    return deck


def halves_of(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return words & np.uint64(decks.HALF), words >> HIGH


def hashes(values: np.ndarray, keys: np.ndarray) -> np.ndarray:
    mixed = (values ^ keys).astype(np.uint32) * np.uint32(0x7FEB352D)
    mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x846CA68B)
    return (mixed ^ (mixed >> np.uint32(16))).astype(np.uint64)
