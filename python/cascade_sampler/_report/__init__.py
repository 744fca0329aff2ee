"""An audit as a person reads it: a page of its own, a piece of a notebook, a matplotlib figure."""

from cascade_sampler._report.figure import plot
from cascade_sampler._report.page import fragment, page

__all__ = ["fragment", "page", "plot"]
