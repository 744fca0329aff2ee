"""Which dataframe library an object is of, without importing any."""

from __future__ import annotations

import sys
from typing import Any


def loaded(module: str) -> Any:
    """Return a module where something has imported it: only then can an object of its types exist."""
    return sys.modules.get(module)


def major(module: Any) -> int:
    """Return the first number of a library's version."""
    return int(module.__version__.partition(".")[0])


def library(values: Any) -> tuple[str, Any]:
    """Say whose column this is, "pandas", "polars", "pyarrow" or "numpy" for all else, and return it unwrapped."""
    if hasattr(values, "to_native") and loaded("narwhals"):
        values = values.to_native()
    pandas, polars, pyarrow = loaded("pandas"), loaded("polars"), loaded("pyarrow")
    if pandas and isinstance(values, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)):
        return "pandas", values
    if polars and isinstance(values, polars.Series):
        return "polars", values
    if pyarrow and isinstance(values, (pyarrow.ChunkedArray, pyarrow.Array)):
        return "pyarrow", values
    return "numpy", values
