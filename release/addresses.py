"""Put in where the repository is, which nobody knows before it is published: ``python release/addresses.py URL REF``.

The crate and the package then name it, and links and pictures of the README lead there, since an index shows the README
without the files beside it. REF is a tag of the form "v1.2.3", which must fit the version, or the name of a branch.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path.cwd()


def change(name: str, pattern: str, by: str) -> None:
    """Replace the one place of a file that fits."""
    path = ROOT / name
    text, places = re.subn(pattern, by, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    if not places:
        raise SystemExit(f"{name} has no place for an address: nothing fits {pattern}")
    path.write_text(text, encoding="utf-8")


def absolute(readme: str, url: str, ref: str) -> str:
    """Return the README with links and pictures that hold anywhere."""

    def lead(link: re.Match[str]) -> str:
        picture, target = link[1], link[2]
        if target.startswith(("https://", "http://", "#")):
            return link[0]
        return f"{picture}]({url}/{'raw' if picture.startswith('!') else 'blob'}/{ref}/{target})"

    readme = re.sub(r"(!?\[[^\]]*)\]\(([^)\s]+)\)", lead, readme)
    return re.sub(r'\b(src|srcset)="(?!https?://)', rf'\1="{url}/raw/{ref}/', readme)


def main() -> None:
    """Change the files in the working folder."""
    url, ref = sys.argv[1].rstrip("/"), sys.argv[2]
    version = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if version is None or (re.match(r"v\d", ref) and ref != f"v{version[1]}"):
        raise SystemExit(f"the tag {ref} is not the version of Cargo.toml, {version and version[1]}")
    change("Cargo.toml", r"^(readme = .*)$", rf'\1\nrepository = "{url}"')
    places = {"Repository": url, "Issues": f"{url}/issues", "Changelog": f"{url}/blob/{ref}/CHANGELOG.md"}
    urls = "".join(f'{name} = "{place}"\n' for name, place in places.items())
    change("pyproject.toml", r"^\[project\.scripts\]$", f"[project.urls]\n{urls}\n[project.scripts]")
    readme = ROOT / "README.md"
    readme.write_text(absolute(readme.read_text(encoding="utf-8"), url, ref), encoding="utf-8")


if __name__ == "__main__":
    main()
