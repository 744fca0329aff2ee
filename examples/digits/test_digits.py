"""A short run of the example, and whether the tables that are shown to readers are those of the long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import measure
import run
from instruments import INSTRUMENTS, Photographs, photograph

ROOT = run.HERE.parent.parent


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("short")
    subprocess.run(
        [sys.executable, run.HERE / "run.py", "--seeds", "1", "--epochs", "6", "--out", out], check=True, timeout=600
    )
    return out


def test_it_judges_every_kind_of_batch(short: Path) -> None:
    runs = run.read(short / "results.csv")
    assert [(each.batches, each.seed) for each in runs] == [(arm, 0) for arm in run.ARMS]
    for each in runs:
        for share in (each.digits_recognised, each.own_instrument, each.instrument_read):
            assert 0 < share <= 1


def test_the_cascade_mixes_instruments(short: Path) -> None:
    own = {each.batches: each.own_instrument for each in run.read(short / "results.csv")}
    assert own["cascade"] < own[run.SHUFFLING]


def test_it_draws(short: Path) -> None:
    picture = (short / "digits.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert 20_000 < len(picture) < 200_000


def test_readers_see_the_stored_results() -> None:
    runs = run.read(run.HERE / "results.csv")
    assert len(runs) == len(run.ARMS) * run.SEEDS
    lines = run.table(runs).splitlines()
    text = (run.HERE / "README.md").read_text()
    _, start, rest = text.partition(f"\n{lines[0]}\n")
    shown = (start + rest).split("\n\n")[0].strip().splitlines()
    assert shown == [*lines, "| *chance* | 0.10 | 0.125 | 0.125 |"]


@pytest.mark.parametrize(("arm", "name"), [(run.SHUFFLING, "shuffled"), ("cascade", "of one instrument each")])
def test_the_front_page_shows_two_of_the_stored_results(arm: str, name: str) -> None:
    lines = run.table(run.read(run.HERE / "results.csv")).splitlines()
    (numbers,) = (line.removeprefix(f"| {arm} | ").split(" | ")[:2] for line in lines if line.startswith(f"| {arm} | "))
    assert f"| {name} | {' | '.join(numbers)} |" in (ROOT / "README.md").read_text()


def test_digits_do_not_decide_the_instrument() -> None:
    photographs = photograph(0)
    assert np.bincount(photographs.instrument).tolist() == [225] * 5 + [224] * 3
    together = np.bincount(photographs.instrument * 10 + photographs.digit, minlength=80).reshape(INSTRUMENTS, 10)
    assert together.min() > 5


def test_the_measures_on_points_that_are_known() -> None:
    rng = np.random.default_rng(0)
    instrument = np.arange(400) % INSTRUMENTS
    digit = rng.integers(0, 10, 400)
    photographs = Photographs(np.empty((400, 8, 8), np.float32), instrument, digit)

    of_digits = np.eye(10)[digit] + rng.normal(0, 0.01, (400, 10))
    assert measure.digits_recognised(of_digits, photographs) == 1
    assert measure.own_instrument(of_digits, photographs) == pytest.approx(1 / 8, abs=0.05)
    assert measure.instrument_read(of_digits, photographs) == pytest.approx(1 / 8, abs=0.1)

    of_instruments = np.eye(8)[instrument] + rng.normal(0, 0.01, (400, 8))
    assert measure.digits_recognised(of_instruments, photographs) == pytest.approx(1 / 10, abs=0.1)
    assert measure.own_instrument(of_instruments, photographs) == 1
    assert measure.instrument_read(of_instruments, photographs) == 1
