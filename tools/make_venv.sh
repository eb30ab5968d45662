#!/usr/bin/env bash
# Makes the environment that the Makefile uses: tools/make_venv.sh [FOLDER]
# Takes uv where there is one (or can be installed), else venv and pip. Tells the time it took.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${1:-.venv}
extras=test,dev,docs
start=$(date +%s)

right_version='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))'

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.12 python3.13 python3.11 python3.10 python; do
        if "$name" -c "$right_version" >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
}

make_venv() {
    local python uv=
    command -v uv >/dev/null && uv=uv
    python=$(find_python)
    if [ -z "$python" ]; then
        if [ -n "$uv" ]; then
            python=3.12 # uv fetches it
        else
            echo "vidkit needs Python 3.10, 3.11, 3.12 or 3.13, and none was found; install one, or name it: make setup PYTHON=/path/to/python" >&2
            exit 2
        fi
    fi
    if [ -n "$uv" ]; then
        uv venv --quiet --python "$python" "$venv"
    elif ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "$python cannot make an environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 2
    fi
}

install() {
    local uv
    if command -v uv >/dev/null; then
        uv=uv
    elif [ -x "$venv/bin/uv" ] || "$venv/bin/python" -m pip install --quiet uv; then
        uv=$venv/bin/uv
    else
        uv=
    fi
    if [ -n "$uv" ]; then
        # uv has no eyes for pip's settings: the same index is named to it.
        if [ -n "${PIP_INDEX_URL:-}" ] && [ -z "${UV_DEFAULT_INDEX:-}" ]; then
            export UV_DEFAULT_INDEX=$PIP_INDEX_URL
        fi
        "$uv" pip install --quiet --python "$venv/bin/python" -e ".[$extras]" && return
        echo "uv could not install it; trying with pip" >&2
        [ -x "$venv/bin/pip" ] || "$venv/bin/python" -m ensurepip --upgrade >/dev/null
    fi
    "$venv/bin/python" -m pip install --quiet --upgrade pip
    "$venv/bin/python" -m pip install --quiet -e ".[$extras]"
}

if [ ! -x "$venv/bin/python" ]; then
    echo "set-up: making $venv (torch for Linux brings CUDA along: several GB the first time)"
    make_venv
else
    echo "set-up: bringing $venv up to date"
fi
install
echo "set-up: $(($(date +%s) - start)) s"
