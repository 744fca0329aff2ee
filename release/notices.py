"""Write the licences of all that is linked into the wheel: ``python release/notices.py [--check]``.

What is linked is what the crate needs when it runs, with all of its features, on any platform that wheels are made for.
What only builds or tests it is not, nor are procedural macros, which run in the compiler.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
NOTICES = ROOT / "THIRD-PARTY-NOTICES.txt"
STANDARD_LIBRARY = Path(__file__).with_name("rust-standard-library.txt")
NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")
PLATFORMS = (
    *(
        f"{processor}-{rest}"
        for processor in ("x86_64", "aarch64")
        for rest in ("unknown-linux-gnu", "unknown-linux-musl")
    ),
    *(f"{processor}-apple-darwin" for processor in ("x86_64", "aarch64")),
    "x86_64-pc-windows-msvc",
)
HEAD = """The compiled part of cascade-sampler contains the software below, under these licences. Where a crate may be
had under one of several, it is taken under the one that is given here. `python release/notices.py` writes this file.
"""


def linked() -> Iterator[dict[str, Any]]:
    """Yield the crates that are linked, in the order of their names."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    command += [word for platform in PLATFORMS for word in ("--filter-platform", platform)]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    waiting, seen = [found["resolve"]["root"]], set()
    while waiting:
        for needed in nodes[waiting.pop()]["deps"]:
            package = packages[needed["pkg"]]
            runs = any(kind["kind"] is None for kind in needed["dep_kinds"])
            macro = any("proc-macro" in target["kind"] for target in package["targets"])
            if runs and not macro and package["id"] not in seen:
                seen.add(package["id"])
                waiting.append(package["id"])
    yield from sorted((packages[each] for each in seen), key=lambda package: (package["name"], package["version"]))


def texts(package: dict[str, Any]) -> list[str]:
    """Return the licence that is taken, and what else a crate says of its authors."""
    files = sorted(
        path for path in Path(package["manifest_path"]).parent.iterdir() if path.name.upper().startswith(NAMES)
    )
    choices = (package["license"] or "").replace("/", " OR ").split(" OR ")
    if "MIT" in [choice.strip(" ()") for choice in choices] and any("MIT" in path.name.upper() for path in files):
        others = ("APACHE", "UNLICENSE", "BSD", "ZLIB", "BOOST")
        files = [path for path in files if not any(word in path.name.upper() for word in others)]
    if not files:
        raise SystemExit(f"{package['name']} {package['version']} ships no text of its licence, {package['license']}")
    return [path.read_text(encoding="utf-8").strip() for path in files]


def notices() -> str:
    """Return the file: each text once, under all crates that it covers."""
    covered: dict[str, list[str]] = {}
    for package in linked():
        name = f"{package['name']} {package['version']} ({package['license']})"
        for text in texts(package):
            covered.setdefault("\n".join(line.rstrip() for line in text.splitlines()), []).append(name)
    parts = [HEAD, *("\n".join(names) + "\n\n" + text + "\n" for text, names in covered.items())]
    parts.append(STANDARD_LIBRARY.read_text(encoding="utf-8"))
    return f"\n{'-' * 100}\n\n".join(parts)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        NOTICES.write_text(notices(), encoding="utf-8")
    elif NOTICES.read_text(encoding="utf-8") != notices():
        raise SystemExit(f"{NOTICES.name} is not what is linked today; write it with `python release/notices.py`")
