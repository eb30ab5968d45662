#!/usr/bin/env bash
# Trains under Slurm and survives preemption and time limits: the job asks to be put back in the queue two
# minutes before its end, and goes on from the last checkpoint. Copy it, fit the lines below, then
#   sbatch tools/slurm_train.sh CONFIG WORK_DIR [options of vidkit train]
#SBATCH --job-name=vidkit
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1          # one process a GPU
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=8
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120          # to this script, 120 s before the end
#SBATCH --output=%x-%j.log
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: sbatch tools/slurm_train.sh CONFIG WORK_DIR [options of vidkit train]" >&2
    exit 2
fi
config=$1 work_dir=$2
shift 2

# source /path/to/.venv/bin/activate
# export VIDKIT_DATA=/path/to/data

back_to_the_queue() {
    echo "out of time: job $SLURM_JOB_ID goes back to the queue"
    scontrol requeue "$SLURM_JOB_ID"
}
trap back_to_the_queue USR1

# --resume begins anew where there is no checkpoint yet.
srun vidkit train "$config" --work-dir "$work_dir" --launcher slurm --resume "$@" &
wait $!
