#!/usr/bin/env bash
# Makes every artefact that this machine can make in dist/, and checks each. Arguments: uv, the environment of the tools.
# Wheels are built from the unpacked sdist, in a folder without git, so whoever installs the sdist builds the same.
set -euo pipefail
uv=$1
tools=$2
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=$root/target/release-artefacts

step() { printf '\n== %s\n' "$*"; }

if [ -n "$(git status --porcelain 2>/dev/null)" ]; then
    echo "Files are not committed, and a release is made of what is committed: see git status." >&2
    exit 1
fi

step notices of what is linked
python3 release/notices.py --check
rm -rf dist
mkdir dist

step sdist
"$tools/bin/maturin" sdist --out dist
sdist=$(echo dist/*.tar.gz)
tar -xzf "$sdist" -C "$work"
unpacked=$(echo "$work"/cascade_sampler-*)

# $1: wheel
check_tag() {
    "$tools/bin/auditwheel" show "$1" | tee "$work/tag"
    tr '\n' ' ' <"$work/tag" | grep -q 'consistent with the following platform tag: "manylinux_2_17_x86_64"'
}

step "wheel for every CPython from 3.10 on, manylinux2014"
(cd "$unpacked" && "$tools/bin/python" release/build_wheel.py "$root/dist")
wheel=$(echo dist/*-abi3-manylinux*.whl)
check_tag "$wheel"
"$tools/bin/abi3audit" --strict "$wheel"

# $1: python, $2: wheel, the rest: what else is installed
try() {
    local python=$1 wheel=$2
    shift 2
    "$uv" venv --quiet --clear --no-python-downloads --python "$python" "$work/env"
    "$uv" pip install --quiet --python "$work/env/bin/python" "$root/$wheel" "$@"
    (cd "$work" && "$work/env/bin/python" "$unpacked/release/smoke.py")
}

step the wheel by itself under each Python
release/pythons.sh | while read -r _ python; do try "$python" "$wheel"; done

step tests from the sdist
"$uv" pip install --quiet --python "$work/env/bin/python" pytest
(cd "$unpacked/tests" && "$work/env/bin/python" -m pytest -p no:cacheprovider -m "not frames and not slow" \
    rules/test_known_answers.py house/test_package.py house/test_release.py)

# PyO3 takes them from 3.14 on.
if free=$(command -v python3.14t); then
    step "wheel for a CPython without its lock"
    (cd "$unpacked" && "$tools/bin/python" release/build_wheel.py "$root/dist" --interpreter "$free")
    threaded=$(echo dist/*-cp314t-manylinux*.whl)
    check_tag "$threaded"
    try "$free" "$threaded" pytest hypothesis
    (cd "$unpacked/tests" && "$work/env/bin/python" -m pytest -p no:cacheprovider -m "not frames" \
        rules/test_known_answers.py samplers/test_processes.py)
else
    echo "There is no python3.14t here, so the wheel for a CPython without its lock is left to the release workflow."
fi

step crate
cargo package --locked --quiet
cargo publish --dry-run --locked --quiet --no-verify
cp "$CARGO_TARGET_DIR"/package/cascade-sampler-*.crate dist/
tar -xzf dist/*.crate -C "$work"
(cd "$work"/cascade-sampler-* && cargo test --quiet --locked --features file)

step "what is in them, and how an index reads them"
"$tools/bin/python" release/inspect_artefacts.py dist/*.whl dist/*.tar.gz dist/*.crate
"$tools/bin/twine" check --strict dist/*.whl dist/*.tar.gz
"$tools/bin/check-wheel-contents" dist/*.whl

cat <<'END'

What was made, and the checks that it passed:
  *-abi3-manylinux*.whl  built from the sdist without git; auditwheel, abi3audit --strict, twine check --strict,
                         check-wheel-contents; stripped, no place of this machine, licences; smoke test under each Python
  *-cp314t-*.whl         the same but for abi3audit, and the tests of threads; only where there is a python3.14t
  *.tar.gz               twine check --strict, licences, all that the README shows; tests run from it
  *.crate                cargo package, cargo publish --dry-run, licences, all that the README shows; cargo test in it
END
(cd dist && sha256sum ./*.whl ./*.tar.gz ./*.crate | tee SHA256SUMS)
touch dist/.built
