#!/usr/bin/env bash
# Fuzzes the crate against its oracles, two targets at a time, each for so many seconds (the first argument).
#
# libFuzzer and the sanitizers come with a nightly toolchain alone. Without one, on a machine that is not CI's, what is
# in the corpus and drawn bytes are put through the same attacks, and it is said.
set -euo pipefail
seconds=$1
cd "$(dirname "$0")"
target=$PWD/../target/fuzz
mkdir -p "$target/corpus"

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "make fuzz: NO NIGHTLY TOOLCHAIN, so nothing is fuzzed: 'rustup toolchain install nightly' brings one."
    [ "${CI:-}" != true ] || exit 1
    echo "make fuzz: the corpus and drawn bytes are put through the same attacks instead."
    exec cargo test --locked --quiet --target-dir "$target"
fi

tools=$PWD/../.tools
export PATH=$tools/bin:$PATH
command -v cargo-fuzz >/dev/null ||
    cargo install --quiet --locked --debug --root "$tools" --target-dir "$target" cargo-fuzz@0.13.2
# Leaks are looked for by means that containers forbid, and the crate has no memory of its own to lose.
export CARGO_TARGET_DIR=$target ASAN_OPTIONS=detect_leaks=0 SEED=${FUZZ_SEED:-$RANDOM}
cargo +nightly fuzz build 2>"$target/build.log" || { cat "$target/build.log"; exit 1; }

# What is new goes to target/fuzz/corpus; the committed corpus is only read.
fuzz() {
    local log=$CARGO_TARGET_DIR/$1.log
    mkdir -p "$CARGO_TARGET_DIR/corpus/$1"
    if "$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/release/$1" "$CARGO_TARGET_DIR/corpus/$1" "corpus/$1" \
        -max_total_time="$2" -seed="$SEED" -len_control=0 -max_len=3000 -timeout=30 -rss_limit_mb=4000 \
        -artifact_prefix="artifacts/$1-" -print_final_stats=1 >"$log" 2>&1; then
        echo "fuzz $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, FUZZ_SEED=$SEED: no fault"
    else
        tail -n 60 "$log"
        echo "fuzz $1: A FAULT, FUZZ_SEED=$SEED; the input is in fuzz/artifacts/: cargo +nightly fuzz run $1 fuzz/artifacts/$1-..."
        return 1
    fi
}
export -f fuzz
mkdir -p artifacts
cargo +nightly fuzz list | xargs -P 2 -I {} bash -c "fuzz {} $seconds"
