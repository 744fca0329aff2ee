#!/usr/bin/env bash
# Builds a CPython without the lock of the interpreter from Debian's source package, and prints where it is. It is kept
# outside of the repository, since building takes minutes. Prints nothing where it cannot be had.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cascade-sampler
python=$cache/python-3.13t/bin/python3.13t
if [ ! -x "$python" ]; then
    command -v apt-get >/dev/null || exit 0
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work"/lists/partial "$work"/cache/archives/partial
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb-src [signed-by=$key] http://deb.debian.org/debian trixie main" >"$work/sources.list"
    options=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists"
        -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
    cd "$work"
    {
        apt-get "${options[@]}" update -qq
        apt-get "${options[@]}" source -qq --download-only python3.13
        tar -xJf python3.13_*.orig.tar.xz
        cd Python-3.13.*/
        ./configure -q --disable-gil --without-ensurepip --disable-test-modules --prefix="$cache/python-3.13t"
        # It is there to run tests, not to be fast.
        make -s -j"$(nproc)" OPT='-DNDEBUG -O1 -w'
        make -s install OPT='-DNDEBUG -O1 -w'
    } >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        exit 0
    }
fi
echo "$python"
