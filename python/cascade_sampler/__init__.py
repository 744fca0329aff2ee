"""Which rows go into each training batch."""

from cascade_sampler._core import __version__
from cascade_sampler._samplers.flexible import FlexibleBatchSampler

__all__ = ["FlexibleBatchSampler", "__version__"]
