"""Keys and decks of version 2 once more, slow and obvious, on Python's integers and NumPy's seeding.

It never imports cascade_sampler. `docs/specification-2.md`, section 1, has the rules.
"""

from __future__ import annotations

import math

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
WORD = 2**64 - 1
HALF = 2**32 - 1
LISTED = 64


def ceil_div(number: int, by: int) -> int:
    return -(-number // by)


def seed_words(seed: int, epoch: int) -> list[int]:
    halves = np.array([seed & HALF, seed >> 32, epoch & HALF, epoch >> 32], np.uint32)
    return [int(word) for word in np.random.SeedSequence(halves).generate_state(4, np.uint64)]


def mix64(word: int) -> int:
    word ^= word >> 30
    word = word * 0xBF58476D1CE4E5B9 & WORD
    word ^= word >> 27
    word = word * 0x94D049BB133111EB & WORD
    return word ^ word >> 31


def word(key: int, number: int) -> int:
    return mix64(key + GOLDEN * (number + 1) & WORD)


def onto(word: int, bound: int) -> int:
    return (word >> 32) * bound >> 32


def key(seed: int, purpose: int, a: int, b: int) -> int:
    mixed = seed_words(seed, 0)[0]
    for part in (purpose, a, b):
        mixed = word(mixed, part)
    return mixed


def deal(cards: int, key: int, place: int) -> int:
    """The card at a place of the deck 0 .. cards - 1, as the key shuffles it."""
    if cards <= LISTED:
        deck = list(range(cards))
        for last in range(cards - 1, 0, -1):
            other = onto(word(key, last), last + 1)
            deck[last], deck[other] = deck[other], deck[last]
        return deck[place]
    height, width = sides(cards)
    keys = round_keys(key)
    while True:
        left, right = divmod(place, width)
        for turn in range(4):
            left = (left + (hash32(right, keys[2 * turn]) * height >> 32)) % height
            right = (right + (hash32(left, keys[2 * turn + 1]) * width >> 32)) % width
        place = left * width + right
        if place < cards:
            return place


def sides(cards: int) -> tuple[int, int]:
    """The sides a and b of the rectangle that a large deck is laid out on."""
    height = math.isqrt(cards - 1) + 1
    return height, ceil_div(cards, height)


def round_keys(key: int) -> list[int]:
    return [half for number in range(4) for half in (word(key, number) & HALF, word(key, number) >> 32)]


def hash32(value: int, key: int) -> int:
    value = (value ^ key) * 0x7FEB352D & HALF
    value ^= value >> 15
    value = value * 0x846CA68B & HALF
    return value ^ value >> 16


def lap_and_deal(cards: int, taken: int, block: int, number: int) -> tuple[int, int]:
    """The lap of deal `number`, and which deal of that lap it is, of a deck of which each deal takes `taken` cards."""
    deals = block * ceil_div(ceil_div(cards, taken), block)
    return divmod(number, deals)


def places(cards: int, taken: int, deal_of_lap: int) -> list[int]:
    return [(deal_of_lap * taken + number) % cards for number in range(taken)]


def batch_words(seed: int, epoch: int, batch: int) -> list[int]:
    batch_key = key(seed, 5, epoch, batch)
    return [word(batch_key, number) for number in range(4)]


def batch_generator(seed: int, epoch: int, batch: int) -> np.random.Generator:
    """NumPy's generator, its state set from the batch's words."""
    w0, w1, w2, w3 = batch_words(seed, epoch, batch)
    inc = 2 * (w2 << 64 | w3) + 1 & 2**128 - 1
    state = (w0 << 64 | w1) + inc
    state = state * 0x2360ED051FC65DA44385DF649FCCF645 + inc & 2**128 - 1
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": inc},
        "has_uint32": 0,
        "uinteger": 0,
    }
    return np.random.Generator(bits)
