#!/usr/bin/env bash
# The core's tests under the address sanitizer, which comes with a nightly toolchain alone. They check overflows and
# assertions too, as every build of tests does.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "make sanitize: NO NIGHTLY TOOLCHAIN, so no addresses are checked: 'rustup toolchain install nightly' brings one."
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi
# Leaks are looked for by means that containers forbid. With a target named, build scripts are not checked. Half of the
# optimisation takes half of the time to compile.
CARGO_PROFILE_TEST_OPT_LEVEL=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0 PROPTEST_CASES=${PROPTEST_CASES:-32} \
    cargo +nightly test --quiet --locked --features file --lib --tests --target "$(rustc -vV | sed -n 's/^host: //p')" \
    --target-dir target/sanitize
