"""sentence-transformers: what its training arguments take as `batch_sampler`. Nothing of it is imported here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cascade_sampler._samplers import arguments, ranks
from cascade_sampler._samplers.base import CascadeBase
from cascade_sampler._samplers.cascade import CascadeSampler
from cascade_sampler._samplers.flexible import FlexibleBatchSampler


def batch_sampler(*, table: Any = None, dealt: bool = False, **settings: Any) -> Callable[..., CascadeBase]:
    """Make what ``SentenceTransformerTrainingArguments(batch_sampler=...)`` takes.

    Parameters
    ----------
    table : table, optional
        The experiments and conditions, row by row as in the dataset. Default: the dataset's own columns. Mind that
        sentence-transformers feeds every column of the dataset to the model as a text, but for its label column: what
        the model must not see belongs into `table`.
    dealt : bool, default False
        Whether a `CascadeSampler` is made, which deals rows out, instead of a `FlexibleBatchSampler`.
    **settings
        Of that class: `experiment_key`, `condition_key`, `leaky` and so on. `index_dtype` is "list" unless
        given, `seed` that of the training arguments. The batch size and `drop_last` are always those of the training
        arguments (`per_device_train_batch_size`, `dataloader_drop_last`).

    Returns
    -------
    callable
        Called by the trainer once for each dataset, also for those of an evaluation.

    Raises
    ------
    TypeError
        For `batch_size`, `drop_last`, `num_replicas` and `rank`, which the trainer decides.
    ValueError
        When called: where `table` and dataset differ in length; in several processes, where some would get more
        batches than others. All that the class raises.

    Notes
    -----
    The trainer writes its arguments into every checkpoint, `table` with them: hand over no more columns than are used.
    """
    refused = [name for name in ("batch_size", "drop_last", "num_replicas", "rank") if name in settings]
    if refused:
        raise TypeError(
            f"{', '.join(refused)} must not be given: the trainer decides, by per_device_train_batch_size, "
            "dataloader_drop_last and the processes it runs in"
        )

    return _Factory(table, arguments.flag("dealt", dealt), settings)


class _Factory:
    """What the trainer calls. It writes its arguments into every checkpoint, so this pickles; they are printed, too."""

    def __init__(self, table: Any, dealt: bool, settings: dict[str, Any]) -> None:
        self._table = table
        self._dealt = dealt
        self._settings = settings

    def __repr__(self) -> str:
        named = ["dealt=True"] * self._dealt + list(self._settings)
        return f"cascade_sampler.sentence_transformers.batch_sampler({', '.join(named)})"

    def __call__(
        self, dataset: Any, batch_size: int, drop_last: bool, seed: int | None = 0, **others: Any
    ) -> CascadeBase:
        # What is left over, a generator and the names of label columns, is for samplers that draw otherwise.
        table = dataset if self._table is None else self._table
        chosen = {"index_dtype": "list", "seed": seed or 0, **self._settings}
        sampler: CascadeBase
        if self._dealt:
            # None of its batches is ever short.
            sampler = CascadeSampler(table, batch_size, **chosen)
        else:
            sampler = FlexibleBatchSampler(table, batch_size=batch_size, drop_last=drop_last, **chosen)
        rows = sampler._feed.plan.rows
        if rows != len(dataset):
            raise ValueError(
                f"table has {rows} rows, and the dataset {len(dataset)}: it must be the dataset's own, row by row; "
                "where an evaluation has another dataset, give both datasets the columns and leave table out"
            )
        processes = ranks.accelerate_processes()
        if processes > 1 and not drop_last and len(sampler) % processes:
            raise ValueError(
                f"{len(sampler)} batches do not divide among {processes} processes, and sentence-transformers would "
                "give some of them one more: set dataloader_drop_last=True"
            )
        return sampler
