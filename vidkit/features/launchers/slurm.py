"""Extraction as a job array of SLURM, through submitit.

Needs ``pip install 'vidkit[slurm]'``. Each task of the array extracts one shard. A task that is preempted or
reaches its time limit is queued again by submitit and goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidkit.features.extract import ExtractReport
from vidkit.features.launchers.shards import Launch, Outcome, ShardJob, split

try:
    import submitit
except ImportError as error:
    raise ImportError("the slurm launcher needs submitit: pip install 'vidkit[slurm]'") from error

LOGS = ".slurm"
_SECONDS_BETWEEN_LOOKS = 0.5
# Words of sbatch, and what submitit calls them.
_SUBMITIT_NAMES = {"gpus": "gpus_per_node", "cpus": "cpus_per_task", "time": "slurm_time"}
_GENERIC = {"gpus_per_node", "cpus_per_task", "mem_gb", "timeout_min", "nodes", "name", "tasks_per_node"}


def on_slurm(num_tasks: int, options: Mapping[str, Any]) -> Launch:
    """Return a launcher that submits an array of ``num_tasks`` tasks and waits for it.

    Logs stand in ``<out>/.slurm``. Ctrl-C cancels the array.

    Args:
        num_tasks: Shards, > 0.
        options: Of sbatch by their names (``partition``, ``time``, ``account``, ...), ``gpus``, ``cpus`` and
            ``mem_gb`` of a task; ``cluster="local"`` runs the tasks on this machine, for a trial.
    """
    settings = dict(options)
    cluster = settings.pop("cluster", "slurm")

    def launch(job: ShardJob, videos: Sequence[Path]) -> Iterator[Outcome]:
        executor = submitit.AutoExecutor(folder=job.out / LOGS / "%j", cluster=cluster)
        executor.update_parameters(**submitit_parameters(settings))
        shards = split(videos, num_tasks)
        tasks = executor.map_array(_Task(job), shards)
        waiting = dict(zip(tasks, shards))
        try:
            while waiting:
                ended = [task for task in waiting if task.done()]
                for task in ended:
                    yield _outcome(task, waiting.pop(task))
                if not ended:
                    time.sleep(_SECONDS_BETWEEN_LOOKS)
        finally:
            for task in waiting:
                task.cancel()

    return launch


def submitit_parameters(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of sbatch as submitit takes them.

    Example:
        >>> submitit_parameters({"partition": "gpu", "gpus": 1, "mem_gb": 32})
        {'slurm_partition': 'gpu', 'gpus_per_node': 1, 'mem_gb': 32}
    """
    renamed = {_SUBMITIT_NAMES.get(key, key): value for key, value in options.items()}
    return {
        key if key in _GENERIC or key.startswith("slurm_") else f"slurm_{key}": value
        for key, value in renamed.items()
    }


@dataclass
class _Task(submitit.helpers.Checkpointable):
    """A shard as submitit runs it, queued again with the same videos when it is preempted."""

    job: ShardJob

    def __call__(self, videos: Sequence[Path]) -> ExtractReport:
        return self.job(videos)


def _outcome(task: Any, videos: Sequence[Path]) -> Outcome:
    error = task.exception()
    if error is None:
        return Outcome(videos, report=task.result())
    last = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
    log = task.paths.stderr
    return Outcome(videos, reason=f"its task {task.job_id} died ({last}); read {log} and run again")
