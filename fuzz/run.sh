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

# As cargo-fuzz builds, without building that first. With a target named, build scripts are not checked.
host=$(rustc -vV | sed -n 's/^host: //p')
flags=(--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Ccodegen-units=1)
for option in sanitizer-coverage-{level=4,inline-8bit-counters,pc-table,trace-compares} simplifycfg-branch-fold-threshold=0; do
    flags+=("-Cllvm-args=-$option")
done
RUSTFLAGS=${flags[*]} cargo +nightly build --quiet --locked --release --target "$host" --target-dir "$target"
# Leaks are looked for by means that containers forbid, and the crate has no memory of its own to lose.
export ASAN_OPTIONS=detect_leaks=0 SEED=${FUZZ_SEED:-$RANDOM} target programs=$target/$host/release

# What is new goes to target/fuzz/corpus; the committed corpus is only read.
fuzz() {
    local log=$target/$1.log
    mkdir -p "$target/corpus/$1"
    if "$programs/$1" "$target/corpus/$1" "corpus/$1" \
        -max_total_time="$2" -seed="$SEED" -len_control=0 -max_len=3000 -timeout=30 -rss_limit_mb=4000 \
        -artifact_prefix="artifacts/$1-" -print_final_stats=1 >"$log" 2>&1; then
        echo "fuzz $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, FUZZ_SEED=$SEED: no fault"
    else
        tail -n 60 "$log"
        echo "fuzz $1: A FAULT, FUZZ_SEED=$SEED; $programs/$1 does it again with the input in fuzz/artifacts/"
        return 1
    fi
}
export -f fuzz
mkdir -p artifacts
for program in fuzz_targets/*.rs; do basename "$program" .rs; done | xargs -P 2 -I {} bash -c "fuzz {} $seconds"
