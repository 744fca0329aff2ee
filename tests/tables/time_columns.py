"""A column of times in each library, and a sampler that goes by nothing else."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from cascade_sampler import FlexibleBatchSampler

#: What `libraries` takes apart has at least a hundred.
ROWS = 240


def libraries(array: pa.Array) -> dict[str, Any]:
    """The column in each library, whole and in pieces, one of them empty."""
    chunked = pa.chunked_array([array[:100], array[100:101], array[101:101], array[101:]])
    columns = {
        "arrow": array,
        "arrow, sliced": pa.concat_arrays([array, array])[len(array) :],
        "arrow, chunked": chunked,
        "arrow, dictionary": chunked.dictionary_encode(),
        "pandas on arrow": pd.Series(chunked, dtype=pd.ArrowDtype(array.type)),
        "pandas": array.to_pandas(),
    }
    if array.type != pa.float16():
        columns["pandas, category"] = array.to_pandas().astype("category")
        columns["pandas index"] = pd.Index(array.to_pandas())
    if array.type not in (pa.float16(), pa.timestamp("s"), pa.duration("s"), pa.date64()):
        series = pl.Series(array)
        columns["polars"] = series
        columns["polars, chunked"] = pl.concat([series[:77], series[77:]], rechunk=False)
    return columns


def sampler(table: Any, **arguments: Any) -> FlexibleBatchSampler:
    off = {"experiment_aware": False, "condition_balanced": False, "temporal_enrichment": True}
    return FlexibleBatchSampler(table, **{"batch_size": 12, **off, **arguments})
