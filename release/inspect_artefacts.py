"""Look into wheels, sdist and crate: ``python release/inspect_artefacts.py FILE ...`` fails at the first fault.

A wheel is stripped, names no place of the machine that built it, and brings the licences of all it contains. An archive
of sources brings the licences and whatever the README shows or links to.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

LICENCES = ("LICENSE", "THIRD-PARTY-NOTICES.txt")
ROOT = Path(__file__).resolve().parent.parent
#: The folder that the checkout lies in; the checkout itself where that is the root of all.
AROUND = ROOT if ROOT.parent.parent == ROOT.parent else ROOT.parent
#: Where home and temporary folders of builders lie, and checkouts. Rust's own library stands below /rustc, not there.
PLACES = re.compile(
    rb"(?:"
    + re.escape(f"{AROUND}{os.sep}".encode())
    + rb"|/(?:root|home|Users|tmp|var/folders)/|\\Users\\|[A-Z]:\\a\\)[\w./\\-]*"
)


def sections(library: bytes) -> list[str]:
    """Return the names of the sections of a library in ELF with 64 bits."""
    start, (size, count, names) = struct.unpack_from("<Q", library, 40)[0], struct.unpack_from("<3H", library, 58)
    headers = [struct.unpack_from("<II4Q", library, start + number * size) for number in range(count)]
    offset = headers[names][4]
    return [library[offset + header[0] :].split(b"\0", 1)[0].decode() for header in headers]


def inspect_wheel(path: Path) -> None:
    """Fail where a wheel holds what it must not, or lacks what it must have."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        for name in names:
            if found := PLACES.search(wheel.read(name)):
                raise SystemExit(f"{path.name}: {name} names a place of the machine that built it: {found[0]!r}")
        for licence in LICENCES:
            if not any(name.endswith(f".dist-info/licenses/{licence}") for name in names):
                raise SystemExit(f"{path.name} lacks {licence}")
        libraries = [name for name in names if re.search(r"/_core\..*(so|pyd)$", name)]
        if len(libraries) != 1:
            raise SystemExit(f"{path.name} has {len(libraries)} compiled parts")
        library = wheel.read(libraries[0])
        if library[:4] == b"\x7fELF" and (left := {".symtab", ".debug_info"} & set(sections(library))):
            raise SystemExit(f"{path.name} is not stripped: {', '.join(sorted(left))}")
        for needed in ("py.typed", "_core.pyi"):
            if f"cascade_sampler/{needed}" not in names:
                raise SystemExit(f"{path.name} lacks {needed}")


def inspect_sources(path: Path) -> None:
    """Fail where an archive of sources lacks licences, or what its README shows or links to."""
    with tarfile.open(path) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames() if "/" in name]
        top = archive.getnames()[0].split("/", 1)[0]
        readme = archive.extractfile(f"{top}/README.md")
        assert readme is not None
        wanted = re.findall(r"""(?:\]\(|\bsrc(?:set)?=")([^)\s#"]+)""", readme.read().decode())
    missing = [name for name in LICENCES if name not in names]
    missing += [link for link in wanted if not link.startswith("http") and link not in names]
    if missing:
        raise SystemExit(f"{path.name} lacks {', '.join(missing)}")
    if odd := [name for name in names if re.search(r"__pycache__|\.(so|pyc|pyd)$|(^|/)\.(venv|hypothesis)", name)]:
        raise SystemExit(f"{path.name} holds what was made: {', '.join(odd)}")


if __name__ == "__main__":
    for each in map(Path, sys.argv[1:]):
        inspect_wheel(each) if each.suffix == ".whl" else inspect_sources(each)
        print(f"{each.name}: as it should be")
