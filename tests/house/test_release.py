"""What makes and checks the artefacts finds what it should find; `make release` shows that the artefacts are in order."""

from __future__ import annotations

import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import cascade_sampler

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "release"))

import addresses  # noqa: E402
import build_wheel  # noqa: E402
import inspect_artefacts  # noqa: E402
import notices  # noqa: E402

LICENCES = {f"x.dist-info/licenses/{name}": b"" for name in inspect_artefacts.LICENCES}
WHEEL = {"cascade_sampler/_core.abi3.so": b"MZ", "cascade_sampler/py.typed": b"", "cascade_sampler/_core.pyi": b""}
SOURCES = dict.fromkeys(inspect_artefacts.LICENCES, "")


def wheel(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "x.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def sources(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "x.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"x-1/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def test_a_wheel_in_order(tmp_path: Path) -> None:
    inspect_artefacts.inspect_wheel(wheel(tmp_path, {**WHEEL, **LICENCES}))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({**WHEEL}, "lacks LICENSE"),
        ({**LICENCES}, "has 0 compiled parts"),
        ({**WHEEL, **LICENCES, "cascade_sampler/_core.pyd": b""}, "has 2 compiled parts"),
        ({**WHEEL, **LICENCES, "x": b"from /home/me/.cargo/registry/a.rs"}, "'/home/me/.cargo/registry/a.rs'"),
        ({**WHEEL, **LICENCES, "x": b"from C:\\a\\b\\c.rs"}, "names a place"),
        ({name: text for name, text in {**WHEEL, **LICENCES}.items() if "py.typed" not in name}, "lacks py.typed"),
    ],
)
def test_a_wheel_with_a_fault(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(SystemExit, match=re.escape(said)):
        inspect_artefacts.inspect_wheel(wheel(tmp_path, files))


def test_what_is_not_stripped_is_seen() -> None:
    if sys.platform == "linux":
        assert ".text" in inspect_artefacts.sections(Path(sys.executable).resolve().read_bytes())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"README.md": "![picture](docs/a.svg)", **SOURCES}, "lacks docs/a.svg"),
        (
            {"README.md": '<source srcset="docs/a.svg"> <img src="docs/b.svg">', "docs/b.svg": "", **SOURCES},
            "docs/a.svg",
        ),
        (
            {"README.md": '<source srcset="docs/a.svg"> <img src="docs/b.svg">', "docs/a.svg": "", **SOURCES},
            "docs/b.svg",
        ),
        ({"README.md": "[page](docs/a.md#part)", **SOURCES}, "lacks docs/a.md"),
        ({"README.md": ""}, "lacks LICENSE"),
        ({"README.md": "", **SOURCES, "python/__pycache__/a.pyc": ""}, "holds what was made"),
    ],
)
def test_sources_with_a_fault(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(SystemExit, match=re.escape(said)):
        inspect_artefacts.inspect_sources(sources(tmp_path, files))


def test_sources_in_order(tmp_path: Path) -> None:
    readme = "[page](docs/a.md#part) and [elsewhere](https://example.org)"
    inspect_artefacts.inspect_sources(sources(tmp_path, {"README.md": readme, "docs/a.md": "", **SOURCES}))


def test_links_of_the_readme_lead_to_the_repository() -> None:
    text = (
        "![a](b.svg) [c](d.md#e) [f](https://g.example) [h](#i) "
        '<source srcset="j.svg"> <img src="k.svg"> <img src="https://l.example/m.svg">'
    )
    assert addresses.absolute(text, "https://x.example/y/z", "v1.0.0") == (
        "![a](https://x.example/y/z/raw/v1.0.0/b.svg) [c](https://x.example/y/z/blob/v1.0.0/d.md#e) "
        "[f](https://g.example) [h](#i) "
        '<source srcset="https://x.example/y/z/raw/v1.0.0/j.svg"> <img src="https://x.example/y/z/raw/v1.0.0/k.svg"> '
        '<img src="https://l.example/m.svg">'
    )


def test_addresses_are_put_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("README.md", "Cargo.toml", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(addresses, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["", "https://x.example/y/", "v9.9.9"])
    with pytest.raises(SystemExit, match=r"v9\.9\.9"):
        addresses.main()
    monkeypatch.setattr(sys, "argv", ["", "https://x.example/y/", f"v{cascade_sampler.__version__}"])
    addresses.main()
    assert 'repository = "https://x.example/y"' in (tmp_path / "Cargo.toml").read_text()
    assert 'Repository = "https://x.example/y"' in (tmp_path / "pyproject.toml").read_text()
    assert "](docs/" not in (tmp_path / "README.md").read_text()


def test_a_bill_of_materials_tells_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_wheel, "ROOT", Path("/home/me/it"))
    bill = b'{"serialNumber": "1", "metadata": {"timestamp": "now", "ref": "path+file:///home/me/it#cascade-sampler"}}'
    neutral = build_wheel.neutral(bill)
    assert inspect_artefacts.PLACES.search(bill)
    assert not inspect_artefacts.PLACES.search(neutral)
    assert b"now" not in neutral


def test_a_crate_without_the_text_of_its_licence_is_refused(tmp_path: Path) -> None:
    crate = {"name": "x", "version": "1", "license": "MIT OR Apache-2.0", "manifest_path": str(tmp_path / "Cargo.toml")}
    with pytest.raises(SystemExit, match="ships no text of its licence"):
        notices.texts(crate)
    for name in ("LICENSE-MIT", "LICENSE-APACHE", "NOTICE"):
        (tmp_path / name).write_text(name)
    assert notices.texts(crate) == ["LICENSE-MIT", "NOTICE"]
    assert notices.texts({**crate, "license": "Apache-2.0"}) == ["LICENSE-APACHE", "LICENSE-MIT", "NOTICE"]


def test_one_version_everywhere() -> None:
    for name, line in (("Cargo.toml", 'version = "{}"'), ("CITATION.cff", "version: {}")):
        if (ROOT / name).exists():
            assert line.format(cascade_sampler.__version__) in (ROOT / name).read_text().splitlines()
