"""Decks are shuffled as well as chance would: chi-square tests with fixed seeds.

What is tested are the oracle's functions over arrays, and that the core deals the very same cards: so what holds of one
holds of the other. Everything goes through the fixture `shuffler`, so that another implementation can stand in:
`keys(seed, purpose, a, b)` for an array b, and `deal(cards, keys, places)`, one row a key and one column a place.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

import decks_many
import oracle_decks as decks
from cascade_sampler import _core
from chi_square import chi_square

LISTED = [2, 3, 4, 5, 8, 13, 21, 32, 33, 47, 63, 64]
COMPUTED = [65, 66, 72, 73, 81, 82, 100, 101, 128, 145, 257, 300]
CELL = 3


@pytest.fixture(params=[decks_many], ids=["oracle"])
def shuffler(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def hands(shuffler: ModuleType, cards: int, laps: int, places: list[int] | None = None, cell: int = 0) -> np.ndarray:
    """The cards at some places, or at all, in every lap of a cell; each deck of `cards` has a seed of its own."""
    keys = shuffler.keys(1000 + cards, CELL, cell, np.arange(laps))
    return shuffler.deal(cards, keys, np.arange(cards) if places is None else np.array(places))


def joint(first: np.ndarray, second: np.ndarray, cards: int) -> np.ndarray:
    return np.bincount(first * cards + second, minlength=cards * cards).reshape(cards, cards)


def pair_score(first: np.ndarray, second: np.ndarray, cards: int) -> float:
    """Of two cards, or places, of one deck: never equal, and all other pairs equally often."""
    counts = joint(first, second, cards)
    assert not counts.diagonal().any()
    apart = ~np.eye(cards, dtype=bool)
    return chi_square(counts[apart], len(first) / apart.sum(), max(apart.sum() - 1, 1))


def some_pairs(cards: int) -> list[tuple[int, int]]:
    """Neighbours and places far apart; in a computed deck, such as share a row or a column of its rectangle."""
    pairs = {(0, 1), (cards // 2 - 1, cards // 2), (cards - 2, cards - 1), (0, cards - 1), (0, cards // 2)}
    if cards > decks.LISTED:
        width = decks.sides(cards)[1]
        pairs |= {(0, width), (width - 1, width), (width, 2 * width), (0, width + 1), (3, 3 + 4 * width)}
    return sorted((one, other) for one, other in pairs if one != other)


def well_spread(scores: list[float]) -> None:
    """Standard normal scores: none far out, and all together in the middle."""
    values = np.array(scores)
    assert np.abs(values).max() < 4.5, values
    assert abs(values.mean()) * np.sqrt(len(values)) < 4, values


@pytest.mark.parametrize("cards", [*range(1, 70), 81, 82, 91, 110, 111, 300, 65_537])
def test_arrays_deal_the_same_cards(cards: int) -> None:
    keys = decks_many.keys(7, CELL, 5, np.array([0, 1, 2**40]))
    assert keys.tolist() == [decks.key(7, CELL, 5, lap) for lap in (0, 1, 2**40)]
    places = np.unique(np.linspace(0, cards - 1, 40).astype(int))
    expected = [[decks.deal(cards, int(key), int(place)) for place in places] for key in keys]
    assert decks_many.deal(cards, keys, places).tolist() == expected


@pytest.mark.parametrize("cards", [*range(1, 301), 1000, 4097, 65_537])
def test_the_core_deals_the_same_cards(cards: int) -> None:
    laps = np.arange(20)
    keys = decks_many.keys(1000 + cards, CELL, 0, laps)
    assert [_core.Deck.key(1000 + cards, CELL, 0, lap) for lap in laps.tolist()] == keys.tolist()
    expected = decks_many.deal(cards, keys, np.arange(cards))
    for key, deck in zip(keys.tolist(), expected, strict=True):
        assert (_core.Deck(cards, key).deal(0, cards) == deck).all()


@pytest.mark.parametrize("cards", [2**20, 2**31 - 1, 2**31 + 1, 2**32 - 1])
def test_the_core_deals_the_same_cards_of_large_decks(cards: int) -> None:
    (key,) = decks_many.keys(cards, CELL, 0, np.array([7])).tolist()
    for first in (0, cards // 3, cards - 5000):
        expected = decks_many.deal(cards, np.array([key], np.uint64), np.arange(first, first + 5000))[0]
        assert (_core.Deck(cards, key).deal(first, 5000) == expected).all()


@pytest.mark.parametrize("cards", [*range(1, 301), 1000, 4097])
def test_every_card_once(shuffler: ModuleType, cards: int) -> None:
    assert (np.sort(hands(shuffler, cards, 5), axis=1) == np.arange(cards)).all()


@pytest.mark.parametrize("cards", LISTED + COMPUTED)
def test_every_card_at_every_place(shuffler: ModuleType, cards: int) -> None:
    laps = max(10 * cards, 4000)
    deck = hands(shuffler, cards, laps)
    counts = np.array([np.bincount(deck[:, place], minlength=cards) for place in range(cards)])
    # All rows and columns of these counts have the same sum, which leaves (cards - 1)^2 degrees of freedom, and makes the
    # others vary more than independent counts by cards / (cards - 1).
    expected = laps / cards
    shrunk = expected + (counts - expected) * np.sqrt((cards - 1) / cards)
    well_spread([chi_square(shrunk, expected, (cards - 1) ** 2)])
    well_spread([chi_square(counts[place], expected) for place in range(cards)])


@pytest.mark.parametrize("cards", LISTED + COMPUTED)
def test_pairs_of_cards_at_two_places(shuffler: ModuleType, cards: int) -> None:
    laps = max(8 * cards * cards, 4000)
    scores = []
    for number, (one, other) in enumerate(some_pairs(cards)):
        hand = hands(shuffler, cards, laps, [one, other], number)
        scores.append(pair_score(hand[:, 0], hand[:, 1], cards))
    well_spread(scores)


@pytest.mark.parametrize("cards", LISTED[1:] + COMPUTED)
def test_places_of_two_cards(shuffler: ModuleType, cards: int) -> None:
    """How far apart two cards lie: all distances, round the end of the deck, equally often."""
    laps = max(20 * cards, 4000)
    places = np.argsort(hands(shuffler, cards, laps), axis=1)
    scores = []
    for one, other in some_pairs(cards):
        apart = np.bincount((places[:, other] - places[:, one]) % cards, minlength=cards)
        assert apart[0] == 0
        scores.append(chi_square(apart[1:], laps / (cards - 1)))
    well_spread(scores)


@pytest.mark.parametrize("cards", [2, 5, 16, 64, 65, 100, 101, 300])
def test_laps_and_cells_know_nothing_of_each_other(shuffler: ModuleType, cards: int) -> None:
    """A place in one lap and the next, of one cell and the next, of a cell and a leak, of one seed and the next."""
    laps = np.arange(max(8 * cards * cards, 4000))
    places = np.array(sorted({0, cards // 2, cards - 1}))

    def dealt(seed: int, purpose: int, cell: int, laps: np.ndarray) -> np.ndarray:
        return shuffler.deal(cards, shuffler.keys(seed, purpose, cell, laps), places)

    first = dealt(1, CELL, 0, 2 * laps)
    others = [
        dealt(1, CELL, 0, 2 * laps + 1),
        dealt(1, CELL, 1, 2 * laps),
        dealt(1, CELL + 1, 0, 2 * laps),
        dealt(2, CELL, 0, 2 * laps),
    ]
    counts = [joint(one, two, cards) for other in others for one, two in zip(first.T, other.T, strict=True)]
    well_spread([chi_square(count.ravel(), len(laps) / cards**2) for count in counts])


@pytest.mark.parametrize("cards", [10**6, 2**31 + 11, 2**32 - 1])
def test_large_decks_fill_evenly(shuffler: ModuleType, cards: int) -> None:
    """Neighbouring places of one deck, and one place of many decks: the cards' leading and trailing digits."""
    of_one = hands(shuffler, cards, 1, list(range(200_000)))[0]
    assert len(np.unique(of_one)) == len(of_one)
    of_many = hands(shuffler, cards, 200_000, [cards // 3])[:, 0]
    scores = []
    for found in (of_one, of_many):
        scores += [chi_square(np.bincount(found * 1000 // cards, minlength=1000), 200.0)]
        scores += [chi_square(np.bincount(found % 997, minlength=997), len(found) / 997)]
        steps = np.diff(found) % cards
        scores += [chi_square(np.bincount(steps * 1000 // cards, minlength=1000), (len(found) - 1) / 1000)]
    well_spread(scores)
