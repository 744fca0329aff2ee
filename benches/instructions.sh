#!/usr/bin/env bash
# Counts the instructions of a batch, built, passed and dealt, and writes benches/instructions.tsv. What is planned before is
# taken off: the count of 1500 batches less that of 500.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind > /dev/null || { echo "valgrind was not found: apt-get install valgrind"; exit 1; }
binary=$(cargo bench --quiet --locked --bench instructions --no-run --message-format=json |
    sed -nE 's/.*"name":"instructions".*"executable":"([^"]+)".*/\1/p')

count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$@" 2>&1 | sed -nE 's/.*Collected : //p'
}

out=benches/instructions.tsv
{
    echo "# Instructions of a batch of 256 over a million rows, counted by callgrind. Written by make instructions."
    echo "# $(rustc --version), $(uname -m)"
    printf 'case\tbatch\tpass\tdeal\n'
    for case in $("$binary"); do
        printf '%s' "$case"
        for what in batch pass deal; do
            printf '\t%s' $((($(count "$case" $what 1500) - $(count "$case" $what 500)) / 1000))
        done
        printf '\n'
    done
} > "$out.part"
mv "$out.part" "$out"
cat "$out"
