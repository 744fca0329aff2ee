"""Which rows go into each training batch."""

import typing as _typing

from cascade_sampler._core import __version__

if _typing.TYPE_CHECKING:
    from cascade_sampler._index.index import Index
    from cascade_sampler._report.audit import Audit
    from cascade_sampler._report.origins import Origins
    from cascade_sampler._samplers.cascade import CascadeSampler
    from cascade_sampler._samplers.flexible import FlexibleBatchSampler
    from cascade_sampler._samplers.ranks import RanksWarning

__all__ = ["Audit", "CascadeSampler", "FlexibleBatchSampler", "Index", "Origins", "RanksWarning", "__version__"]

# What is not asked for is not imported: the command answers --help without torch, and training without the report.
_ROOMS = {
    "Audit": "cascade_sampler._report.audit",
    "CascadeSampler": "cascade_sampler._samplers.cascade",
    "FlexibleBatchSampler": "cascade_sampler._samplers.flexible",
    "Index": "cascade_sampler._index.index",
    "Origins": "cascade_sampler._report.origins",
    "RanksWarning": "cascade_sampler._samplers.ranks",
}


def __getattr__(name: str) -> _typing.Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    globals()[name] = found = getattr(importlib.import_module(_ROOMS[name]), name)
    return found


def __dir__() -> list[str]:
    return __all__
