"""Integers as labels: of every width, close together and far apart, with pandas and without."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from cascade_sampler import FlexibleBatchSampler

KINDS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
RANDOM = np.random.default_rng(3)


def sampler(values: Any) -> FlexibleBatchSampler:
    return FlexibleBatchSampler({"k": values}, 8, experiment_key="k", condition_balanced=False)


def same_as_text(values: np.ndarray) -> None:
    """Labels that are in order and of Python's type, and the batches of the same groups under other names."""
    found = sampler(values)
    distinct = sorted(set(values.tolist()))
    assert found.experiments == tuple(distinct)
    assert {type(label) for label in found.experiments} == {type(distinct[0])}
    names = np.array([f"{place:09d}" for place in range(len(distinct))])
    text = sampler(names[np.searchsorted(np.array(distinct, dtype=values.dtype), values)])
    assert found.epoch_batches().tolist() == text.epoch_batches().tolist()


@pytest.fixture(params=[True, False], ids=["pandas", "no pandas"])
def _libraries(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        pytest.importorskip("pandas")
    else:
        monkeypatch.delitem(sys.modules, "pandas", raising=False)


@pytest.mark.usefixtures("_libraries")
@pytest.mark.parametrize("kind", KINDS)
def test_at_both_ends_and_around_the_middle(kind):
    limits = np.iinfo(kind)
    ends = [limits.min, limits.max]
    middle = [(limits.min + limits.max) // 2 + step for step in range(-3, 4)]
    for labels in ([limits.min, limits.min + 2], [limits.max - 1, limits.max], ends, middle, [*ends, *middle], [0]):
        values = np.array(labels, dtype=kind)[RANDOM.integers(0, len(labels), 300)]
        same_as_text(values)
        same_as_text(values.astype(values.dtype.newbyteorder()))
        same_as_text(np.repeat(values, 2)[::2])


@pytest.mark.usefixtures("_libraries")
@pytest.mark.parametrize("span", [(1 << 16) - 1, 1 << 16, (1 << 16) + 1])
@pytest.mark.parametrize("low", [-(1 << 15), 0, 1 << 40])
def test_where_close_together_ends(span, low):
    values = low + np.array([0, 1, span - 1, span])[RANDOM.integers(0, 4, 400)]
    same_as_text(values)


@pytest.mark.usefixtures("_libraries")
def test_bools():
    same_as_text(np.arange(100) % 3 == 0)
    same_as_text(np.ones(100, dtype=bool))


@pytest.mark.parametrize("kind", KINDS)
def test_masked_rows_have_no_label(kind):
    values = np.ma.MaskedArray(np.arange(100) % 4, mask=np.arange(100) % 7 == 0).astype(kind)
    found = FlexibleBatchSampler({"k": values}, 8, experiment_key="k", condition_balanced=False, missing="exclude")
    assert found.experiments == (0, 1, 2, 3)
    assert not {row for batch in found for row in batch.tolist() if row % 7 == 0}


@pytest.mark.parametrize("kind", KINDS)
def test_masked_rows_where_labels_mostly_differ(kind):
    size = min(np.iinfo(kind).max, 20_000)
    values = np.ma.MaskedArray(np.arange(size), mask=np.arange(size) % 7 == 0).astype(kind)
    found = FlexibleBatchSampler({"k": values}, 8, experiment_key="k", condition_balanced=False, missing="exclude")
    assert found.experiments == tuple(row for row in range(size) if row % 7)
