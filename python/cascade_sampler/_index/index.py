"""The class that users have."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from cascade_sampler import _core
from cascade_sampler._index import metadata
from cascade_sampler._index.build import build
from cascade_sampler._index.digests import digest, digests, share
from cascade_sampler._index.facts import FEATURES, Facts, Missing, NamedLabels
from cascade_sampler._index.files import Columns
from cascade_sampler._index.labels import told
from cascade_sampler._index.sources import Progress, open_source
from cascade_sampler._tables.listing import Listing
from cascade_sampler._tables.names import key_columns
from cascade_sampler._tables.shown import count, shown, visible

_MISSING = ("error", "exclude")


class Index:
    """What a table says about its rows, read once, for any number of samplers.

    An index knows which rows are of which experiment, condition and time. It is made from a table, and a sampler takes
    it in the place of the table: it is then there at once, and all samplers of an index share its memory. `save` keeps
    it in a file. `Index.open` maps such a file, so that all processes of a machine share one copy. An index never
    changes.

    Parameters
    ----------
    table : table, path or list of paths, dataset, iterator of record batches
        What a sampler takes; and what may be larger than memory, which is read piece by piece: parquet files and
        folders of them, a pyarrow dataset, or an iterator of pyarrow's record batches. CSV, Arrow and Feather files are
        read whole. Only the columns that the keys name are read, and the table is not kept.
    experiment_key : str or list of str, optional
        Column, or columns, that name a row's experiment. Default: all rows are one experiment.
    condition_key : str or list of str, optional
        Column, or columns, that name a row's condition. Default: there are no conditions.
    time_key : str, optional
        Column of the times: numbers of hours, dates with times, or durations.
    missing : {"error", "exclude"}, default "error"
        What to do about rows without an experiment, a condition or a time (null, NaN, NaT) where these are named:
        refuse the table, or leave such rows out of everything but the numbering of the rows.
    progress : callable, optional
        Is called after each piece with the rows that are read and with those in all, None where nobody knows.

    Raises
    ------
    TypeError
        For an argument of the wrong type, a table that is none or lazy, labels that do not sort, times of a type that
        is none.
    ValueError
        For an empty table, missing labels or times, infinite times, files that are damaged or differ in their columns.
    KeyError
        For a column that the table does not have; it is a ValueError, too.
    MemoryError
        Where the row numbers do not fit into memory: 4 bytes a row, and 3 to 19 more with times. While pieces are read
        each key takes 1 more byte a row for up to 127 labels, and 2 for up to 32,767.

    Notes
    -----
    Ctrl-C is answered between pieces, and while rows are sorted.

    Examples
    --------
    >>> table = {"plate": ["a"] * 6 + ["b"] * 6, "dose": ["x", "y"] * 6}
    >>> index = Index(table, experiment_key="plate", condition_key="dose")
    >>> index.experiments, index.rows
    (('a', 'b'), 12)
    >>> from cascade_sampler import CascadeSampler
    >>> len(CascadeSampler(index, 4))
    4
    """

    def __init__(
        self,
        table: Any,
        *,
        experiment_key: str | list[str] | None = None,
        condition_key: str | list[str] | None = None,
        time_key: str | None = None,
        missing: Missing = "error",
        progress: Progress | None = None,
    ) -> None:
        if isinstance(table, Index):
            raise TypeError("table is an index already: pass it to a sampler, or a table to build another one from")
        experiments = () if experiment_key is None else key_columns("experiment_key", experiment_key)
        conditions = () if condition_key is None else key_columns("condition_key", condition_key)
        time = None if time_key is None else _one("time_key", time_key)
        if not isinstance(missing, str) or missing not in _MISSING:
            raise ValueError(f"missing must be one of 'error', 'exclude', got {visible(repr(missing))}")
        arguments = dict.fromkeys(experiments, "experiment_key")
        arguments.update({name: "condition_key" for name in conditions if name not in arguments})
        if time is not None:
            arguments.setdefault(time, "time_key")
        core, facts = build(
            open_source(table, Columns(arguments, time), progress),
            "table",
            experiments,
            conditions,
            time,
            missing=missing,
            listed=(_is_list(experiment_key), _is_list(condition_key)),
            instead={},
        )
        self._set(core, facts)

    def _set(self, core: _core.Index, facts: Facts) -> None:
        self._core: _core.Index = core
        self._facts: Facts = facts
        self._experiments = _with_rows(facts.experiments, core.experiment_labels)
        self._conditions = _with_rows(facts.conditions, core.condition_labels)
        self._fingerprint: str | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, verify: bool = False, copy: bool = False) -> Index:
        """Open the file of an index.

        Parameters
        ----------
        path : path
            From `save`.
        verify : bool, default False
            Whether all of the file is read and compared with its checksums. Otherwise a file that was changed may give
            other rows, but never a number that is no row's.
        copy : bool, default False
            Whether the file is read into memory. Otherwise it is mapped: it must then not be written to, nor cut
            short, while the index is in use. Replacing it by another file is safe, and `save` does that.

        Returns
        -------
        Index

        Raises
        ------
        ValueError
            For a file that is none of an index, is damaged, or of another version.
        OSError
            For a file that cannot be read.
        """
        _check_bool("verify", verify)
        _check_bool("copy", copy)
        return of(_core.open_index(os.fspath(path), bool(verify), bool(copy)))

    def save(self, path: str | os.PathLike[str], *, for_leak: bool = False) -> None:
        """Write the index to a file, which `Index.open` opens.

        The file is written beside its place and then put there, so that a process that is killed leaves the old one.

        Parameters
        ----------
        path : path
            A file that is there is replaced.
        for_leak : bool, default False
            Whether the file has a second list of the rows, of 4 bytes a row: `FlexibleBatchSampler` with leak and
            conditions needs it, and each process makes its own where the file has none. It is written in any case if
            such a sampler was made over this index before.

        Raises
        ------
        ValueError
            For a label that cannot be kept. Text, bytes, numbers, bools, dates, times, durations and tuples of these
            can.
        OSError
            For a file that cannot be written.
        """
        _check_bool("for_leak", for_leak)
        self._core.save(os.fspath(path), metadata.written(self._core, self._facts), bool(for_leak))

    def without(self, *features: str) -> Index:
        """Return this index without some of its features, for samplers that do without them; it shares the memory.

        Parameters
        ----------
        *features : {"experiment_key", "condition_key", "time_key"}
            What to leave out; one that the index lacks changes nothing.

        Returns
        -------
        Index

        Raises
        ------
        ValueError
            Where rows would have to be sorted anew: for conditions without experiments, and for times without a key
            that they were sorted with. Build an index of the table then.
        """
        for feature in features:
            if feature not in FEATURES:
                raise ValueError(f"features must be {', '.join(map(repr, FEATURES))}, got {visible(repr(feature))}")
        gone = [feature for feature in features if self._facts.key(feature) is not None]
        if not gone:
            return self
        try:
            core = self._core.only(
                experiments="experiment_key" not in gone,
                conditions="condition_key" not in gone,
                times="time_key" not in gone,
            )
        except ValueError:
            # Times can always go.
            here = self._facts.without([feature for feature in gone if feature == "time_key"])
            sorting = " and ".join(feature for feature in gone if feature != "time_key")
            raise ValueError(
                f"{sorting} cannot be left out of an index with {_listed(here)}, whose rows are sorted by it: "
                f"build one with {building(here.without(gone))}"
            ) from None
        share(self._core, core)
        return made(core, self._facts.without(gone))

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self._core.rows

    @property
    def kept(self) -> int:
        """Rows that samplers draw from: those that ``missing="exclude"`` did not leave out."""
        return self._core.kept

    @property
    def experiments(self) -> tuple[Any, ...]:
        """Labels of the experiments, in order; empty where there is no `experiment_key`."""
        return self._experiments.all()

    @property
    def conditions(self) -> tuple[Any, ...]:
        """Labels of the conditions, in order; empty where there is no `condition_key`."""
        return self._conditions.all()

    @property
    def sizes(self) -> Mapping[Any, int]:
        """Rows of each experiment by its label; empty where there is no `experiment_key`."""
        return MappingProxyType(dict(zip(self.experiments, self._core.sizes.tolist(), strict=False)))

    @property
    def cells(self) -> dict[str, Any]:
        """Experiment, condition and number of rows of each cell that has rows, as columns for any dataframe library.

        A column for what there is no key for is left out. ``pandas.DataFrame(index.cells)`` is a table of them.
        """
        if not self._core.has_conditions:
            named = {"experiment": list(self.experiments)} if self._core.has_experiments else {}
            return {**named, "rows": self._core.sizes}
        of_experiment, of_condition, rows = self._core.cells()
        columns: dict[str, Any] = {}
        for name, labels, places in (
            ("experiment", self.experiments, of_experiment),
            ("condition", self.conditions, of_condition),
        ):
            if labels:
                columns[name] = [labels[place] for place in places.tolist()]
        return {**columns, "rows": rows}

    @property
    def experiment_key(self) -> str | list[str] | None:
        """Column, or columns, that name a row's experiment; None where there are none."""
        return self._facts.key("experiment_key")  # type: ignore[no-any-return]

    @property
    def condition_key(self) -> str | list[str] | None:
        """Column, or columns, that name a row's condition; None where there are none."""
        return self._facts.key("condition_key")  # type: ignore[no-any-return]

    @property
    def time_key(self) -> str | None:
        """Column of the times; None where there are none."""
        return self._facts.key("time_key")  # type: ignore[no-any-return]

    @property
    def missing(self) -> Missing:
        """What became of rows without a label or a time: "error" or "exclude"."""
        return self._facts.missing

    @property
    def nbytes(self) -> int:
        """Bytes of this process's own memory that the rows take; those of a file that is mapped are not among them."""
        return self._core.nbytes

    @property
    def fingerprint(self) -> str:
        """Text that is the same for equal indexes, and different for others.

        The first call passes over the rows; of an index that was opened, the file has what it takes.
        """
        if self._fingerprint is None:
            facts = self._facts
            content: list[Any] = [
                self.rows,
                facts.missing,
                [facts.columns(feature) and [*map(told, facts.columns(feature))] for feature in FEATURES],
                [*map(told, self.experiments)],
                [*map(told, self.conditions)],
                digests(self._core),
            ]
            if not self._core.has_experiments and (left_out := digest(self._core.experiment_positions())):
                # Nothing else says which rows are left out.
                content.append(left_out)
            text = json.dumps(content, sort_keys=True)
            self._fingerprint = hashlib.sha256(text.encode()).hexdigest()[:32]
        return self._fingerprint

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Index):
            return NotImplemented
        return self is other or (self.rows == other.rows and self.fingerprint == other.fingerprint)

    def __hash__(self) -> int:
        # Of what is at hand: equal indexes have it in common.
        return hash((self.rows, self.kept, self._core.sizes.tobytes()))

    def __repr__(self) -> str:
        rows = f"{self.rows:,} rows" if self.kept == self.rows else f"{self.kept:,} of {self.rows:,} rows"
        parts = [count(1, "row") if self.rows == 1 else rows]
        for feature, labels, one in (
            ("experiment_key", self._core.experiment_labels, "experiment"),
            ("condition_key", self._core.condition_labels, "condition"),
        ):
            if self._facts.key(feature) is not None:
                parts.append(f"{feature}={self._facts.key(feature)!r}: {count(len(labels), one)}")
        if self.time_key is not None:
            parts.append(f"time_key={self.time_key!r}")
        if self._core.path is not None:
            parts.append(f"opened from {str(self._core.path)!r}")
        return f"Index({'; '.join(parts)})"

    def __copy__(self) -> Index:
        return self

    def __deepcopy__(self, memo: Any) -> Index:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._core.metadata is None:
            return made, (self._core, self._facts)
        gone = [feature for feature in FEATURES if self._facts.key(feature) is None]
        return of, (self._core, gone)


# Under the name that users import: a pickle must not depend on which room the class is in.
Index.__module__ = "cascade_sampler"


def made(core: _core.Index, facts: Facts) -> Index:
    """Return an index of its two halves."""
    index = Index.__new__(Index)
    index._set(core, facts)
    return index


def of(core: _core.Index, gone: Sequence[str] = ()) -> Index:
    """Return the index of a core that was opened, or of one that does without some features of it."""
    return made(core, metadata.read(core, gone))


def building(facts: Facts, table: str = "table") -> str:
    """Return the call that builds an index of some features."""
    keys = [f"{name}={_code(facts.key(name))}" for name in FEATURES if facts.key(name) is not None]
    return f"Index({', '.join([table, *keys])})"


def _code(key: Any) -> str:
    return f"[{', '.join(map(shown, key))}]" if isinstance(key, list) else shown(key)


def _listed(facts: Facts) -> str:
    keys = [f"{name}={_code(facts.key(name))}" for name in FEATURES if facts.key(name) is not None]
    return " and ".join(keys)


def _with_rows(named: NamedLabels | None, numbers: Any) -> Listing:
    if named is None:
        return Listing(())
    # Rows that are left out may have been the only ones of a label. Numbers ascend.
    return named.labels if len(numbers) == len(named.labels) else named.labels.take(numbers)


def _check_bool(name: str, value: Any) -> None:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {visible(repr(value))} ({type(value).__name__})")


def _is_list(key: Any) -> bool:
    return not isinstance(key, str) and isinstance(key, Sequence)


def _one(argument: str, value: Any) -> Any:
    columns = key_columns(argument, [value] if isinstance(value, tuple) else value)
    if isinstance(value, list) or len(columns) > 1:
        raise TypeError(f"{argument} must be the name of one column, got {visible(repr(value))}")
    return columns[0]
