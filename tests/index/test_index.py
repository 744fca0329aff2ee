"""An index in the place of a table: the same batches and the same states, and what does not go together."""

from __future__ import annotations

import copy
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies_dealt
from cascade_sampler import CascadeSampler, FlexibleBatchSampler, Index, viscy
from strategies import cases, refused

ROWS = 120
TABLE: dict[str, Any] = {
    "plate": np.repeat(["a", "b", "c"], [60, 40, 20]),
    "dose": np.tile([0, 1, 10], 40),
    "hours": np.arange(ROWS) % 7 / 2,
}
KEYS = {"experiment_key": "plate", "condition_key": "dose"}


def index(*features: str, **arguments: Any) -> Index:
    keys = {**KEYS, "time_key": "hours"}
    return Index(TABLE, **{name: keys[name] for name in features or keys}, **arguments)


def drawn(source: Any, **arguments: Any) -> FlexibleBatchSampler:
    return FlexibleBatchSampler(source, 10, leaky=0.2, **arguments)


@settings(max_examples=150, deadline=None)
@given(cases(), st.booleans())
def test_drawn_batches_and_states_are_those_of_the_table(tmp_path_factory, case, opened):
    table, arguments, oracle = case
    if refused(oracle):
        return
    keys = {"experiment_key": "experiment", "condition_key": "condition"}
    if "hours_post_infection" in table:
        keys["time_key"] = "hours_post_infection"
    on = {"experiment_key": "experiment_aware", "condition_key": "condition_balanced"}
    # Times that are sorted within cells cannot do without them.
    whole = Index(table, **{name: key for name, key in keys.items() if arguments.get(on.get(name, ""), True)})
    over = FlexibleBatchSampler(through_a_file(whole, tmp_path_factory) if opened else whole, **arguments)
    same(over, FlexibleBatchSampler(table, **arguments))


@settings(max_examples=150, deadline=None)
@given(strategies_dealt.cases(), st.booleans())
def test_dealt_batches_and_states_are_those_of_the_table(tmp_path_factory, case, opened):
    table, arguments, _ = case
    of_index = ("experiment_key", "condition_key", "time_key", "missing")
    whole = Index(table, **{name: arguments[name] for name in of_index if name in arguments})
    others = {name: value for name, value in arguments.items() if name not in of_index}
    over = CascadeSampler(through_a_file(whole, tmp_path_factory) if opened else whole, **others)
    same(over, CascadeSampler(table, **arguments))


def through_a_file(whole: Index, folders: Any) -> Index:
    path = folders.mktemp("index") / "i"
    whole.save(path)
    found = Index.open(path, verify=True)
    assert found == whole
    return found


def same(over: Any, of_table: Any) -> None:
    for epoch in (0, 3):
        for sampler in (over, of_table):
            sampler.set_epoch(epoch)
        assert [list(batch) for batch in over] == [list(batch) for batch in of_table]
    state = of_table.state_dict()
    assert over.state_dict() == state
    over.load_state_dict(state)
    of_table.load_state_dict(over.state_dict())
    assert (over.experiments, over.conditions) == (of_table.experiments, of_table.conditions)
    assert over.index == of_table.index


@pytest.mark.parametrize(
    ("features", "switches"),
    [
        (["experiment_key", "condition_key", "time_key"], {}),
        (["experiment_key", "condition_key", "time_key"], {"condition_balanced": False}),
        (["experiment_key", "condition_key"], {"experiment_aware": False, "condition_balanced": False}),
        (["experiment_key", "time_key"], {"condition_balanced": False, "temporal_enrichment": True}),
    ],
)
def test_features_that_are_off_are_left_out_of_the_index(features, switches):
    over = drawn(index(*features), **switches)
    assert over.epoch_batches().tolist() == drawn(TABLE, **KEYS, time_key="hours", **switches).epoch_batches().tolist()
    assert over.index.rows == ROWS


def test_what_an_index_says_of_itself():
    found = index()
    assert (found.rows, found.kept) == (ROWS, ROWS)
    assert (found.experiments, found.conditions) == (("a", "b", "c"), (0, 1, 10))
    assert dict(found.sizes) == {"a": 60, "b": 40, "c": 20}
    assert (found.experiment_key, found.condition_key, found.time_key, found.missing) == (
        "plate",
        "dose",
        "hours",
        "error",
    )
    assert found.nbytes >= 4 * ROWS
    assert repr(found) == (
        "Index(120 rows; experiment_key='plate': 3 experiments; condition_key='dose': 3 conditions; time_key='hours')"
    )
    several = Index(TABLE, experiment_key=["plate", "dose"])
    assert several.experiment_key == ["plate", "dose"]
    assert several.experiments[0] == ("a", 0)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize("features", [[], ["experiment_key"], ["condition_key"], ["experiment_key", "condition_key"]])
def test_cells_are_columns_of_any_library(library, features):
    table = library(index(*features, "time_key").cells if features else index("time_key").cells)
    rows = table["rows"].to_pylist() if library is pa.table else list(table["rows"])
    assert sum(rows) == ROWS


def test_equal_is_what_gives_the_same_batches_and_names():
    assert index() == index()
    assert hash(index()) == hash(index())
    assert index().fingerprint == index().fingerprint
    others = [
        index("experiment_key", "condition_key"),
        Index({**TABLE, "dose": TABLE["dose"] + 1}, **KEYS, time_key="hours"),
        Index({**TABLE, "hours": TABLE["hours"] + 1}, **KEYS, time_key="hours"),
        Index({**TABLE, "plate": TABLE["plate"][::-1]}, **KEYS, time_key="hours"),
        Index({name: column[:-1] for name, column in TABLE.items()}, **KEYS, time_key="hours"),
    ]
    assert all(index() != other for other in others)
    assert index() != "index"


def test_samplers_of_an_index_share_it():
    whole = index("experiment_key", "condition_key")
    first, second = CascadeSampler(whole, 10), drawn(whole)
    assert first.index is second.index is whole
    from_table = drawn(TABLE, **KEYS)
    assert CascadeSampler(from_table.index, 10).epoch_batches().tolist() == first.epoch_batches().tolist()
    assert copy.deepcopy(whole) is copy.copy(whole) is whole


def test_a_digest_is_computed_once_for_all_samplers(monkeypatch):
    from cascade_sampler._index import digests

    whole = index()
    FlexibleBatchSampler(whole, 10).state_dict()
    whole.fingerprint  # noqa: B018
    monkeypatch.setattr(digests, "digest", None)
    for sampler in (FlexibleBatchSampler(whole, 20), CascadeSampler(whole, 5)):
        sampler.state_dict()
    whole.without("time_key").fingerprint  # noqa: B018


def test_rows_that_are_left_out(caplog):
    table = {**TABLE, "plate": [None if row % 5 == 0 else label for row, label in enumerate(TABLE["plate"])]}
    with pytest.raises(ValueError, match="missing='exclude'"):
        Index(table, **KEYS)
    whole = Index(table, **KEYS, missing="exclude")
    assert (whole.rows, whole.kept, whole.missing) == (ROWS, 96, "exclude")
    assert repr(whole).startswith("Index(96 of 120 rows;")
    assert "leaves out" not in caplog.text
    over = CascadeSampler(whole, 10)
    assert over.missing == "exclude"
    assert "missing='exclude' leaves out 24 of 120 rows: column 'plate' 24" in caplog.text
    assert (
        over.epoch_batches().tolist() == CascadeSampler(table, 10, **KEYS, missing="exclude").epoch_batches().tolist()
    )
    with pytest.raises(ValueError, match="leaves out all 3 rows: column 'a' 3"):
        Index({"a": [None] * 3}, experiment_key="a", missing="exclude")


@pytest.mark.parametrize(
    ("features", "arguments", "said"),
    [
        ([], {"experiment_key": "well"}, "experiment_key='well' is given, and the index was built with experiment_key='plate'"),
        ([], {"condition_key": ["dose", "x"]}, r"condition_key=\['dose', 'x'\] is given.*condition_key='dose'"),
        ([], {"time_key": "t"}, "time_key='t' is given, and the index was built with time_key='hours'"),
        ([], {"missing": "exclude"}, "missing='exclude' is given, and the index was built with missing='error'"),
        (["condition_key"], {"experiment_key": "plate"},
         r"experiment_key='plate' is given.*without experiment_key: build it with Index\(table, experiment_key='plate', "
         r"condition_key='dose'\)"),
        (["experiment_key"], {"time_key": "hours"}, "without time_key: build it with"),
    ],
)  # fmt: skip
def test_arguments_that_are_not_those_of_the_index(features, arguments, said):
    with pytest.raises(ValueError, match=said):
        CascadeSampler(index(*features), 10, **arguments)


@pytest.mark.parametrize(
    ("features", "arguments", "said"),
    [
        (["condition_key"], {}, "experiment_aware=True needs experiment_key.*or pass experiment_aware=False"),
        (["experiment_key"], {}, "condition_balanced=True needs condition_key.*or pass condition_balanced=False"),
        (["experiment_key", "condition_key"], {"temporal_enrichment": True},
         r"temporal_enrichment=True needs time_key.*Index\(table, time_key='hours_post_infection', "
         r"experiment_key='plate', condition_key='dose'\)"),
        ([], {"experiment_aware": False},
         r"experiment_aware=False does not go with this index: experiment_key cannot be left out of an index with "
         r"experiment_key='plate' and condition_key='dose'.*build one with Index\(table, condition_key='dose'\)"),
        ([], {"condition_balanced": False, "temporal_enrichment": True},
         "condition_balanced=False does not go with this index: condition_key cannot be left out"),
        ([], {"experiment_key": "well"}, "experiment_key='well' is given"),
    ],
)  # fmt: skip
def test_switches_that_the_index_does_not_have(features, arguments, said):
    with pytest.raises(ValueError, match=said):
        drawn(index(*features), **arguments)


def test_visc_y_takes_an_index_of_its_keys():
    arguments = {"batch_group_by": "plate", "stratify_by": "dose", "leaky": 0.2}
    whole = Index(TABLE, **KEYS)
    over = viscy.FlexibleBatchSampler(whole, 10, **arguments, group_weights={"a": 1, "b": 2})
    of_table = viscy.FlexibleBatchSampler(TABLE, 10, **arguments, group_weights={"a": 1, "b": 2})
    assert list(over) == list(of_table)
    assert over.valid_anchors is whole
    with pytest.raises(ValueError, match="stratify_by='perturbation' is given, and the index was built with"):
        viscy.FlexibleBatchSampler(whole, 10, batch_group_by="plate")


def test_visc_y_names_moments_over_an_index_by_their_text_in_utc():
    days = pd.to_datetime(["2024-03-01 12:00", "2024-03-02 12:00"]).tz_localize("Europe/Berlin")
    frame = pd.DataFrame({"day": days.repeat(20)})
    weights = {"2024-03-01 12:00:00+01:00": 1}
    expected = list(viscy.FlexibleBatchSampler(frame, 8, "day", stratify_by=None, group_weights=weights))
    for source in (Index(frame, experiment_key="day"), pl.from_pandas(frame)):
        for name in ("2024-03-01 11:00:00", np.datetime64("2024-03-01 11:00:00")):
            over = viscy.FlexibleBatchSampler(source, 8, "day", stratify_by=None, group_weights={name: 1})
            assert list(over) == expected


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"experiment_key": "plat"}, KeyError, "experiment_key: table has no column 'plat'; the nearest is 'plate'$"),
        ({"experiment_key": 1.5}, TypeError, "experiment_key must be a column name"),
        ({"time_key": ["hours"]}, TypeError, "time_key must be the name of one column"),
        ({"missing": "drop"}, ValueError, "missing must be one of 'error', 'exclude', got 'drop'"),
        ({"progress": 3}, TypeError, "progress must be callable"),
        ({"time_key": "plate"}, TypeError, "holds no times"),
    ],
)
def test_what_no_index_is_built_of(arguments, kind, said):
    with pytest.raises(kind, match=said):
        Index(TABLE, **arguments)


def test_tables_that_are_none():
    with pytest.raises(TypeError, match="table is an index already"):
        Index(index())
    with pytest.raises(ValueError, match="no rows"):
        Index({"a": []}, experiment_key="a")
    with pytest.raises(TypeError, match="table must be"):
        Index(3)


def test_features_that_can_be_left_out():
    whole = index()
    assert whole.without() is whole
    assert whole.without("time_key") == index("experiment_key", "condition_key")
    assert whole.without("time_key", "condition_key") == index("experiment_key")
    assert whole.without("time_key", "condition_key", "experiment_key").experiments == ()
    assert index("experiment_key").without("time_key").time_key is None
    with pytest.raises(ValueError, match="features must be"):
        whole.without("times")
    with pytest.raises(ValueError, match="experiment_key cannot be left out"):
        whole.without("experiment_key")


def test_an_index_is_fixed_when_it_is_made():
    with pytest.raises(AttributeError):
        index().rows = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        CascadeSampler(index(), 4).index = index()  # type: ignore[misc]


@pytest.mark.parametrize("features", [[], ["experiment_key"], ["experiment_key", "condition_key"]])
def test_pickled_in_memory(features):
    whole = index(*features)
    again = pickle.loads(pickle.dumps(whole))
    assert again == whole
    for sampler in (CascadeSampler(whole, 10), CascadeSampler(whole.without("time_key"), 10)):
        other = pickle.loads(pickle.dumps(sampler))
        assert other.epoch_batches().tolist() == sampler.epoch_batches().tolist()
        assert other.index == sampler.index
        assert other.state_dict() == sampler.state_dict()


def test_a_pickle_has_the_rows_of_an_index_and_its_parts_once():
    rows = 50_000
    table = {"plate": np.arange(rows) // 7 % 5, "dose": np.arange(rows) % 4, "hours": np.arange(rows) / 8}
    whole = Index(table, **KEYS, time_key="hours")
    parts = [whole.without("time_key"), whole.without("time_key", "condition_key")]
    alone = len(pickle.dumps(whole))
    for several in ([whole, *parts], [*parts, whole]):
        pickled = pickle.dumps(several)
        assert len(pickled) < alone + 10_000
        assert pickle.loads(pickled) == several
    again = pickle.loads(pickle.dumps([CascadeSampler(parts[0], 10), whole]))
    assert again == [again[0], whole]
    assert again[0].epoch_batches().tolist() == CascadeSampler(parts[0], 10).epoch_batches().tolist()


def test_pickles_of_several_threads_have_the_rows_of_an_index_and_its_parts_once():
    rows = 200_000
    whole = Index({"plate": np.arange(rows) // 7 % 5, "dose": np.arange(rows) % 4}, **KEYS)
    several = [whole, whole.without("condition_key"), CascadeSampler(whole, 10)]
    most = len(pickle.dumps(whole)) + 10_000
    with ThreadPoolExecutor(6) as pool:
        sizes = list(pool.map(lambda _: len(pickle.dumps(several)), range(400)))
    assert [size for size in sizes if size > most] == []
    first, second = (whole._core.__reduce__()[1][1][0][0][0] for _ in range(2))
    assert second is first
    held = weakref.ref(first)
    del first, second
    assert held() is None, "the rows are kept where no pickle is under way"


@pytest.mark.parametrize("feature", ["experiment_key", "condition_key", "time_key"])
def test_rows_that_are_left_out_are_so_without_the_column_that_lacked_them(feature):
    left_out = [3, 7, 8]
    column = np.arange(20.0) % 4
    column[left_out] = np.nan
    whole = Index({"k": column}, **{feature: "k"}, missing="exclude")
    part = whole.without(feature)
    again = pickle.loads(pickle.dumps(part))
    assert (again.kept, again) == (17, part)
    assert CascadeSampler(again, 5).epoch_batches().tolist() == CascadeSampler(part, 5).epoch_batches().tolist()
    assert part != Index({"k": column}).without()
    other = Index({"k": np.roll(column, 1)}, **{feature: "k"}, missing="exclude")
    assert other.without(feature) != part


def test_int32_tells_fewer_rows_apart_than_an_index_may_have(monkeypatch):
    whole = index()
    monkeypatch.setattr(Index, "rows", property(lambda _: 2**31 + 1))
    with pytest.raises(ValueError, match="index_dtype='int32'"):
        CascadeSampler(whole, 10, index_dtype="int32")


@pytest.mark.parametrize("sampler", [CascadeSampler, FlexibleBatchSampler, viscy.FlexibleBatchSampler])
def test_paths_are_for_an_index(sampler, tmp_path: Path):
    for path in (str(tmp_path), tmp_path):
        with pytest.raises(TypeError, match=r"got the path '.*': pass cascade_sampler\.Index\.open\('.*'\) if that is"):
            sampler(path, 10)
    with pytest.raises(TypeError, match=r"got a list of texts or paths: if they are files .* cascade_sampler\.Index\("):
        sampler([str(tmp_path)], 10)
