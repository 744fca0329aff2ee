"""What `audit` returns: the numbers, and the ways to look at them, each loaded when it is asked for."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade_sampler._report.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Audit(Record):
    """What the batches of some epochs hold. Tables are columns, which any dataframe library takes.

    Labels are text, numbers or bools, the parts of a key of several columns joined by ``|``. Where experiments or
    conditions are not used, their label is None, and stands for all rows.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, which JSON takes."""
        return {field.name: copy.deepcopy(getattr(self, field.name)) for field in fields(self)}

    def __str__(self) -> str:
        from cascade_sampler._report import text

        return text.page(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from cascade_sampler._report import page

        return page.fragment(self)

    def plot(self) -> Figure:
        """Draw the audit with matplotlib, which comes with ``cascade-sampler[report]``.

        Returns
        -------
        matplotlib.figure.Figure
            Shares asked and got, the first 200 batches, draws per row, rows seen over epochs, and pairs beside plain
            shuffling. It is none of pyplot's, so nothing has to be closed.

        Raises
        ------
        ImportError
            Where matplotlib is missing.
        """
        from cascade_sampler._report import figure

        return figure.plot(self)

    def html(self, path: str | os.PathLike[str], table: str | None = None) -> None:
        """Write the audit to a page that refers to nothing outside; needs no further library.

        Parameters
        ----------
        path : str or path
            Where to write; what is there is replaced.
        table : str, optional
            What the table is called, for the line below the title.
        """
        from cascade_sampler._report import page

        Path(path).write_text(page.page(self, table), encoding="utf-8")


# Under the name that users import: a pickle must not depend on which room the class is in.
Audit.__module__ = "cascade_sampler"
