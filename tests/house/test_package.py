"""What the package shows, what it imports and when, and that no room imports one that comes after it."""

from __future__ import annotations

import ast
import functools
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import cascade_sampler

PUBLIC = ["Audit", "CascadeSampler", "FlexibleBatchSampler", "Index", "Origins", "RanksWarning", "__version__"]
PACKAGE = Path(cascade_sampler.__file__).parent
FILES = {
    ".".join(("cascade_sampler", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
LIBRARIES = ["pandas", "polars", "pyarrow", "matplotlib", "narwhals", "html", "rich", "click"]


def loaded_after(code: str, *modules: str) -> list[str]:
    """Run code in a fresh process, and say which of the modules it imported."""
    end = f"\nimport sys\nprint(*[name for name in {modules!r} if name in sys.modules], sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code + end], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_dir_is_what_a_user_may_use():
    assert dir(cascade_sampler) == sorted(cascade_sampler.__all__) == PUBLIC
    for name in PUBLIC:
        getattr(cascade_sampler, name)
    modules = {"viscy", "lightning", "sentence_transformers"}
    assert {name for name in vars(cascade_sampler) if not name.startswith("_")} <= {*PUBLIC, *modules}
    assert not hasattr(cascade_sampler, "annotations")


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Sampler'"):
        cascade_sampler.Sampler  # noqa: B018


@pytest.mark.parametrize("name", PUBLIC[:-1])
def test_public_classes_go_by_their_public_name(name):
    found = getattr(cascade_sampler, name)
    assert (found.__module__, found.__qualname__) == ("cascade_sampler", name)
    assert pickle.loads(pickle.dumps(found)) is found
    assert f"cascade_sampler\n{name}\n".encode() in pickle.dumps(found, protocol=0)


@pytest.mark.parametrize("name", PUBLIC[:-1])
def test_everything_public_is_documented(name):
    found = getattr(cascade_sampler, name)
    assert inspect.getdoc(found)
    for member, value in inspect.getmembers(found):
        if not member.startswith("_") and (callable(value) or isinstance(value, property)):
            assert inspect.getdoc(value), member


def test_the_package_alone_imports_neither_torch_nor_numpy():
    assert loaded_after("import cascade_sampler; cascade_sampler.__version__", "torch", "numpy") == []


@functools.cache
def torchs_own() -> frozenset[str]:
    """What torch itself imports where it is installed, which is not ours."""
    return frozenset(loaded_after("import torch.utils.data", *LIBRARIES))


def test_the_sampler_imports_no_report_and_no_library_beside_torch_and_numpy():
    found = loaded_after("from cascade_sampler import FlexibleBatchSampler", *LIBRARIES, *FILES)
    assert not {name for name in found if "_report" in name or "_command" in name}
    assert not set(found) & set(LIBRARIES) - torchs_own()


def test_first_samplers_over_integers_import_no_dataframe_library():
    code = """
import numpy as np
from cascade_sampler import FlexibleBatchSampler
for kind in ("int64", "int8", "uint64", "bool"):
    for spread in (1, 123_456_789):
        table = {
            name: (np.arange(600) % count * spread).astype(kind)
            for name, count in (("experiment", 2), ("condition", 3))
        }
        sampler = FlexibleBatchSampler(table, batch_size=32, leaky=0.1)
        next(iter(sampler)), sampler.explain(0), len(sampler), repr(sampler)
"""
    assert not set(loaded_after(code, *LIBRARIES)) - torchs_own()


def imported(path: Path) -> set[str]:
    """The package's own modules that a file imports, also those for types alone and those inside of functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cascade_sampler"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & FILES.keys() - {"cascade_sampler"}


def test_imports_go_one_way():
    waiting = {name: imported(path) - {name} for name, path in FILES.items() if name != "cascade_sampler"}
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]
    assert not waiting, "these import each other"


def test_rooms_import_only_rooms_before_them():
    rooms = ["_tables", "_index", "_plans", "_report", "_samplers", "_lightning", "_viscy", "_command"]
    for name, path in FILES.items():
        room = name.split(".")[1] if name.count(".") else ""
        if room in rooms:
            later = rooms[rooms.index(room) + 1 :]
            assert not [other for other in imported(path) if other.split(".")[1] in later], name


def test_no_file_is_longer_than_a_reader_bears():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in FILES.items()}
    assert {name: lines for name, lines in lengths.items() if lines > 450} == {}
