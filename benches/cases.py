"""What is compared: the cases, and the samplers that each of the rivals has for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy_sampler import NumpySampler
from pytorch_metric_learning.samplers import MPerClassSampler
from torch.utils.data import BatchSampler, RandomSampler, WeightedRandomSampler

from cascade_sampler import FlexibleBatchSampler

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "viscy"))
from upstream import load_upstream

BATCH = 256
SEED = 7
Upstream = load_upstream().FlexibleBatchSampler


@dataclass(frozen=True)
class Case:
    """Which features of the sampler are on."""

    name: str
    experiments: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    leaky: float = 0.0
    times: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*self.experiments, *self.conditions, *([self.times] if self.times else []))


_GROUPED = Case("grouped", experiments=("experiment",))
_BALANCED = replace(_GROUPED, name="grouped, balanced", conditions=("condition",))
_UNGROUPED = Case("ungrouped")


def _temporal(times: str) -> list[Case]:
    cases = [_GROUPED, _BALANCED, _UNGROUPED, replace(_UNGROUPED, name="balanced", conditions=("condition",))]
    text = times.removeprefix("hours_")
    return [replace(case, name=f"{text} times, {case.name}", times=times) for case in cases]


CASES = [
    _GROUPED,
    _BALANCED,
    replace(_BALANCED, name="grouped, balanced, leaky", leaky=0.2),
    replace(_BALANCED, name="keys of two columns, balanced", experiments=("experiment", "marker")),
    *_temporal("hours_48"),
    *_temporal("hours_continuous"),
]
#: Each construction is that of a case and a kind of columns.
CONSTRUCTED = [_GROUPED, _BALANCED, replace(_GROUPED, name="grouped, leaky", leaky=0.2), *CASES[2:]]


def here(case: Case, table: pd.DataFrame, **arguments: Any) -> FlexibleBatchSampler:
    """Make this package's sampler."""
    return FlexibleBatchSampler(
        table,
        BATCH,
        bool(case.experiments),
        case.leaky,
        condition_balanced=bool(case.conditions),
        seed=SEED,
        **({"experiment_key": list(case.experiments)} if case.experiments else {}),
        **({"condition_key": list(case.conditions)} if case.conditions else {}),
        **({"temporal_enrichment": True, "time_key": case.times} if case.times else {}),
        **arguments,
    )


def in_numpy(case: Case, table: pd.DataFrame) -> NumpySampler:
    """Make the sampler in numpy."""
    return NumpySampler(
        table,
        BATCH,
        case.experiments,
        case.conditions,
        leaky=case.leaky,
        time_column=case.times,
        seed=SEED,
    )


def upstream(case: Case, table: pd.DataFrame) -> Any:
    """Make VisCy's own sampler. It has no balance around a time."""
    if case.times:
        table = table.rename(columns={case.times: "hours_post_perturbation"})
    return Upstream(
        table,
        BATCH,
        list(case.experiments) or None,
        case.leaky,
        stratify_by=None if case.times else list(case.conditions) or None,
        temporal_enrichment=case.times is not None,
        seed=SEED,
    )


def weighted(case: Case, table: pd.DataFrame) -> BatchSampler:
    """Make a sampler of rows by weight, which balances the conditions of all experiments in expectation."""
    codes = _cells(case, table)
    weights = 1 / np.maximum(np.bincount(codes), 1)
    return BatchSampler(WeightedRandomSampler(torch.from_numpy(weights[codes]), len(table)), BATCH, True)


def per_class(case: Case, table: pd.DataFrame) -> BatchSampler:
    """Make a sampler of 4 rows of each of 64 cells, or as many of each of the experiments as fit."""
    codes = _cells(case, table)
    per = BATCH // 2 ** int(np.log2(len(np.unique(codes))))
    return BatchSampler(MPerClassSampler(codes, per, BATCH), BATCH, True)


def plain(case: Case, table: pd.DataFrame) -> BatchSampler:
    """Make a sampler of every row once, in random order."""
    return BatchSampler(RandomSampler(range(len(table))), BATCH, True)


def _cells(case: Case, table: pd.DataFrame) -> np.ndarray[Any, Any]:
    codes = np.zeros(len(table), dtype=np.int64)
    for name in (*case.experiments, *case.conditions):
        column = table[name].cat
        codes = codes * len(column.categories) + column.codes
    return codes


#: Those with the same batches first. The others promise less.
MAKERS: dict[str, Callable[[Case, pd.DataFrame], Iterable[Any]]] = {
    "here": here,
    "upstream": upstream,
    "numpy": in_numpy,
    "WeightedRandomSampler": weighted,
    "MPerClassSampler": per_class,
    "RandomSampler": plain,
}


def endless(sampler: Iterable[Any]) -> Iterator[Any]:
    """Yield the batches of epoch after epoch."""
    while True:
        yield from sampler
