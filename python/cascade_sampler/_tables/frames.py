"""Columns as a frame of the library that the user works with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cascade_sampler._tables.libraries import loaded


def library_of(source: Any) -> str | None:
    """Return the name of the library that a table is of: "pandas", "polars" or "pyarrow"; None for a mapping.

    What is read through the Arrow stream interface counts as pyarrow's.
    """
    if loaded("narwhals") and hasattr(source, "to_native"):
        source = source.to_native()
    if isinstance(source, Mapping):
        return None
    owner = type(source).__module__.partition(".")[0]
    return owner if owner in ("pandas", "polars") else "pyarrow"


def frame(columns: dict[str, Any], library: str | None) -> Any:
    """Return columns as a frame of `library`, or as they are where that is None."""
    if library is None:
        return columns
    if library == "pandas":
        import pandas

        return pandas.DataFrame(columns)
    if library == "polars":
        import polars

        return polars.DataFrame(columns)
    import pyarrow

    return pyarrow.table(columns)
