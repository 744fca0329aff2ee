"""Tables in files: what a CSV's fields mean, formats whatever the name says, and files that are damaged."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._tables.csv import Form
from cascade_sampler._tables.files import read

pytestmark = pytest.mark.frames


def column(path: Path, name: str = "k", **more: Any) -> list[Any]:
    return read(path, lambda names: [name], **more).column(name).to_pylist()


def written(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


FIELDS = [
    "01",
    "1",
    "1E2",
    "100",
    "true",
    "True",
    "NaN",
    "NA",
    "null",
    "2024-01-01",
    "00:30",
    " x",
    "-0",
    "0x1",
    "é",
    "1.50",
]


def test_labels_are_text_as_it_stands(tmp_path):
    for quote in ("", '"'):
        path = written(tmp_path, "k,c\n" + "".join(f"{quote}{field}{quote},1\n" for field in FIELDS))
        assert column(path) == FIELDS
    for fields in (["01", "1"], ["1E2", "100"], ["true", "false"], ["2024-01-01", "2024-1-1"], ["00:30", "1:00"]):
        path = written(tmp_path, "k,c\n" + "".join(f"{field},1\n" for field in fields * 300_00))
        assert set(column(path)) == set(fields)


def test_types_where_they_are_asked_for(tmp_path):
    path = written(tmp_path, "k,t\n01,1\n1,2\n")
    assert column(path, form=Form(typed=True)) == [1, 1]


def test_an_empty_field_is_missing(tmp_path):
    assert column(written(tmp_path, 'k,c\n,1\n"",2\na,3\n')) == [None, None, "a"]


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        (["1", "2.5", "1E1"], [1, 2.5, 10]),
        (["2024-01-01", "2024-01-02", "2024-01-01"], [0, 24, 0]),
        (["2024-01-01T00:30:00", "2024-01-01 02:00:00.5", "2024-01-01T00:30:00"], [0, 1.5 + 0.5 / 3600, 0]),
        (["2024-01-01T00:30:00Z", "2024-01-01T02:00:00+01:00", "2024-01-01T00:30:00Z"], [0, 0.5, 0]),
        (["9999-01-01", "0001-01-01", "9999-01-01"], [87640128.0, 0, 87640128.0]),
        (["00:30", "1:00", "26:15:30"], [0.5, 1, 26 + 15.5 / 60]),
        (["1 days 02:00:00", "-1 days +23:00:00", "0 days 00:00:00.500000"], [26, -1, 0.5 / 3600]),
        (["1 day, 2:00:00", "2:00:00", "-0:30"], [26, 2, -0.5]),
    ],
)
def test_times_are_numbers_dates_or_durations(tmp_path, fields, hours):
    path = written(tmp_path, "k,t\n" + "".join(f'a,"{field}"\n' for field in fields * 10))
    table = read(path, lambda names: ["k", "t"], times=["t"])
    arguments = {"experiment_key": "k", "condition_balanced": False, "time_key": "t", "temporal_enrichment": True}
    found = FlexibleBatchSampler(table, 5, **arguments).epoch_batches()
    expected = {"k": ["a"] * 30, "t": np.array(hours * 10, dtype=float)}
    assert np.array_equal(found, FlexibleBatchSampler(expected, 5, **arguments).epoch_batches())


@pytest.mark.parametrize("fields", [["1", "00:30"], ["noon", "1:00"], ["2024-01-01", "5"], ["1:75"], ["true"], ["-"]])
def test_what_is_no_time_is_shown(tmp_path, fields):
    path = written(tmp_path, "k,t\n" + "".join(f"a,{field}\n" for field in fields))
    with pytest.raises(ValueError, match=r"column 't' holds '.*', which is no time"):
        read(path, lambda names: ["k", "t"], times=["t"])


def test_missing_times_stay_missing(tmp_path):
    for fields in (["1", "", "2"], ["2024-01-01", "", "2024-01-02"], ["1:00", "", "2:00"]):
        table = read(written(tmp_path, "k,t\n" + "".join(f"a,{f}\n" for f in fields)), lambda names: ["t"], times=["t"])
        assert table.column("t").null_count == 1


@pytest.mark.parametrize("rows", [6, 60_000])
@pytest.mark.parametrize("end", [".csv", ".csv.gz"])
def test_line_breaks_in_quotes(tmp_path, rows, end):
    path = tmp_path / f"a{end}"
    opened = gzip.open(path, "wt", newline="") if end.endswith("gz") else path.open("w", newline="")
    with opened as stream:
        out = csv.writer(stream)
        out.writerow(["k", "remark"])
        out.writerows([f"p{row % 2}\nq", 'first line\r\nsecond "line", with comma'] for row in range(rows))
    assert column(path) == ["p0\nq", "p1\nq"] * (rows // 2)


def test_a_field_longer_than_a_block(tmp_path):
    path = written(tmp_path, "k,remark\n" + "".join(f'p{row},"{"x" * 2_000_000}"\n' for row in range(3)))
    assert column(path) == ["p0", "p1", "p2"]
    assert column(written(tmp_path, "k\n" + "x" * 3_000_000 + "\n")) == ["x" * 3_000_000]


def test_encodings(tmp_path):
    text = "k,größe\ncafé,1\ntea,2\n"
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-8-sig", "UTF-8", "utf8"):
        path = written(tmp_path, text.encode(encoding))
        assert column(path, form=Form(encoding=encoding)) == ["café", "tea"]
        assert column(path, "größe", form=Form(encoding=encoding)) == ["1", "2"]
    for content, guess in (
        (text.encode("latin-1"), "latin-1"),
        (text.encode("utf-16"), "utf-16"),
        ("k,c\nétè,1\n".encode("latin-1"), "latin-1"),
        ("k,c\n5 €,1\n".encode("cp1252"), "cp1252"),
        ("k,c\n“a”é,1\n".encode("cp1252"), "cp1252"),
    ):
        for typed in (False, True):
            with pytest.raises(
                ValueError, match=rf"a\.csv is not encoded in utf-8: give its encoding, for instance {guess}"
            ):
                column(written(tmp_path, content), form=Form(typed=typed))
    with pytest.raises(ValueError, match="encoding must be one that Python knows"):
        column(written(tmp_path, text), form=Form(encoding="latin-99"))


def test_a_process_ends_after_files_that_cannot_be_read(tmp_path):
    ragged = "".join(f"{row},{row}\n" for row in range(100_000)) + "1\n"
    contents = {
        "ragged": "k,n\n" + ragged,
        "latin": "k\n" + "caf\xe9\n" * 100_000,
        "long": "k\n" + "x" * 3_000_000 + "\n",
    }
    paths = [str(written(tmp_path, text.encode("latin-1"), f"{name}.csv")) for name, text in contents.items()]
    program = f"""
        import pathlib
        from cascade_sampler._tables.files import read
        for path in {paths}:
            try:
                read(pathlib.Path(path), lambda names: ["k"])
            except ValueError as error:
                print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.count("csv") == 2, done.stdout


def test_delimiters(tmp_path):
    for end in (".tsv", ".tab"):
        assert column(written(tmp_path, "k\tc\na,b\t1\n", f"a{end}")) == ["a,b"]
    assert column(written(tmp_path, "k;c\na,b;1\n"), form=Form(delimiter=";")) == ["a,b"]
    assert column(written(tmp_path, "k\tc\na\t1\n"), form=Form(delimiter="tab")) == ["a"]
    for delimiter in ("", ";;", '"', "\n", "é"):
        with pytest.raises(ValueError, match="delimiter must be one character"):
            column(written(tmp_path, "k;c\na;1\n"), form=Form(delimiter=delimiter))


def test_a_header_that_names_a_column_twice(tmp_path):
    path = written(tmp_path, "k,c,c\na,1,2\n")
    assert column(path) == ["a"]
    with pytest.raises(ValueError, match=r"a\.csv has 2 columns named 'c': rename all but one"):
        column(path, "c")
    pyarrow.parquet.write_table(pa.table([[1], [2], [3]], names=["k", "c", "c"]), tmp_path / "a.parquet")
    pyarrow.feather.write_feather(pa.table([[1], [2], [3]], names=["k", "c", "c"]), tmp_path / "a.feather")
    for name in ("a.parquet", "a.feather"):
        assert column(tmp_path / name) == [1]
        with pytest.raises(ValueError, match=rf"{name} has 2 columns named 'c'"):
            column(tmp_path / name, "c")


def test_a_file_that_unpacks_without_end(tmp_path):
    path = written(tmp_path, gzip.compress(b"k\n" + b"a\n" * 10_000_000), "a.csv.gz")
    with pytest.raises(ValueError, match=r"a\.csv.gz is longer than 1000 bytes unpacked"):
        column(path, form=Form(most_bytes=1000))
    assert len(column(path)) == 10_000_000


TABLE = pa.table({"x": [[1]] * 40, "k": pa.array(["a", "b", None, "c"] * 10).dictionary_encode(), "c": range(40)})


@pytest.mark.parametrize("name", ["a.arrow", "a.feather", "a.ipc"])
@pytest.mark.parametrize("form", ["file", "stream", "lz4"])
def test_arrow_in_either_format(tmp_path, name, form):
    path = tmp_path / name
    if form == "lz4":
        pyarrow.feather.write_feather(TABLE, path, compression="lz4")
    else:
        with path.open("wb") as stream, getattr(pa.ipc, f"new_{form}")(stream, TABLE.schema) as writer:
            writer.write_table(TABLE, max_chunksize=7)
    table = read(path, lambda names: ["c", "k"])
    assert table.schema.names == ["c", "k"]
    assert table.column("k").to_pylist() == ["a", "b", None, "c"] * 10


@pytest.mark.parametrize("end", [".arrow", ".stream.arrow", ".parquet"])
def test_damaged_files_are_one_clear_error(tmp_path, end):
    path = tmp_path / f"a{end}"
    table = pa.table({"k": pa.array(["plate_1", "plate_2"] * 500).dictionary_encode(), "c": ["x", "yy"] * 500})
    if end == ".parquet":
        pyarrow.parquet.write_table(table, path, compression="none")
    else:
        make = pa.ipc.new_stream if "stream" in end else pa.ipc.new_file
        with path.open("wb") as stream, make(stream, table.schema) as writer:
            writer.write_table(table)
    content = path.read_bytes()
    random = np.random.default_rng(5)
    refused, kinds = 0, set()
    for _ in range(150):
        damaged = np.frombuffer(content, dtype=np.uint8).copy()
        places = random.integers(0, len(damaged), 8)
        damaged[places] ^= random.integers(1, 256, 8).astype(np.uint8)
        path.write_bytes(damaged.tobytes())
        try:
            found = read(path, lambda names: [name for name in names if name in ("k", "c")])
            if found.num_rows:
                found.to_pylist()
        except (ValueError, OSError, MemoryError) as error:
            refused += 1
            kinds.add(type(error))
    assert refused > 20 and not any(kind.__name__ == "ArrowInvalid" for kind in kinds)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="is damaged, or no "):
        read(path, lambda names: list(names))


def test_what_other_libraries_write(tmp_path):
    values = ["p9", "p1", "p5"] * 4
    pl.DataFrame({"k": pl.Series(values, dtype=pl.Categorical)}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"k": values}).write_ipc(tmp_path / "a.arrow")
    pd.DataFrame({"k": values}).to_feather(tmp_path / "a.feather")
    pd.DataFrame({"k": values}).to_csv(tmp_path / "a.csv", index=False)
    for name in ("a.parquet", "a.arrow", "a.feather", "a.csv"):
        table = read(tmp_path / name, lambda names: ["k"])
        found = FlexibleBatchSampler(table, 4, experiment_key="k", condition_balanced=False)
        assert found.experiments == ("p1", "p5", "p9")


def test_categories_of_a_reader_are_named_where_a_state_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"k": pl.Series(["p9", "p1", "p5"] * 4, dtype=pl.Categorical)}).write_parquet(path)
    arguments = {"experiment_key": "k", "condition_balanced": False}
    samplers = [
        FlexibleBatchSampler(table, 4, **arguments)
        for table in (pl.read_parquet(path), pyarrow.parquet.read_table(path))
    ]
    assert np.array_equal(samplers[0].epoch_batches(), samplers[1].epoch_batches())
    by_category = FlexibleBatchSampler(
        pd.DataFrame({"k": pd.Categorical(["p9", "p1", "p5"] * 4, ["p9", "p1", "p5"])}), 4, **arguments
    )
    with pytest.raises(ValueError, match="a pandas Categorical is in the order of its categories"):
        by_category.load_state_dict(samplers[0].state_dict())
    with pytest.raises(ValueError, match=r"settings that the state was made with$"):
        FlexibleBatchSampler(pl.read_parquet(path), 5, **arguments).load_state_dict(samplers[0].state_dict())
