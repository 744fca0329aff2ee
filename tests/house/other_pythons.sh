#!/usr/bin/env bash
# Runs the wheel on the oldest and the newest Python from 3.10 on that this machine has, with what those resolve
# numpy and torch to, and without any dataframe library. The arguments are uv and
# the folder of the wheel.
set -euo pipefail
uv=$1
wheels=$2
cd "$(dirname "$0")/.."

pythons=$(../release/pythons.sh)
mapfile -t found <<< "$pythons"
if [ "${#found[@]}" -eq 1 ] && [ "${CI:-}" = true ]; then
    echo "CI must have two Pythons, found only ${found[0]}"
    exit 1
fi
for each in "${found[0]}" "${found[-1]}"; do
    python=${each#* }
    env=../.venv-other
    "$uv" venv --quiet --clear --no-python-downloads --python "$python" "$env"
    "$uv" pip install --quiet --python "$env/bin/python" "$wheels"/*-abi3-*.whl pytest hypothesis
    "$env/bin/python" -c 'import sys, numpy, torch, cascade_sampler as c
print("Python", sys.version.split()[0], "numpy", numpy.__version__, "torch", torch.__version__, "cascade-sampler", c.__version__)'
    "$env/bin/python" -m pytest -m "not frames" \
        rules/test_known_answers.py rules/test_oracle.py rules/test_distribution.py samplers/test_epochs.py \
        samplers/test_arrays.py samplers/test_log.py samplers/test_processes.py viscy/test_viscy.py
done
