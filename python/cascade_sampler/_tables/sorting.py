"""Many texts put in order at once: by code point, as Python sorts them, without a comparison in Python."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FEW = 2048
_WORD = 8
"""Bytes that are compared at a time."""


def number_texts(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """Give texts numbers in ascending order, equal ones the same.

    Parameters
    ----------
    texts : sequence of str
        Of no class derived from str. Lone surrogates and NUL are letters as others are.

    Returns
    -------
    numbers : ndarray of uint32, shape (len(texts),)
        Number of each text.
    places : ndarray of intp, shape (different texts,)
        By number, a place in `texts` where that text is.
    """
    if len(texts) < _FEW:
        distinct = sorted(set(texts))
        number = {text: place for place, text in enumerate(distinct)}
        numbers = np.fromiter((number[text] for text in texts), dtype=np.uint32, count=len(texts))
    else:
        ranks = _ranks(texts)
        used = np.zeros(len(texts), dtype=bool)
        used[ranks] = True
        numbers = (np.cumsum(used, dtype=np.uint32) - np.uint32(1))[ranks]
        distinct = np.flatnonzero(used)  # type: ignore[assignment]
    places = np.empty(len(distinct), dtype=np.intp)
    places[numbers] = np.arange(len(texts))
    return numbers, places


def _ranks(texts: Sequence[str]) -> NDArray[np.intp]:
    """Return for each text how many are less than it.

    Letters are packed into words so that a word's order is that of its letters. After every word only texts that are
    still tied are looked at, and at last their lengths: what a shorter text lacks was packed as zeros.
    """
    count = len(texts)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=count)
    joined = "".join(texts)
    try:
        letters, width = joined.encode("latin-1"), 1
    except UnicodeEncodeError:
        letters, width = joined.encode("utf-32-be", "surrogatepass"), 4
    del joined
    # A word begins at every letter, its first letter the most significant.
    words = np.ndarray(len(letters) // width + 1, dtype=">u8", buffer=letters + bytes(_WORD), strides=(width,))
    starts = np.cumsum(lengths) - lengths
    depth = _shared(min(texts), max(texts))
    ranks = np.zeros(count, dtype=np.intp)
    tied = np.arange(count)
    while len(tied):
        left = lengths[tied] - depth
        if left.max() <= 0:
            _split(ranks, tied, lengths[tied].astype(np.uint64))
            break
        # What is left of a text that has ended is another's: zeros in its place. (None of eight cannot be shifted out.)
        bits = np.clip(left, 0, _WORD // width).astype(np.uint64) * np.uint64(8 * width)
        mask = ~(np.uint64(0xFFFF_FFFF_FFFF_FFFF) >> np.minimum(bits, np.uint64(63)))
        mask[bits == 64] = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
        begin = np.minimum(starts[tied] + depth, len(words) - 1)
        tied = _split(ranks, tied, words[begin].astype(np.uint64) & mask)
        depth += _WORD // width
    return ranks


def _shared(first: str, last: str) -> int:
    """Return how many letters all texts between two of them begin with."""
    shortest = min(len(first), len(last))
    return next((place for place in range(shortest) if first[place] != last[place]), shortest)


def _split(ranks: NDArray[np.intp], tied: NDArray[np.intp], keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Put texts of equal rank in the order of their keys, and return those whose keys are equal too."""
    old = ranks[tied]
    # One key is sorted several times as fast as two, and at first there is one.
    order = np.argsort(keys) if old[0] == old[-1] and (old == old[0]).all() else np.lexsort((keys, old))
    tied, keys, old = tied[order], keys[order], old[order]
    first_of_rank = np.ones(len(tied), dtype=bool)
    np.not_equal(old[1:], old[:-1], out=first_of_rank[1:])
    first = first_of_rank.copy()
    first[1:] |= keys[1:] != keys[:-1]
    places = np.arange(len(tied))
    begin_of_rank = np.maximum.accumulate(np.where(first_of_rank, places, 0))
    begin = np.maximum.accumulate(np.where(first, places, 0))
    ranks[tied] = old + (begin - begin_of_rank)
    alone = first.copy()
    alone[:-1] &= first[1:]
    still: NDArray[np.intp] = tied[~alone]
    return still
