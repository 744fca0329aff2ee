"""Labels as people and other programs see them: on every way out, as texts, and in errors."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import json
import pathlib
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cascade_sampler import FlexibleBatchSampler
from cascade_sampler._tables.shown import shown, visible
from cascade_sampler._tables.texts import plain, text

pytestmark = pytest.mark.frames

FOLDS = [dt.datetime(2023, 10, 29, 2, 30, tzinfo=ZoneInfo("Europe/Zurich"), fold=fold) for fold in (0, 1)]
EVERY = {
    "text": ["b\nc", "a\x1b[31m", "caf\udce9"],
    "bytes": [b"a", b"b\0"],
    "infinite": [1.0, float("inf"), -float("inf")],
    "narrow": [np.float32(0.1), np.float32("inf")],
    "decimals": [decimal.Decimal("1.50"), decimal.Decimal("1E+3"), decimal.Decimal("-0.00")],
    "fractions": [fractions.Fraction(1, 3), fractions.Fraction(1, 2)],
    "durations": [dt.timedelta(hours=1), dt.timedelta(days=-1, hours=3), dt.timedelta(microseconds=1)],
    "dates": [dt.date(2024, 1, 2), dt.date(2024, 1, 1)],
    "zoned": FOLDS,
    "times of day": [dt.time(1), dt.time(2)],
    "tuples": [(1, "a"), (1, "b")],
    "nested": [((1, 2), "a"), ((1, 3), "a")],
    "tuples of decimals": [(decimal.Decimal(1), dt.timedelta(1)), (decimal.Decimal(2), dt.timedelta(2))],
    "identifiers": [uuid.UUID(int=1), uuid.UUID(int=2)],
    "paths": [pathlib.PurePosixPath("a/b"), pathlib.PurePosixPath("a/c")],
    "periods": [pd.Period("2024-01", "M"), pd.Period("2024-02", "M")],
    "intervals": [pd.Interval(0, 1), pd.Interval(1, 2)],
}


@pytest.mark.parametrize("kind", EVERY)
def test_every_label_finds_every_way_out(kind):
    labels = EVERY[kind]
    table = {"k": labels * 10, "c": ["x", "y"] * (len(labels) * 5)}
    one = FlexibleBatchSampler(table, 4, experiment_key="k", condition_key="c")
    two = FlexibleBatchSampler(table, 4, experiment_key=["k", "c"], condition_balanced=False)
    for sampler in (one, two, FlexibleBatchSampler(table, 4, experiment_key="c", condition_key="k")):
        audit = sampler.audit()
        written = json.dumps(audit.to_dict(), allow_nan=False, ensure_ascii=False)
        (str(audit) + written + json.dumps(sampler.state_dict())).encode("utf-8")
        sampler.explain(0).to_frame(names=True)
        repr(sampler)
    for label in one.experiments:
        weighted = FlexibleBatchSampler(
            table, 4, experiment_key="k", condition_balanced=False, experiment_weights={label: 1.0}
        )
        assert weighted._feed.plan.weights.max() == 1.0


def test_a_duration_has_one_text_whatever_its_unit():
    hours = np.array([1, 26, -1])
    expected = ["-1 days 23:00:00", "0 days 01:00:00", "1 days 02:00:00"]
    columns: list[Any] = [
        np.tile(hours.astype("m8[h]").astype(f"m8[{unit}]"), 8) for unit in ("h", "m", "s", "us", "ns")
    ]
    columns += [pd.Series(columns[-1]), pl.Series(columns[-1]), pa.array(columns[-1])]
    columns += [[dt.timedelta(hours=int(hour)) for hour in hours] * 8, [pd.Timedelta(hours=int(h)) for h in hours] * 8]
    keyed = []
    for column in columns:
        sampler = FlexibleBatchSampler({"k": column, "c": ["a"] * 24}, 4, experiment_key="k", condition_key="c")
        assert sampler.audit().to_dict()["experiments"]["label"] == expected
        both = {"k": column, "c": ["a"] * 24}
        keyed.append(FlexibleBatchSampler(both, 4, experiment_key=["k", "c"], condition_balanced=False).epoch_batches())
    assert all(np.array_equal(keyed[0], each) for each in keyed)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (dt.timedelta(microseconds=1500), "0 days 00:00:00.001500"),
        (np.timedelta64(1, "ns"), "0 days 00:00:00.000000001"),
        (np.timedelta64(3, "W"), "21 days 00:00:00"),
        (decimal.Decimal("1.500"), "1.5"),
        (decimal.Decimal("1E+2"), "100"),
        (decimal.Decimal("-0.0"), "0"),
        (decimal.Decimal("123456789012345678901234567890.1230"), "123456789012345678901234567890.123"),
        (((1, "a"), True), "1|a|True"),
        (np.float16(0.1), "0.1"),
        (float("-inf"), "-inf"),
        (np.str_("a"), "a"),
        (b"a", "b'a'"),
    ],
)
def test_texts(label, expected):
    assert text(label) == expected
    assert plain(label) in (expected, 0.1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plate_1", "'plate_1'"),
        ("it's", '"it\'s"'),
        ("a\nb\r\t", "'a\\nb\\r\\t'"),
        ("\x1b]0;title\x07", "'\\x1b]0;title\\x07'"),
        ("a\u202eb\u2066", "'a\\u202eb\\u2066'"),
        ("\u2028\u0085\ufeff\u200b", "'\\u2028\\x85\\ufeff\\u200b'"),
        ("caf\udce9", "'caf\\\\udce9'"),
        ("C:\\new", "'C:\\\\new'"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 漢字 👩\u200d🔬",
            "'\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 漢字 👩\u200d🔬'",
        ),
        (1, "1"),
        (np.int64(1), "1"),
        (True, "True"),
        (np.float32(0.1), "0.1"),
        (float("inf"), "'inf'"),
        (("a\n", 1), "('a\\n', 1)"),
        (("a",), "('a',)"),
        (dt.timedelta(1), "'1 days 00:00:00'"),
    ],
)
def test_labels_are_shown_on_one_line(given, expected):
    assert shown(given) == expected


def test_long_labels_lose_their_middle():
    label = "".join(chr(97 + place % 26) for place in range(5000)) + "end"
    found = visible(label)
    assert len(found) == 60 and "…" in found and found.startswith("abcdef") and found.endswith("end")
    assert len(visible("\x1b" * 5000)) <= 60
    assert len(visible("\x1b" * 40)) <= 60 and visible("a" * 60) == "a" * 60
    assert visible(label, None) == label


@pytest.mark.parametrize("hostile", ["a\x1b[2J", "a\nb", "\u202eb", "x" * 5000])
def test_errors_show_labels_and_names_safely(hostile, caplog):
    table = {hostile: [hostile, "b"] * 10, "none": [None] * 20, "words": [print] * 20}
    keys = {"experiment_key": hostile, "condition_balanced": False}
    attempts: list[tuple[dict[str, Any], type[Exception]]] = [
        ({**keys, "experiment_weights": {"c": 1.0}}, ValueError),
        ({**keys, "experiment_weights": {hostile + "c": 1.0}}, ValueError),
        ({"experiment_key": hostile + "d"}, KeyError),
        ({"experiment_key": hostile, "condition_key": hostile, "condition_ratio": {hostile: 0, "b": 0}}, ValueError),
    ]
    for arguments, kind in attempts:
        with pytest.raises(kind) as caught:
            FlexibleBatchSampler(table, 4, **arguments)
        message = str(caught.value)
        assert message.isprintable() and len(message) < 1000
    FlexibleBatchSampler(table, 15, **keys)
    assert caplog.messages and all(message.isprintable() and len(message) < 1000 for message in caplog.messages)
