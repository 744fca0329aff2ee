"""Build one wheel as it is published: ``python release/build_wheel.py OUT [--target TARGET] [--interpreter PYTHON]``.

On Linux zig links against the oldest glibc that the tag promises. Nothing in the wheel tells where it was built.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path.cwd()


def flags() -> str:
    """Return what makes the compiler forget where sources lie."""
    cargo = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
    places = {str(ROOT): "cascade-sampler", str(cargo): "cargo", sysroot: "rust"}
    # Separated by what no path holds, since a path may hold spaces.
    return "\x1f".join(f"--remap-path-prefix={place}=/{name}" for place, name in places.items())


def build(out: Path, target: str | None, compatibility: str | None, interpreter: str | None) -> Path:
    """Run maturin, and return the wheel."""
    command = [sys.executable, "-m", "maturin", "build", "--release", "--locked", "--strip", "--out", str(out)]
    if sys.platform == "linux":
        command += ["--zig", "--compatibility", compatibility or "manylinux2014"]
    command += ["--target", target] if target else []
    command += ["--interpreter", interpreter] if interpreter else []
    # maturin looks for zig and cargo-zigbuild beside its own Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "CARGO_ENCODED_RUSTFLAGS": flags()}
    environment.pop("RUSTFLAGS", None)
    subprocess.run(command, check=True, env=environment)
    (wheel,) = out.glob("*.whl")
    return wheel


def neutral(bill: bytes) -> bytes:
    """Return a bill of materials without the time and the place where it was made."""
    text = bill.decode().replace(ROOT.resolve().as_uri(), "file:///cascade-sampler")
    materials = json.loads(text)
    materials.pop("serialNumber", None)
    materials["metadata"].pop("timestamp", None)
    return json.dumps(materials, indent=1).encode()


def forget_the_place(wheel: Path, to: Path) -> None:
    """Write the wheel anew with a neutral bill of materials, and with the record that fits it."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as written:
        lines: dict[str, str] = {}
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                record = entry
                continue
            if "/sboms/" in entry.filename:
                content = neutral(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines[entry.filename] = f"{entry.filename},sha256={digest},{len(content)}"
            written.writestr(entry, content, zipfile.ZIP_DEFLATED)
        written.writestr(record, "\n".join([*lines.values(), f"{record.filename},,", ""]), zipfile.ZIP_DEFLATED)


def main() -> None:
    """Build the wheel that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--target")
    parser.add_argument("--compatibility")
    parser.add_argument("--interpreter")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        wheel = build(Path(place), arguments.target, arguments.compatibility, arguments.interpreter)
        forget_the_place(wheel, arguments.out / wheel.name)
        print(arguments.out / wheel.name)


if __name__ == "__main__":
    main()
