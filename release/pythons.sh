#!/usr/bin/env bash
# Lists the CPythons from 3.10 on that this machine has, one of each version, the oldest first: "10 /usr/bin/python3.10".
# Where there is none it fails.
set -euo pipefail
found=$(for candidate in "$HOME"/.pyenv/versions/3.*/bin/python /usr/bin/python3.?? /usr/local/bin/python3.?? \
    /opt/hostedtoolcache/Python/3.*/x64/bin/python; do
    [ -x "$candidate" ] || continue
    "$candidate" -c 'import sys
if sys.implementation.name == "cpython" and sys.version_info >= (3, 10):
    print(sys.version_info.minor, sys.executable)' 2>/dev/null || true
done | sort -n -u -k1,1)
[ -n "$found" ] || { echo "no Python from 3.10 on was found" >&2; exit 1; }
echo "$found"
