"""One-shot tables for the tests."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


class Stream:
    """A table that has the Arrow stream interface, once, and nothing else."""

    def __init__(self, table: pa.Table) -> None:
        self.table: pa.Table | None = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        assert self.table is not None, "the stream is asked for a second time"
        table, self.table = self.table, None
        return table.__arrow_c_stream__(requested_schema)
