"""Where the rows of a model go: one file for each video and encoder, whole or not at all.

Shapes: N rows, D channels.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.features.failures import forget_failure, record_failure
from vidkit.features.npy_writer import NpyWriter
from vidkit.features.one_video import Opened
from vidkit.features.plan import Item, Job
from vidkit.features.sidecar import num_clips_of

# What makes every further video fail as well: a full disk, a quota, a limit on file sizes.
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class Output:
    """The features of one video by one encoder, which come in rows and in order.

    The file appears with the last row. It is opened with the first, so that only videos at work hold one.

    Args:
        job: How features are made.
        item: The video.
        name: Of the encoder.
        duration_seconds: Length of the video.
    """

    def __init__(self, job: Job, item: Item, name: str, duration_seconds: float) -> None:
        self.name = name
        self.num_clips = num_clips_of(duration_seconds, job.clip_seconds)
        self.num_given = 0  # rows whose inputs have come; those of the file follow
        self.is_over = False  # there is the file, or a reason why not
        self._features = job.store.encoder(name)
        self._overwrite = job.overwrite
        self._video_id = item.path.stem
        self._sidecar: dict[str, Any] = {
            **job.sidecars[name],
            "num_clips": self.num_clips,
            "duration_seconds": duration_seconds,
            "source": dict(item.source),
        }
        self._stack = ExitStack()
        self._writer: NpyWriter | None = None

    @property
    def is_given(self) -> bool:
        """Whether the inputs of all rows have come."""
        return self.num_given == self.num_clips

    def append(self, rows: NDArray[np.float32], computed: Mapping[str, str]) -> None:
        """Write the next rows, (N, D); with the last ones the file appears.

        Args:
            rows: The features.
            computed: What the sidecar says of the device and the way in which they were computed.

        Raises:
            ValueError: If the rows have another width, hold NaN or infinity, or outnumber the clips.
            OSError: If they cannot be written.
        """
        if self._writer is None:
            sidecar = {**self._sidecar, "computed": dict(computed)}
            writing = self._features.writing(self._video_id, sidecar, overwrite=self._overwrite)
            self._writer = self._stack.enter_context(writing)
        self._writer.append(rows)
        if self._writer.num_rows > self.num_clips:
            raise self.miscounted(self._writer.num_rows)
        if self._writer.num_rows == self.num_clips:
            self._stack.close()
            self.is_over = True
            forget_failure(self._features.folder, self._video_id)

    def miscounted(self, count: int) -> ValueError:
        """Return the error of an encoder that gives another number of rows than there are clips."""
        return ValueError(
            f"{self.name} gave rows for {count} of {self.num_clips} clips; its preprocess and encode must "
            "give one for each"
        )

    def drop(self, error: BaseException) -> None:
        """Remove what is written, because of an error."""
        self.is_over = True
        self._stack.__exit__(type(error), error, error.__traceback__)


class VideoOutputs:
    """The features of one video by all its encoders.

    Args:
        job: How features are made.
        item: The video.
        on_finish: Called once with the path and why something failed, or None.
    """

    def __init__(self, job: Job, item: Item, on_finish: Callable[[Path, str | None], None]) -> None:
        self.item = item
        self.by_name: dict[str, Output] = {}
        self._job = job
        self._on_finish = on_finish
        self._reasons: dict[str, None] = {}
        self._is_read = False

    def opened(self, message: Opened) -> None:
        """Expect the rows of the encoders that can read the video."""
        for name, error in message.lacking.items():
            self._fail(name, error)
        for name in message.names:
            self.by_name[name] = Output(self._job, self.item, name, message.duration_seconds)

    def append(self, output: Output, rows: NDArray[np.float32], computed: Mapping[str, str]) -> None:
        """Write the next rows of an encoder, unless it has failed before.

        Raises:
            OSError: If the disk is full.
        """
        if output.is_over:
            return
        try:
            output.append(rows, computed)
        except (ValueError, OSError) as error:
            self.fail(output, error)
        else:
            self._finish_if_over()

    def fail(self, output: Output, error: Exception) -> None:
        """Give up the features of one encoder.

        Raises:
            OSError: If the error is a full disk, which is no fault of the video.
        """
        if output.is_over:
            return
        output.drop(error)
        self._fail(output.name, error)
        self._finish_if_over()

    def read(self, error: Exception | None) -> None:
        """The video has been read to its end, or up to an error; what has come whole is still written."""
        self._is_read = True
        known = {*self.by_name}
        for output in self.by_name.values():
            if not output.is_given and not output.is_over:
                reason = error or output.miscounted(output.num_given)
                output.drop(reason)
                self._fail(output.name, reason)
        if error is not None and not known:
            for name in self.item.names:
                self._fail(name, error)
        self._finish_if_over()

    def close(self) -> None:
        """Remove what is half-written."""
        for output in self.by_name.values():
            if not output.is_over:
                output.drop(InterruptedError())

    def _fail(self, name: str, error: Exception) -> None:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise error
        reason = reason_of(error)
        self._reasons[reason] = None
        record_failure(
            self._job.folder(name),
            self.item.path.stem,
            reason,
            source=self.item.source,
            sidecar=self._job.sidecars[name],
        )

    def _finish_if_over(self) -> None:
        if self._is_read and all(output.is_over for output in self.by_name.values()):
            self._on_finish(self.item.path, "; ".join(self._reasons) or None)


def reason_of(error: Exception) -> str:
    """Return why a video failed: the sentence of an error that was raised on purpose, else with its kind."""
    is_plain = isinstance(error, (ValueError, OSError)) and str(error)
    return str(error) if is_plain else f"{type(error).__name__}: {error}"
