"""Extraction in one process: threads read videos while the models run here.

Reading threads decode and preprocess, and hand over through a bounded queue; the calls of a model take rows
of several videos at once. Memory depends neither on the length nor on the number of the videos.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from vidkit.encoders.base import Encoder, SequenceRecipe
from vidkit.features.batches import Batch, Batcher, EncoderCall, WayError
from vidkit.features.one_video import Calls, Clips, Message, Opened
from vidkit.features.outputs import Output, VideoOutputs
from vidkit.features.plan import Item, Job
from vidkit.features.readers import End, Readers

_CORES_PER_READER = 4  # a decoder has threads of its own
_MAX_READERS = 8

OnFinish = Callable[[Path, str | None], None]
OnPart = Callable[[Path, float], None]


def num_readers(num_processes: int = 1) -> int:
    """Return how many videos a process reads at once, where so many processes share the machine.

    Example:
        >>> num_readers(10**6)
        1
    """
    cores = (os.cpu_count() or 1) // num_processes
    return max(1, min(_MAX_READERS, cores // _CORES_PER_READER))


def run_pipeline(
    job: Job,
    next_item: Callable[[], Item | None],
    *,
    readers: int,
    on_finish: OnFinish,
    on_part: OnPart,
) -> None:
    """Extract videos until there are no more; the encoders stand on their device, in eval mode.

    Args:
        job: How features are made.
        next_item: Gives the next video, or None; called from the reading threads.
        readers: Videos that are read at once, > 0.
        on_finish: Called with each video and why it failed, or None.
        on_part: Called with a video at work and the part of it that is read; it may raise to stop.

    Raises:
        OSError: If the disk is full; what is whole stays.
        ValueError: If a batch does not fit into the memory of the device.
        KeyboardInterrupt: On Ctrl-C; what has been read to its end is still written.
    """
    desk = _Desk(job, on_finish)
    try:
        with Readers(job, next_item, readers) as messages:
            for item, message in messages:
                desk.take(item, message)
                if isinstance(message, Clips | Calls):
                    on_part(item.path, message.fraction)
        desk.flush()
        desk.check_empty()
    except KeyboardInterrupt:
        desk.flush_whole()
        raise
    finally:
        desk.close()


@contextmanager
def ready(job: Job) -> Iterator[None]:
    """Put the encoders on the device and into eval mode; then back to how they were."""
    modules = [module for encoder in job.encoders.values() for module in encoder.modules()]
    modes = [module.training for module in modules]
    homes = {name: _device_of(encoder) for name, encoder in job.encoders.items()}
    try:
        for encoder in job.encoders.values():
            encoder.eval()
            if job.device is not None:
                encoder.to(job.device)
        yield
    finally:
        for module, mode in zip(modules, modes):
            module.training = mode
        for name, encoder in job.encoders.items():
            encoder.to(homes[name])


class _Desk:
    """Takes what the readers give, calls the models, and routes the rows to the videos."""

    def __init__(self, job: Job, on_finish: OnFinish) -> None:
        self._job = job
        self._on_finish = on_finish
        self._videos: dict[Path, VideoOutputs] = {}
        self._batchers: dict[str, Batcher[tuple[VideoOutputs, Output]]] = {}
        self._calls = {
            name: EncoderCall(
                encoder, folder=job.folder(name), execution=job.execution, batch_size=job.batch_size
            )
            for name, encoder in job.encoders.items()
        }

    def take(self, item: Item, message: Message | End) -> None:
        """Do what a message asks for."""
        video = self._videos.get(item.path)
        if video is None:
            video = self._videos[item.path] = VideoOutputs(self._job, item, self._finish)
        if isinstance(message, Opened):
            video.opened(message)
        elif isinstance(message, End):
            video.read(message.error)
        else:
            output = video.by_name[message.name]
            if isinstance(message, Calls):
                self._run_calls(video, output, message)
            else:
                self._batch(video, output, message)

    def flush(self) -> None:
        """Run what waits for company."""
        for name, batcher in self._batchers.items():
            for batch in batcher.rest():
                self._run(name, batch)

    def flush_whole(self) -> None:
        """Run what waits for company, where that completes a video."""
        for name, batcher in self._batchers.items():
            if any(output.is_given for _, output in batcher.owners()):
                for batch in batcher.rest():
                    self._run(name, batch)

    def check_empty(self) -> None:
        """Check that each video has been told done or failed, now that nothing waits."""
        assert not self._videos, f"videos that are neither done nor failed: {sorted(self._videos)}"

    def close(self) -> None:
        """Remove what is half-written."""
        for video in self._videos.values():
            video.close()

    def _batch(self, video: VideoOutputs, output: Output, message: Clips) -> None:
        batcher = self._batchers.get(message.name)
        if batcher is None:
            size = self._calls[message.name].batch_size(message.inputs)
            batcher = self._batchers[message.name] = Batcher(size)
        output.num_given += len(message.inputs)
        for batch in batcher.add((video, output), message.inputs):
            self._run(message.name, batch)

    def _run(self, name: str, batch: Batch[tuple[VideoOutputs, Output]]) -> None:
        call = self._calls[name]
        try:
            rows = call.encode(batch.inputs)
        except WayError:
            raise
        except Exception as error:  # whatever the input of one video does to an encoder
            if isinstance(error, torch.OutOfMemoryError):  # as it would with every other
                raise ValueError(
                    f"{len(batch.inputs)} clips of {name} do not fit into the memory of {call.device}; give "
                    "a smaller batch_size (--batch-size)"
                ) from error
            if len(batch.parts) == 1:
                video, output = batch.parts[0][0]
                video.fail(output, error)
            else:  # only the video that did it fails
                for alone in batch.alone():
                    self._run(name, alone)
            return
        start = 0
        for (video, output), count in batch.parts:
            video.append(output, rows[start : start + count], call.computed)
            start += count

    def _run_calls(self, video: VideoOutputs, output: Output, message: Calls) -> None:
        call = self._calls[message.name]
        run = call.sequence if isinstance(call.encoder.recipe, SequenceRecipe) else call.encode
        try:
            rows = message.rows([run(inputs) for inputs in message.inputs])
        except WayError:
            raise
        except Exception as error:  # as above
            if isinstance(error, torch.OutOfMemoryError):
                raise ValueError(
                    f"one call of {message.name} does not fit into the memory of {call.device}"
                ) from error
            video.fail(output, error)
            return
        output.num_given += len(rows)
        video.append(output, rows, call.computed)

    def _finish(self, path: Path, reason: str | None) -> None:
        del self._videos[path]
        self._on_finish(path, reason)


def _device_of(encoder: Encoder) -> torch.device:
    for tensor in (*encoder.parameters(), *encoder.buffers()):
        return tensor.device
    return torch.device("cpu")
