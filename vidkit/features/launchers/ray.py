"""Extraction on a Ray cluster, or on a local one that is started for the job.

Needs ``pip install 'vidkit[ray]'``. Actors build the encoders once and take a few videos at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vidkit.features.extract import ExtractReport
from vidkit.features.launchers.shards import Launch, Outcome, ShardJob

try:
    import ray
    from ray.exceptions import RayActorError
except ImportError as error:
    raise ImportError("the ray launcher needs ray: pip install 'vidkit[ray]'") from error

_VIDEOS_PER_TASK = 16  # enough that short ones fill a batch, few enough that a dead actor costs little


def on_ray(num_actors: int) -> Launch:
    """Return a launcher that shares the videos among actors.

    The cluster is that of ``RAY_ADDRESS``, else a new one on this machine, which ends with the job. An actor
    gets a GPU where the job's device is one. The videos of an actor that died are tried again in halves; one
    that kills its actor alone has failed.

    Args:
        num_actors: Processes, > 0.
    """

    def launch(job: ShardJob, videos: Sequence[Path]) -> Iterator[Outcome]:
        is_mine = not ray.is_initialized()
        if is_mine:
            ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
        try:
            yield from _run(job, videos, min(num_actors, len(videos)))
        finally:
            if is_mine:
                ray.shutdown()

    return launch


class _Actor:
    def __init__(self, job: ShardJob) -> None:
        self._job = job
        self._built = job.build()

    def extract(self, videos: Sequence[Path]) -> ExtractReport:
        return self._job(videos, built=self._built)


def _run(job: ShardJob, videos: Sequence[Path], num_actors: int) -> Iterator[Outcome]:
    total = ray.cluster_resources()
    on_gpu = (job.device or "cuda").startswith("cuda") and total.get("GPU", 0) >= 1
    cpus = max(1, int(total.get("CPU", 1)) // num_actors)
    kind = ray.remote(num_cpus=cpus, num_gpus=int(on_gpu))(_Actor)
    size = max(1, min(_VIDEOS_PER_TASK, len(videos) // num_actors))
    queue = deque(list(videos[first : first + size]) for first in range(0, len(videos), size))
    running: dict[Any, tuple[Any, list[Path]]] = {}
    for _ in range(num_actors):
        _give(kind.remote(job), queue, running)
    while running:
        (ended, *_), _ = ray.wait(list(running), num_returns=1)
        actor, shard = running.pop(ended)
        try:
            yield Outcome(shard, report=ray.get(ended))
        except RayActorError:
            actor = kind.remote(job)
            if len(shard) > 1:
                middle = len(shard) // 2
                queue.extend([shard[:middle], shard[middle:]])
            else:
                yield Outcome(
                    shard, reason="the actor that read it died: out of memory, or its decoder crashed"
                )
        _give(actor, queue, running)


def _give(actor: Any, queue: deque[list[Path]], running: dict[Any, tuple[Any, list[Path]]]) -> None:
    if queue:
        shard = queue.popleft()
        running[actor.extract.remote(shard)] = (actor, shard)
