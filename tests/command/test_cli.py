"""The command: in this process where that tells the same, and as a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas
import pytest

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._command.main import main

ENDS = [".csv", ".csv.gz", ".parquet", ".arrow", ".feather"]
random = np.random.default_rng(0)
FRAME = pandas.DataFrame(
    {
        "experiment": random.integers(0, 4, 2000),
        "condition": random.choice(["x", "y=1"], 2000),
        "plate": random.choice(["p", "q"], 2000),
        "hours": random.integers(0, 40, 2000) / 2,
        "unused": [object.__name__] * 2000,
    }
)


def run(*arguments, stdin=b""):
    """Run the command here, which spares importing torch each time."""
    streams = [io.TextIOWrapper(io.BytesIO(content), "utf-8") for content in (stdin, b"", b"")]
    kept = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        with pytest.raises(SystemExit) as left:
            main(list(map(str, arguments)))
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    written = []
    for stream in streams[1:]:
        stream.flush()
        written.append(stream.buffer.getvalue())
    return SimpleNamespace(
        returncode=left.value.code,
        raw=written[0],
        stdout=written[0].decode(errors="replace"),
        stderr=written[1].decode(),
    )


def process(*arguments, **options):
    """Run the command as a process."""
    return subprocess.run(
        [sys.executable, "-m", "cascade_sampler", *map(str, arguments)],
        **{"capture_output": True, "text": True, **options},
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def written(folder, end):
    path = folder / f"table{end}"
    if not path.exists():
        if end.startswith(".csv"):
            FRAME.to_csv(path, index=False)
        elif end == ".parquet":
            FRAME.to_parquet(path)
        else:
            FRAME.to_feather(path)
    return path


@pytest.mark.parametrize("end", ENDS)
def test_audit_of_each_kind_of_file(folder, end):
    done = run("audit", written(folder, end), "--leaky", 0.2, "--seed", 3, "--epochs", 2, "--json", "-", "--typed")
    assert done.returncode == 0, done.stderr
    sampler = FlexibleBatchSampler(FRAME, leaky=0.2, seed=3)
    assert json.loads(done.stdout) == json.loads(json.dumps(sampler.audit(2).to_dict()))


@pytest.mark.parametrize("end", ENDS)
def test_batches_of_each_kind_of_file(folder, end):
    out = folder / "epoch.rows"
    done = run("batches", written(folder, end), "--epoch", 2, "--out", out, "--index-dtype", "int32", "--typed")
    assert done.returncode == 0 and not done.stdout, done.stderr
    found = np.load(out)
    assert found.dtype == np.int32
    assert np.array_equal(found, FlexibleBatchSampler(FRAME).epoch_batches(2))


def test_every_option(folder):
    out = folder / "all.npy"
    done = run(
        "batches", written(folder, ".parquet"), "--batch-size", 64, "--experiment-key", "experiment", "--experiment-key",
        "plate", "--experiment-weights", "1|p=2", "--experiment-weights", "3|q=1", "--condition-ratio", "y=1=3",
        "--leaky", 0.25, "--seed", 9, "--num-batches", 20, "--temporal-enrichment", "--temporal-window-hours", 3,
        "--temporal-global-fraction", 0.5, "--time-key", "hours", "--missing", "exclude", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sampler = FlexibleBatchSampler(
        FRAME,
        64,
        experiment_key=["experiment", "plate"],
        experiment_weights={(1, "p"): 2.0, (3, "q"): 1.0},
        condition_ratio={"y=1": 3.0},
        leaky=0.25,
        seed=9,
        num_batches=20,
        temporal_enrichment=True,
        temporal_window_hours=3.0,
        temporal_global_fraction=0.5,
        time_key="hours",
    )
    assert np.array_equal(np.load(out), sampler.epoch_batches(0))


def test_without_keys(folder):
    out = folder / "plain.npy"
    off = ("--no-experiment-aware", "--no-condition-balanced")
    assert run("batches", written(folder, ".csv"), *off, "--out", out).returncode == 0
    sampler = FlexibleBatchSampler(FRAME, experiment_aware=False, condition_balanced=False)
    assert np.array_equal(np.load(out), sampler.epoch_batches(0))


def test_strict_and_the_text(folder):
    path = written(folder, ".parquet")
    found = run("audit", path, "--strict", "--leaky", 0.001)
    assert found.returncode == 1 and "serious: --leaky 0.001 leaks nothing" in " ".join(found.stdout.split())
    assert run("audit", path, "--leaky", 0.001).returncode == 0
    clean = run("audit", path, "--strict", "--leaky", 0.1, "--batch-size", 40)
    assert clean.returncode == 0, clean.stdout
    assert clean.stdout.rstrip() == str(FlexibleBatchSampler(FRAME, 40, leaky=0.1).audit())
    assert not clean.stderr


@pytest.mark.parametrize(
    ("columns", "serious", "notice"),
    [
        ({"experiment": np.arange(4000) % 4, "condition": np.arange(4000) // 4 % 2}, 0, 0),
        # A condition of one experiment is worth knowing, and no fault of the batches.
        ({"experiment": np.arange(4000) % 2, "condition": np.arange(4000) % 2}, 0, 1),
        ({"experiment": np.arange(4000) % 4, "condition": np.arange(4000) // 4 % 40}, 1, 1),
    ],
)
def test_strict_fails_on_what_is_serious_and_on_notices_where_asked(folder, columns, serious, notice):
    path = folder / "strict.parquet"
    pandas.DataFrame(columns).to_parquet(path)
    size = ("--batch-size", 100)
    assert run("audit", path, *size).returncode == 0
    assert run("audit", "--strict", path, *size).returncode == serious
    assert run("audit", "--strict=serious", path, *size).returncode == serious
    assert run("audit", "--strict=notice", path, *size).returncode == notice
    assert run("audit", *size, "--", path).returncode == 0


def test_tables_are_whole_at_80_columns(folder):
    path = folder / "long.parquet"
    names = np.array(["a_very_long_name_of_an_experiment_" * 3 + str(k) for k in range(30)] + ["板" * 60])
    rows = np.arange(31 * 200)
    pandas.DataFrame({"experiment": names[rows % 31], "condition": names[rows // 31 % 5]}).to_parquet(path)
    lines = run("audit", path, "--leaky", 0.2, "--batch-size", 50).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:1] == ["experiment"] and "usual range" in line for line in lines)
    assert any("…" in line and "%" in line for line in lines)


def test_standard_input_and_output(folder):
    content = written(folder, ".csv").read_bytes()
    wanted = run("audit", folder / "table.csv", "--json", "-").stdout
    assert run("audit", "-", "--json", "-", stdin=content).stdout == wanted
    tabs = content.replace(b",", b"\t")
    assert run("audit", "-", "--format", "tsv", "--json", "-", stdin=tabs).stdout == wanted
    for kind, end in (("parquet", ".parquet"), ("arrow", ".feather")):
        done = run("audit", "-", "--format", kind, "--json", "-", stdin=written(folder, end).read_bytes())
        assert json.loads(done.stdout) == json.loads(run("audit", written(folder, end), "--json", "-").stdout)
    rows = np.load(io.BytesIO(run("batches", "-", "--out", "-", stdin=content).raw))
    assert np.array_equal(rows, FlexibleBatchSampler(FRAME.astype({"experiment": str})).epoch_batches(0))
    page = run("audit", "-", "--html", "-", stdin=content)
    assert page.stdout.startswith("<!DOCTYPE html>") and "standard input, FlexibleBatchSampler" in page.stdout
    assert run("audit", "-", stdin=b"").stderr.startswith("cascade-sampler: ")


def test_delimiter_and_encoding(folder):
    frame = FRAME.assign(condition=np.where(FRAME.condition == "x", "Kälte", "Wärme"))
    frame.to_csv(folder / "german.csv", index=False, sep=";", encoding="latin-1")
    options = ("--delimiter", ";", "--encoding", "latin-1", "--json", "-")
    assert json.loads(run("audit", folder / "german.csv", *options).stdout)["conditions"]["label"] == ["Kälte", "Wärme"]
    done = run("audit", folder / "german.csv", "--delimiter", ";")
    assert done.returncode == 2 and "give its --encoding, for instance latin-1" in done.stderr
    frame.to_csv(folder / "german.tsv", index=False, sep="\t")
    assert "Wärme" in run("audit", folder / "german.tsv").stdout


def test_several_files_and_folders(folder):
    """Rows are counted on from file to file; folders called plate=p make a column."""
    parts = folder / "parts"
    for plate, part in FRAME.groupby("plate"):
        for number, half in enumerate((part[:300], part[300:])):
            (parts / f"plate={plate}").mkdir(parents=True, exist_ok=True)
            half.drop(columns="plate").to_parquet(parts / f"plate={plate}" / f"{number}.parquet")
    (parts / "_SUCCESS").write_text("")
    (parts / ".hidden.parquet").write_text("")
    whole = pandas.concat([FRAME[FRAME.plate == "p"], FRAME[FRAME.plate == "q"]])
    wanted = FlexibleBatchSampler(whole.reset_index(drop=True), experiment_key="plate").epoch_batches(0)
    out = folder / "parts.npy"
    done = run("batches", parts, "--experiment-key", "plate", "--out", out)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(out), wanted)
    paths = sorted(parts.rglob("plate=*/*.parquet"))
    # Named one by one, or by their folders, the files are the same table.
    for named in (paths, sorted(parts.glob("plate=*"))):
        assert run("batches", *named, "--experiment-key", "plate", "--out", out).returncode == 0
        assert np.array_equal(np.load(out), wanted)
    # A file's own column comes before what the path says.
    (parts / "plate=other").mkdir()
    FRAME.to_parquet(parts / "plate=other" / "own.parquet")
    own = FlexibleBatchSampler(FRAME, experiment_key="plate").epoch_batches(0)
    assert (
        run("batches", parts / "plate=other" / "own.parquet", "--experiment-key", "plate", "--out", out).returncode == 0
    )
    assert np.array_equal(np.load(out), own)
    assert run("batches", *paths, "--out", out).returncode == 0
    assert np.array_equal(np.load(out), FlexibleBatchSampler(whole.reset_index(drop=True)).epoch_batches(0))


def test_files_that_do_not_fit_each_other(folder):
    one, other, third = (folder / f"{name}.parquet" for name in ("one", "other", "third"))
    pandas.DataFrame({"experiment": [1, 2] * 9, "condition": "x"}).to_parquet(one)
    pandas.DataFrame({"experiment": ["a", "b"] * 9, "condition": "x"}).to_parquet(other)
    pandas.DataFrame({"experiment": [1, 2] * 9}).to_parquet(third)
    done = run("audit", one, other, "--batch-size", 4)
    assert done.returncode == 2 and "does not fit" in done.stderr and done.stderr.count("\n") == 1
    assert "no column 'condition'" in run("audit", one, third, "--batch-size", 4).stderr
    (folder / "hollow").mkdir()
    assert "has no files" in run("audit", folder / "hollow").stderr
    doubled = folder / "doubled" / "experiment=1"
    doubled.mkdir(parents=True)
    (doubled / "part.parquet").write_bytes(one.read_bytes())
    assert "folder's name gives one too" in run("audit", folder / "doubled").stderr


def test_nothing_that_is_read_is_overwritten(folder):
    path = folder / "precious.csv"
    path.write_bytes(written(folder, ".csv").read_bytes())
    link = folder / "link.csv"
    link.symlink_to(path)
    inside = folder / "folder"
    inside.mkdir()
    (inside / "part.csv").write_bytes(path.read_bytes())
    before = path.read_bytes()
    for arguments in (
        ["batches", path, "--out", path],
        ["batches", path, "--out", link],
        ["batches", link, "--out", path],
        ["audit", path, "--html", path],
        ["audit", path, "--json", folder / "." / "precious.csv"],
        ["batches", inside, "--out", inside / "part.csv"],
        ["batches", inside, "--out", inside / "new.npy"],
    ):
        done = run(*arguments)
        assert done.returncode == 2 and "would overwrite what is read" in done.stderr, done.stderr
    assert path.read_bytes() == before and [*inside.iterdir()] == [inside / "part.csv"]
    page = folder / "same"
    assert "both write to" in run("audit", path, "--html", page, "--json", page).stderr


def test_warnings_are_lines_in_the_words_of_the_command(folder):
    path = folder / "forty.parquet"
    pandas.DataFrame({"condition": np.arange(4000) % 40}).to_parquet(path)
    done = run(
        "batches", path, "--no-experiment-aware", "--leaky", 0.5, "--batch-size", 512, "--out", folder / "forty.npy"
    )
    effect, seats = done.stderr.splitlines()
    assert effect == "cascade-sampler: These arguments have no effect: --leaky (--no-experiment-aware)"
    assert "raise --batch-size" in seats and "in --condition-ratio" in seats and "39, gets 44 seats" in seats


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("drop_last=False, drop_last=True", "--no-drop-last, --drop-last"),
        ("pass missing='exclude'", "pass --missing exclude"),
        ("1 row with missing labels; train for more epochs", "1 row with missing labels; train for more epochs"),
        ("no column 'batch_size', see batch_size", "no column 'batch_size', see --batch-size"),
        ("the experiment's leaky, the other's seed", "the experiment's --leaky, the other's seed"),
        ("seed must be below 2^64", "--seed must be below 2^64"),
        ("--leaky and my_leaky stay", "--leaky and my_leaky stay"),
        ("condition_ratio['x'] must be", "--condition-ratio['x'] must be"),
    ],
)
def test_arguments_become_options(said, wanted):
    from cascade_sampler._command.options import ARGUMENTS
    from cascade_sampler._command.words import options_in

    assert options_in(said, ARGUMENTS) == wanted


def test_every_option_of_the_sampler_is_known_by_its_name():
    from cascade_sampler._command.commands import audit, batches
    from cascade_sampler._command.options import ARGUMENTS

    named = {parameter.name for command in (audit, batches) for parameter in command.params}
    assert named - {"files", "html", "as_json", "strict", "out", "format", "dealt"} == set(ARGUMENTS)


def test_labels_on_a_terminal_do_nothing_to_it(folder):
    path = folder / "evil.csv"
    path.write_text("experiment,condition\n" + "\x1b]0;taken\x07,x\n\u202eevil,y\n" * 50, encoding="utf-8")
    for arguments in ([], ["--experiment-key", "\x1b[2J"], ["--experiment-weights", "\x1b[2J=1"]):
        done = run("audit", path, "--batch-size", 10, *arguments)
        for letter in "\x1b\x07\u202e":
            assert letter not in done.stdout + done.stderr
        assert done.returncode == (2 if arguments else 0) and done.stderr.count("\n") <= 2


def test_only_the_columns_that_are_needed(folder):
    """A type that the sampler would refuse is never looked at."""
    import pyarrow
    import pyarrow.parquet

    path = folder / "odd.parquet"
    columns = {"experiment": ["a", "b"] * 50, "condition": ["x"] * 100, "image": [b"\xff" * 10] * 100}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    content = path.read_bytes()
    # Ruin the image column's page: reading it would fail.
    chunk = pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(2)
    start, size = chunk.dictionary_page_offset, chunk.total_compressed_size
    path.write_bytes(content[:start] + b"\x00" * size + content[start + size :])
    with pytest.raises(Exception, match=r".+"):
        pyarrow.parquet.read_table(path)
    assert run("audit", path, "--batch-size", 10).returncode == 0


def test_help():
    for command in ([], ["audit"], ["batches"]):
        for option in ("-h", "--help"):
            done = run(*command, option)
            assert done.returncode == 0 and "Examples:" in done.stdout and max(map(len, done.stdout.splitlines())) <= 80
    # Summaries of the commands are not cut.
    assert "..." not in run("--help").stdout.partition("Commands:")[2]
    assert run().stdout == run("-h").stdout
    assert run("--version").stdout.startswith("cascade-sampler")


def test_help_and_version_do_without_torch():
    code = (
        "import sys; sys.modules['torch'] = None; from cascade_sampler._command.main import main; main([sys.argv[1]])"
    )
    for option in ("--help", "--version"):
        assert subprocess.run([sys.executable, "-c", code, option], capture_output=True, check=False).returncode == 0


def test_as_a_module_and_into_a_pipe_that_is_closed(folder):
    path = written(folder, ".parquet")
    done = process("audit", path, "--batch-size", 40)
    assert done.returncode == 0 and done.stdout == run("audit", path, "--batch-size", 40).stdout
    reader, writer = os.pipe()
    os.close(reader)
    done = process("audit", path, "--batch-size", 40, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 141 and not done.stderr


def test_standard_output_that_is_closed_or_full(folder):
    path = written(folder, ".parquet")
    shell = '"$0" -m cascade_sampler audit "$1" >&-'
    done = subprocess.run(["sh", "-c", shell, sys.executable, path], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and done.stderr == "cascade-sampler: the standard output is closed\n"
    if Path("/dev/full").exists():
        with Path("/dev/full").open("w") as full:
            done = process("audit", path, capture_output=False, stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 2 and "No space left" in done.stderr and done.stderr.count("\n") == 1


def test_a_terminal_that_has_ascii_only(folder):
    path = folder / "greek.csv"
    path.write_text("experiment,condition\n" + "α,x\nβ,y\n" * 50, encoding="utf-8")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = process("audit", path, "--batch-size", 10, env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert "\\u03b1" in done.stdout and done.stdout.isascii()


@pytest.fixture
def bad(folder):
    (folder / "empty.csv").write_text("")
    for end in ("parquet", "csv.gz", "arrow"):
        (folder / f"text.{end}").write_text("none of these")
    (folder / "odd").mkdir(exist_ok=True)
    for path in (folder / "table.xlsx", folder / "odd" / "table.xlsx"):
        path.write_text("")
    (folder / "ragged.csv").write_text("experiment,condition\na,b\na,b,c\n")
    (folder / "header.csv").write_text("experiment,condition\n")
    (folder / "gaps.csv").write_text("experiment,condition\na,x\n,x\n")
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["audit", "{}/none.csv"], "does not exist"),
        (["audit", "{}/odd"], "the end of the name must be one of .parquet"),
        (["audit", "{}/empty.csv"], "[Ee]mpty"),
        (["audit", "{}/text.parquet"], "[Pp]arquet"),
        (["audit", "{}/text.csv.gz"], "gz|zlib"),
        (["audit", "{}/text.arrow"], "[Aa]rrow|IPC"),
        (["audit", "{}/table.xlsx"], "the end of the name must be one of .parquet"),
        (["audit", "{}/ragged.csv"], "Expected 2 columns, got 3"),
        (["audit", "{}/header.csv"], "no rows"),
        (["audit", "{}/gaps.csv"], "1 rows without a label"),
        (
            ["audit", "{}/table.csv", "--experiment-key", "plat"],
            "--experiment-key: the file has no column 'plat'; the nearest is 'plate'; pass --experiment-key",
        ),
        (["audit", "{}/table.csv", "--leaky", "2"], "--leaky must be a fraction"),
        (["audit", "{}/table.csv", "--leaky", "x"], "'--leaky': 'x' is not a valid float"),
        (["audit", "{}/table.csv", "--batch-size", "0"], "--batch-size must be at least 1"),
        (["audit", "{}/table.csv", "--epochs", "0"], "--epochs must be at least 1"),
        (["audit", "{}/table.csv", "--epoch", "-1"], "--epoch must be at least 0"),
        (["audit", "{}/table.csv", "--experiment-weights", "9=1"], "--experiment-weights names '9', without rows"),
        (["audit", "{}/table.csv", "--experiment-weights", "1"], "must be LABEL=NUMBER"),
        (["audit", "{}/table.csv", "--condition-ratio", "x=-1"], "must be finite and not negative"),
        (["audit", "{}/table.csv", "--missing", "drop"], "'drop' is not one of"),
        (["audit", "{}/table.csv", "--json", "{}/none/a.json"], "No such file"),
        (["audit", "{}/table.csv", "--temporal-enrichment", "--time-key", "plate"], "time"),
        (["batches", "{}/table.csv"], "Missing option '--out'"),
        (["batches", "{}/table.csv", "--out", "{}/none/a.npy"], "No such file"),
        (["batches", "{}/table.csv", "--out", "{}/a.npy", "--no-drop-last"], "no array of one shape"),
        (["audit", "{}/table.csv", "-"], "- is the standard input, and must be the only file"),
        (
            ["audit", "{}/table.csv", "--html", "-", "--json", "-"],
            "--html and --json both write to the standard output",
        ),
        (["audit", "{}/table.csv", "--strict=never"], "'never' is not one of 'serious', 'notice'"),
        (["audit", "{}/table.csv", "--encoding", "klingon"], "--encoding must be one that Python knows"),
        (["audit", "{}/table.csv", "--delimiter", "ab"], "--delimiter must be one character"),
        (
            ["audit", "{}/table.csv", "--condition-ratio", "x=0", "--condition-ratio", "y=1=0"],
            "^cascade-sampler: --condition-ratio leaves",
        ),
        (["nonsense"], "No such command"),
        (["audit"], "Missing argument 'FILE"),
        (["audit", "{}/table.csv", "--nonsense"], "No such option"),
    ],
)
def test_bad_input_is_one_line(bad, arguments, message):
    import re

    written(bad, ".csv")
    done = run(*[argument.replace("{}", str(bad)) for argument in arguments])
    assert done.returncode == 2, done.stdout
    assert not done.stdout
    assert done.stderr.startswith("cascade-sampler: ") and done.stderr.count("\n") == 1, done.stderr
    assert re.search(message, done.stderr), done.stderr
