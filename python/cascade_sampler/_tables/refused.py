"""What is often taken for a table and is none, and what to pass in its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cascade_sampler._tables.libraries import loaded
from cascade_sampler._tables.shown import listed, shown


def refuse(source: Any, argument: str, accepted: str) -> None:
    """Raise a TypeError for what is no table but holds one, or is lazy, and a ValueError for several tables in one."""
    kind = type(source).__name__
    torch = loaded("torch")
    if torch and isinstance(source, torch.utils.data.Sampler):
        raise TypeError(
            f"{argument} must be {accepted}, got the sampler {kind}: a framework has rebuilt the "
            "batch sampler around one of its own. Lightning: pass Trainer(use_distributed_sampler=False); "
            "trainer.predict rebuilds even so, there take DataLoader(dataset, sampler=sampler, batch_size=None). "
            "Trainer(overfit_batches=2) does too: give the loader batch_sampler=[sampler.batch(k, epoch=0) for k in "
            "range(2)] instead"
        )
    if _is_path(source):
        path = shown(os.fspath(source))
        raise TypeError(
            f"{argument} must be {accepted}, got the path {path}: pass cascade_sampler.Index.open({path}) if that is "
            f"the file of an index, or cascade_sampler.Index({path}, experiment_key=...) if it is a table"
        )
    if isinstance(source, (list, tuple)) and source and all(map(_is_path, source)):
        raise TypeError(
            f"{argument} must be {accepted}, got a {kind} of texts or paths: if they are files of one table, pass "
            f"cascade_sampler.Index({argument}, experiment_key=...)"
        )
    if isinstance(source, Mapping) and type(source).__module__.partition(".")[0] == "datasets":
        raise ValueError(
            f"{argument} holds several tables ({kind}), and a sampler takes one: choose a split, for "
            f"instance {argument}[{_first(source)}]; its splits are {listed(list(source))}"
        )
    if not isinstance(source, Mapping) and all(hasattr(source, name) for name in ("obs", "obs_names", "n_obs")):
        raise TypeError(f"{argument} must be a table, got {kind}: pass its table of observations, {argument}.obs")
    if isinstance(source, (list, tuple)) and source and all(isinstance(row, Mapping) for row in source[:10]):
        raise TypeError(
            f"{argument} is a {kind} of rows, and must be {accepted}: pass "
            f"{{name: [row[name] for row in {argument}] for name in ({_some(source[0])})}}"
        )
    if isinstance(source, Mapping) and source and all(isinstance(row, Mapping) for row in source.values()):
        raise TypeError(
            f"{argument} is a mapping of mappings, and must be one of column names to one-dimensional arrays; if "
            f"each is a row, pass {{name: [row[name] for row in {argument}.values()] for name in "
            f"({_some(next(iter(source.values())))})}}"
        )
    fields = getattr(getattr(source, "dtype", None), "names", None)
    if isinstance(fields, tuple):
        raise TypeError(
            f"{argument} is a structured array, and must be {accepted}: pass "
            f"{{name: {argument}[name] for name in ({_some(fields)})}}"
        )
    if type(source).__name__ == "IterableDataset" and type(source).__module__.partition(".")[0] == "datasets":
        raise TypeError(
            f"{argument} is a stream of rows, whose number nobody knows, and must be {accepted}: pass a Hugging Face "
            "Dataset, such as load_dataset(..., streaming=False) gives"
        )
    if _is_lazy(source):
        raise TypeError(
            f"{argument} is lazy ({type(source).__module__}.{kind}): collect it first, "
            "for instance with .collect() or .compute(), and hand over the result"
        )
    if not isinstance(source, Mapping) and not _is_table(source) and callable(getattr(source, "keys", None)):
        raise TypeError(
            f"{argument} must be {accepted}, got {kind}: pass "
            f"{{name: {argument}[name] for name in ({_some(source.keys())})}}"
        )


def _is_path(source: Any) -> bool:
    return isinstance(source, (str, os.PathLike))


def _is_table(source: Any) -> bool:
    return type(source).__module__.partition(".")[0] in ("pandas", "polars") or any(
        hasattr(source, name) for name in ("__arrow_c_stream__", "to_native", "column_names")
    )


def _is_lazy(source: Any) -> bool:
    polars = loaded("polars")
    if polars and isinstance(source, polars.LazyFrame):
        return True
    if isinstance(source, Mapping) or hasattr(source, "__arrow_c_stream__"):
        return False
    source = source.to_native() if loaded("narwhals") and hasattr(source, "to_native") else source
    return (polars is not None and isinstance(source, polars.LazyFrame)) or (
        not _is_table(source) and any(callable(getattr(source, name, None)) for name in ("collect", "compute"))
    )


def _first(names: Any) -> str:
    return listed(list(names)[:1]) or "'train'"


def _some(names: Any) -> str:
    found = list(names)
    return ", ".join([listed(found[:3])] + ["..."] * (len(found) > 3)) + ("," if len(found) == 1 else "")
