#!/usr/bin/env bash
# Makes the environment that holds both the wheel and upstream's own sampler. The arguments are uv and the folder of the wheel.
set -euo pipefail
uv=$1
wheels=$2
cd "$(dirname "$0")/../.."

# What holds upstream's sampler asks for this very Python.
python=$(release/pythons.sh | sed -n 's/^12 //p')
[ -n "$python" ] || { echo "no Python 3.12 was found, which viscy-data takes"; exit 1; }
env=.venv-upstream
"$uv" venv --quiet --clear --no-python-downloads --python "$python" "$env"
"$uv" pip install --quiet --python "$env/bin/python" "$wheels"/*-abi3-*.whl numpy pandas torch pytest -r benches/requirements.txt
# Its other modules take far more than the sampler does.
"$uv" pip install --quiet --python "$env/bin/python" --no-deps viscy-data==0.1.0
"$env/bin/python" -c 'import numpy, pandas, torch
print("numpy", numpy.__version__, "pandas", pandas.__version__, "torch", torch.__version__)'
# Upstream's own tests come with its source alone.
sources=$env/upstream-source
mkdir -p "$sources"
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$sources" viscy-data==0.1.0
tar -xzf "$sources"/viscy_data-0.1.0.tar.gz -C "$sources" --strip-components 1
