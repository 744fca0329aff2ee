"""What a user writes, as type checkers see it: an error that is expected is ignored by name, and must be there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cascade_sampler import Audit, CascadeSampler, FlexibleBatchSampler, Index, Origins, viscy


def use(table: object, weights: dict[str, float], ratio: dict[tuple[str, int], float]) -> None:
    sampler = FlexibleBatchSampler(table, 32, experiment_weights=weights, condition_ratio=ratio)
    origins: Origins = sampler.explain(0)
    audit: Audit = sampler.audit()
    same: FlexibleBatchSampler = sampler.sampler
    share: float = same.experiment_weights["a"]
    print(origins, audit, share)
    for batch in sampler:
        if isinstance(batch, list):
            numbers: list[int] = batch
            print(numbers)
        else:
            rows: NDArray[np.int64] | NDArray[np.int32] | NDArray[np.uint32] = batch
            print(rows.shape)
    theirs = viscy.FlexibleBatchSampler(table, 32, "marker", group_weights=weights, index_dtype="list")
    print(len(theirs), theirs.epoch_batches().shape)
    index: Index = Index(table, experiment_key=["a", "b"], missing="exclude").without("time_key")
    opened: Index = Index.open("cells.index", copy=True)
    print(CascadeSampler(opened, 4).index == index, index.sizes["a"] + 1)


def misuse(table: object) -> None:
    sampler = FlexibleBatchSampler(table, index_dtype="int16")  # type: ignore[arg-type]
    FlexibleBatchSampler(table, missing="drop")  # type: ignore[arg-type]
    Index(table, missing="drop")  # type: ignore[arg-type]
    sampler.leaky = 0.5  # type: ignore[misc]
    sampler.leeky = 0.5  # type: ignore[attr-defined]
