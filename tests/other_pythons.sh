#!/usr/bin/env bash
# Runs the wheel in dist/ on the oldest and the newest Python from 3.10 on that this machine has, with what those resolve
# numpy and torch to, and without any dataframe library. The argument is uv.
set -euo pipefail
uv=$1
cd "$(dirname "$0")"

versions() {
    local candidate
    for candidate in "$HOME"/.pyenv/versions/3.*/bin/python /usr/bin/python3.?? /usr/local/bin/python3.??; do
        [ -x "$candidate" ] || continue
        "$candidate" -c 'import sys
if sys.implementation.name == "cpython" and sys.version_info >= (3, 10):
    print(sys.version_info.minor, sys.executable)' 2>/dev/null || true
    done | sort -n -u -k1,1
}

mapfile -t found < <(versions)
[ "${#found[@]}" -gt 0 ] || { echo "no Python from 3.10 on was found"; exit 1; }
if [ "${#found[@]}" -eq 1 ] && [ "${CI:-}" = true ]; then
    echo "CI must have two Pythons, found only ${found[0]}"
    exit 1
fi
for each in "${found[0]}" "${found[-1]}"; do
    python=${each#* }
    env=../.venv-other
    "$uv" venv --quiet --clear --no-python-downloads --python "$python" "$env"
    "$uv" pip install --quiet --python "$env/bin/python" ../dist/*.whl pytest hypothesis
    "$env/bin/python" -c 'import sys, numpy, torch, cascade_sampler as c
print("Python", sys.version.split()[0], "numpy", numpy.__version__, "torch", torch.__version__, "cascade-sampler", c.__version__)'
    "$env/bin/python" -m pytest -m "not frames" test_known_answers.py test_oracle.py test_epochs.py test_arrays.py test_log.py \
        test_distribution.py test_processes.py test_viscy.py
done
