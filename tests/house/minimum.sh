#!/usr/bin/env bash
# Runs a wheel on the oldest Python from 3.10 on that this machine has, with the lowest versions that pyproject.toml and
# minimum.in allow. The arguments are uv and the folder of the wheel.
#
# Left out are the extras lightning and sentence-transformers, whose lowest versions ask for a newer torch than the lowest
# one, and are what tests/clients runs; and the tests of reports, indexes and processes, which take nothing of a library
# that those of tables and of the command do not take too.
set -euo pipefail
uv=$1
wheels=$2
cd "$(dirname "$0")/.."

pythons=$(../release/pythons.sh)
read -r _ python <<< "$pythons"
env=../.venv-minimum
"$uv" venv --quiet --clear --no-python-downloads --python "$python" "$env"
"$uv" pip install --quiet --python "$env/bin/python" --resolution lowest-direct --no-build \
    -r ../pyproject.toml --extra cli --extra report -r house/minimum.in
"$uv" pip install --quiet --python "$env/bin/python" --no-deps "$wheels"/*-abi3-*.whl
"$env/bin/python" -c 'import sys, importlib.metadata as m
print("Python", sys.version.split()[0], *(f"{name} {m.version(name)}" for name in
    ("numpy", "torch", "pandas", "polars", "pyarrow", "click", "rich", "matplotlib", "cascade-sampler")))'
"$env/bin/python" -m pytest -W default rules/test_known_answers.py \
    samplers/test_arrays.py samplers/test_epochs.py samplers/test_state.py \
    tables/test_tables.py tables/test_tables_{columns,files,labels,shown}.py \
    command/test_cli.py command/test_cli_dealt.py command/test_cli_index.py
