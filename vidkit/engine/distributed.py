"""Process groups on GPUs and on CPUs.

mmengine's own launchers call CUDA even without a GPU, so the group is made here, before its runner looks.
"""

from __future__ import annotations

import os
import subprocess
from typing import Literal

import torch
import torch.distributed as dist

Launcher = Literal["none", "pytorch", "slurm"]


def start_processes(launcher: Launcher) -> None:
    """Join the process group of a job that ``torchrun`` or SLURM started; nothing for "none".

    NCCL where every process has a GPU, gloo on CPUs.

    Raises:
        ValueError: If the launcher has not set the variables it must set.
    """
    if launcher == "none" or dist.is_initialized():
        return
    if launcher == "slurm":
        _variables_from_slurm()
    missing = [name for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR") if name not in os.environ]
    if missing:
        raise ValueError(
            f"--launcher {launcher}: {', '.join(missing)} not set; start the job with "
            "`torchrun --nproc-per-node N -m vidkit train CONFIG --launcher pytorch`"
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        dist.init_process_group("nccl")
    else:
        dist.init_process_group("gloo")


def stop_processes() -> None:
    """Leave the process group, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def wait_for_all() -> None:
    """Wait until every process of the job is here; at once outside of one."""
    if dist.is_available() and dist.is_initialized():
        dist.barrier()


def is_main() -> bool:
    """Return whether this is the process that prints and writes: the only one, or process 0."""
    return not (dist.is_available() and dist.is_initialized()) or dist.get_rank() == 0


def _variables_from_slurm() -> None:
    """Translate SLURM's variables into those of torch."""
    if "SLURM_PROCID" not in os.environ:
        raise ValueError(
            "--launcher slurm: not inside a SLURM job; start it with srun, see tools/slurm_train.sh"
        )
    os.environ["RANK"] = os.environ["SLURM_PROCID"]
    os.environ["WORLD_SIZE"] = os.environ["SLURM_NTASKS"]
    os.environ["LOCAL_RANK"] = os.environ.get("SLURM_LOCALID", "0")
    if "MASTER_ADDR" not in os.environ:
        nodes = os.environ["SLURM_JOB_NODELIST"]
        names = subprocess.run(
            ["scontrol", "show", "hostnames", nodes], capture_output=True, text=True, check=True
        )
        os.environ["MASTER_ADDR"] = names.stdout.split()[0]
    os.environ.setdefault("MASTER_PORT", "29500")
