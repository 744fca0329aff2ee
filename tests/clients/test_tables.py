"""Tables that other libraries hold within something larger."""

from __future__ import annotations

import anndata
import datasets
import numpy as np
import pandas as pd
import pytest

from cascade_sampler import CascadeSampler, FlexibleBatchSampler
from rows import ROWS, TABLE


def cells():
    obs = pd.DataFrame({name: pd.Categorical([str(value) for value in values]) for name, values in TABLE.items()})
    obs.index = [f"cell_{row}" for row in range(ROWS)]
    return anndata.AnnData(np.zeros((ROWS, 2), dtype=np.float32), obs=obs)


def test_the_observations_of_an_anndata_are_a_table():
    data = cells()
    whole = FlexibleBatchSampler(data.obs, batch_size=20, leaky=0.2)
    assert whole.experiments == tuple(sorted({str(value) for value in TABLE["experiment"]}))
    for batch in whole:
        assert data[batch].n_obs == 20
    half = data[::2]
    dealt = CascadeSampler(half.obs, 20, experiment_key="experiment", condition_key="condition")
    assert int(dealt.epoch_batches().max()) < half.n_obs
    # A view, and a copy of it, hold the same table.
    copied = CascadeSampler(half.copy().obs, 20, experiment_key="experiment", condition_key="condition")
    assert (dealt.epoch_batches() == copied.epoch_batches()).all()


@pytest.mark.parametrize("change", [lambda data: data, lambda data: data[::2], lambda data: data[:, :1]])
def test_an_anndata_itself_is_refused(change):
    data = change(cells())
    with pytest.raises(TypeError, match=r"valid_anchors must be a table.*AnnData.*valid_anchors\.obs"):
        FlexibleBatchSampler(data, 20)
    with pytest.raises(TypeError, match=r"pass its table of observations, table\.obs"):
        CascadeSampler(data, 20)


def test_a_datasetdict_is_refused_and_a_split_is_a_table():
    texts = {name: [str(value) for value in values] for name, values in TABLE.items()}
    data = datasets.Dataset.from_dict(texts).class_encode_column("experiment")
    for splits in ({"train": data}, {"train": data, "test": data.select(range(8))}):
        several = datasets.DatasetDict(splits)
        with pytest.raises(ValueError, match=r"choose a split, for instance valid_anchors\['train'\]"):
            FlexibleBatchSampler(several, 20)
        expected = FlexibleBatchSampler(texts, batch_size=20)
        assert (FlexibleBatchSampler(several["train"], 20).epoch_batches() == expected.epoch_batches()).all()
