"""What an index is built from piece by piece: files, datasets of Arrow, record batches. And in how much memory."""

from __future__ import annotations

import datetime
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from cascade_sampler import Index
from peak import peak_growth
from streams import Stream

ROWS = 500
RANDOM = np.random.default_rng(3)
TABLE = pa.table(
    {
        "plate": pa.array([["b", "a", "é", "c"][n] for n in RANDOM.integers(0, 4, ROWS)]),
        "dose": RANDOM.integers(-2, 3, ROWS),
        "day": pa.array([datetime.date(2020, 1, 1 + n) for n in RANDOM.integers(0, 3, ROWS).tolist()]),
        "hours": RANDOM.integers(0, 40, ROWS) / 2,
        "wide": ["unused" * 10] * ROWS,
    }
)
KEYS: dict[str, Any] = {"experiment_key": ["plate", "day"], "condition_key": "dose", "time_key": "hours"}


def pieces(table: pa.Table = TABLE) -> list[pa.Table]:
    return [table.slice(0, 120), table.slice(120, 0), table.slice(120, 1), table.slice(121)]


def encoded(table: pa.Table) -> pa.Table:
    return table.set_column(0, "plate", table.column("plate").dictionary_encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, piece in enumerate(pieces()):
        # Texts, and texts in dictionaries of another order in each file.
        pq.write_table(encoded(piece) if number % 2 else piece, tmp_path / f"{number}.parquet", row_group_size=50)
    return tmp_path


def sources(folder: Path) -> dict[str, Any]:
    files = sorted(folder.iterdir())
    return {
        "folder": folder,
        "folder by name": str(folder),
        "files": files,
        "dataset": pa.dataset.dataset(folder),
        "batches": iter(TABLE.to_batches(37)),
        "batches of dictionaries": (batch for piece in pieces() for batch in encoded(piece).to_batches(20)),
        "tables": pieces(),
        "reader": TABLE.to_reader(50),
        "stream": Stream(TABLE),
        "table": TABLE,
        "pandas": TABLE.to_pandas(),
    }


@pytest.mark.parametrize(
    "name",
    ["folder", "folder by name", "files", "dataset", "batches", "batches of dictionaries", "tables", "reader", "stream",
     "table", "pandas"],
)  # fmt: skip
def test_all_ways_give_the_same_index(folder, name):
    told: list[tuple[int, int | None]] = []
    found = Index(sources(folder)[name], **KEYS, progress=lambda done, rows: told.append((done, rows)))
    assert found == Index(TABLE, **KEYS)
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == ROWS
    assert {rows for _, rows in told} <= {None, ROWS}
    if "folder" in name or name in ("files", "dataset", "table"):
        assert told[-1][1] == ROWS


def test_files_of_other_formats_are_read_whole(tmp_path):
    TABLE.to_pandas().to_csv(tmp_path / "a.csv", index=False)
    found = Index([tmp_path / "a.csv"], experiment_key="plate", time_key="hours")
    assert found == Index(TABLE, experiment_key="plate", time_key="hours")
    with pytest.raises(KeyError, match="experiment_key: table has no column 'plat'; the nearest is 'plate'"):
        Index(tmp_path / "a.csv", experiment_key="plat")


def test_names_of_folders_are_columns(tmp_path):
    for plate in ("p=1", "p=2"):
        (tmp_path / plate).mkdir()
        pq.write_table(TABLE.slice(0, 10), tmp_path / plate / "x.parquet")
    assert Index(tmp_path, experiment_key="p").sizes == {"1": 10, "2": 10}
    assert Index(tmp_path, experiment_key="p", condition_key="dose").rows == 20
    assert Index(tmp_path / "p=2", experiment_key="p").experiments == ("2",)
    assert Index(tmp_path, condition_key="dose", time_key="p").rows == 20
    pq.write_table(pa.table({"p": [1], "dose": [1]}), tmp_path / "p=1" / "x.parquet")
    with pytest.raises(ValueError, match="has a column 'p', and its folder's name gives one too"):
        Index(tmp_path, experiment_key="p")


def test_without_keys_rows_are_counted(folder):
    for source in (folder, pa.dataset.dataset(folder), TABLE.to_reader(), iter(TABLE.to_batches())):
        assert (Index(source).rows, Index(TABLE).experiments) == (ROWS, ())


def test_missing_labels_are_counted_over_all_pieces(tmp_path):
    table = pd.DataFrame({"k": [None if row % 3 == 0 else "a" for row in range(99)]})
    for number in range(3):
        table[number * 33 : number * 33 + 33].to_parquet(tmp_path / f"{number}.parquet")
    with pytest.raises(ValueError, match="column 'k' has 33 rows without a label"):
        Index(tmp_path, experiment_key="k")
    assert Index(tmp_path, experiment_key="k", missing="exclude").kept == 66


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            TABLE.drop_columns("dose"),
            "1.parquet does not fit .*0.parquet: its column 'dose' is none, and there it is int64",
        ),
        (TABLE.set_column(1, "dose", TABLE.column("plate")), "its column 'dose' is string, and there it is int64"),
    ],
)
def test_files_that_differ_in_their_columns(tmp_path, other, said):
    pq.write_table(TABLE, tmp_path / "0.parquet")
    pq.write_table(other, tmp_path / "1.parquet")
    with pytest.raises(ValueError, match=said):
        Index(tmp_path, condition_key="dose")


def test_damaged_files(folder):
    (folder / "2.parquet").write_bytes((folder / "2.parquet").read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"2\.parquet is damaged, or no Parquet file"):
        Index(folder, experiment_key="plate")
    with pytest.raises(FileNotFoundError):
        Index(folder / "nothing.parquet", experiment_key="plate")
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="has no files"):
        Index(folder / "empty", experiment_key="plate")


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        (lambda: iter([]), ValueError, "yields no record batches"),
        (lambda: iter([1]), TypeError, "must yield record batches of pyarrow, got a int"),
        (
            lambda: iter([*TABLE.to_batches(), *TABLE.drop_columns("wide").to_batches()]),
            ValueError,
            "different columns",
        ),
        (lambda: iter(TABLE.slice(0, 0).to_reader()), ValueError, "no"),
        (lambda: [], TypeError, "table must be"),
        (lambda: ["a", 3], TypeError, "table must be"),
    ],
)
def test_what_yields_no_table(source, kind, said):
    with pytest.raises(kind, match=said):
        Index(source(), experiment_key="plate")


def test_an_error_of_progress_ends_the_reading(folder):
    def stop(done: int, rows: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Index(folder, experiment_key="plate", progress=stop)


def test_pieces_are_let_go_of():
    prepare = """
        from cascade_sampler import Index
        names = [f"label {n}" for n in range(256)]
        def batches(rows=rows):
            for start in range(0, rows, 1 << 17):
                count = min(1 << 17, rows - start)
                columns = [pa.DictionaryArray.from_arrays(np.arange(count, dtype=np.int32) % 256, names) for _ in range(2)]
                yield pa.RecordBatch.from_arrays(columns, ["e", "c"])
        Index(batches(1 << 18), experiment_key="e", condition_key="c")
    """
    indented = textwrap.indent(textwrap.dedent(prepare), " " * 8).strip()
    # 2 bytes a row of each key with more than 127 labels, and 4 of the rows.
    assert peak_growth(indented, 'Index(batches(), experiment_key="e", condition_key="c")') < 12
