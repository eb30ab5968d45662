#!/usr/bin/env bash
# Trains with several processes on this machine, one a GPU (on the CPU where there is none):
#   tools/dist_train.sh CONFIG PROCESSES [options of vidkit train]
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: tools/dist_train.sh CONFIG PROCESSES [options of vidkit train]" >&2
    exit 2
fi
config=$1 processes=$2
shift 2
exec torchrun --standalone --nproc-per-node "$processes" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
