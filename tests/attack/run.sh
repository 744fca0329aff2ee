#!/usr/bin/env bash
# The attacks of Python, and the suite of the core, on a build that checks overflows and its own assertions: two at a
# time, so that both cores of a small machine work. The argument is the Python of an environment with the tests' packages.
set -euo pipefail
python=$1
cd "$(dirname "$0")/../.."
target=$PWD/target/checked
export CASCADE_ATTACK_SEED=${CASCADE_ATTACK_SEED:-$RANDOM} CASCADE_ATTACK_SECONDS=${CASCADE_ATTACK_SECONDS:-60}

cargo build --quiet --locked --profile checked --features python --target-dir "$target"
rm -rf "$target/python"
mkdir -p "$target/python"
cp -r python/cascade_sampler "$target/python/"
cp "$target/checked/libcascade_sampler.so" "$target/python/cascade_sampler/_core.abi3.so"
# Before what is installed in the environment.
export PYTHONPATH=$target/python

attack() {
    local name=$1 folder=$2 log=$target/$1.log
    shift 2
    if (cd "$folder" && "$python" -m pytest -p no:cacheprovider -s "$@") >"$log" 2>&1; then
        grep -E "attempts|: CASCADE|passed" "$log" | sed "s/^/$name: /"
    else
        cat "$log"
        echo "$name: A FAULT; CASCADE_ATTACK_SEED=$CASCADE_ATTACK_SEED does it again"
        return 1
    fi
}

seed=(--hypothesis-profile=attack --hypothesis-seed="$CASCADE_ATTACK_SEED")
attack calls tests/attack "${seed[@]}" test_core_calls.py test_hostile_tables.py &
first=$!
attack pressure tests/attack test_memory_steps.py test_interrupts.py test_threads.py test_states.py &
second=$!
failed=0
wait $first || failed=1
attack checked-core tests -q rules/test_known_answers.py rules/test_oracle.py rules/test_dealt_oracle.py \
    samplers/test_epochs.py samplers/test_ranks.py samplers/test_arrays.py tables/test_temporal.py tables/test_bad_input.py \
    report/test_explain.py || failed=1
wait $second || failed=1
exit $failed
