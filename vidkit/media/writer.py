"""Writing video files: frames and sound in, an H.264 + AAC mp4 out.

The same input gives the same bytes with the same version of FFmpeg: the encoder runs in one thread and
the header carries neither a date nor the name of the program.
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags

from vidkit.files import atomic_path

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

AAC_RATES_HZ = (7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
AAC_FRAME_SAMPLES = 1024
# More threads cut the picture elsewhere, and x264's macroblock tree comes out differently from run to run.
VIDEO_OPTIONS = {"preset": "veryfast", "crf": "20", "threads": "1", "x264-params": "mbtree=0"}
AAC_BITS_PER_SECOND = 96_000
BT601_MATRIX, LIMITED_RANGE = 6, 1  # what swscale makes of RGB; said in the header so that players agree


class VideoWriter:
    """Write frames, and sound if a sample rate is given, to an mp4 file, as a context manager.

    The file appears at ``path`` when the block ends, whole or not at all: an exception inside the block,
    Ctrl-C included, leaves nothing. Frame n is shown at n / fps seconds; the first sample sounds at 0.
    Frames and sound may be written in any order and the sound in blocks of any length, but memory stays
    bounded only if neither runs far ahead of the other.

    Args:
        path: The file to write, ending in .mp4, .m4v or .mov.
        width: Width of the frames in pixels, even (4:2:0 chroma halves it).
        height: Height of the frames in pixels, even.
        fps: Frames per second, > 0.
        sample_rate_hz: Sample rate of the mono sound; None for a silent file.

    Raises:
        ValueError: If an argument is out of its range, or if no frame was written.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "grey.mp4"
        >>> with VideoWriter(target, width=64, height=48, fps=25, sample_rate_hz=16000) as writer:
        ...     for _ in range(5):
        ...         writer.write_frame(np.full((48, 64, 3), 128, np.uint8))
        ...     writer.write_audio(np.zeros(3200, np.float32))
        >>> target.exists()
        True
    """

    def __init__(
        self,
        path: str | Path,
        *,
        width: int,
        height: int,
        fps: float | Fraction,
        sample_rate_hz: int | None = None,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in (".mp4", ".m4v", ".mov"):
            raise ValueError(f"cannot write {self.path.name!r}: give a name that ends in .mp4, .m4v or .mov")
        for name, value in (("width", width), ("height", height)):
            if value < 2 or value % 2:
                raise ValueError(
                    f"{name} must be even and >= 2 for H.264 with 4:2:0 chroma, got {value}; "
                    "crop or pad the frames by one pixel"
                )
        if not 0 < fps <= 1000:
            raise ValueError(f"fps must be > 0 and <= 1000, got {fps}")
        if sample_rate_hz is not None and sample_rate_hz not in AAC_RATES_HZ:
            raise ValueError(
                f"AAC has no sample rate of {sample_rate_hz} Hz; resample to one of {AAC_RATES_HZ}"
            )
        self.width, self.height = width, height
        self.fps = Fraction(fps).limit_denominator(1001)  # 30000 / 1001 comes as a float
        self.sample_rate_hz = sample_rate_hz
        self.num_frames = 0
        self.num_samples = 0
        self._pending = np.zeros(0, np.float32)  # sound that does not fill an AAC frame yet
        self._stack = ExitStack()
        self._container: OutputContainer | None = None
        self._video: VideoStream | None = None
        self._audio: AudioStream | None = None

    def __enter__(self) -> VideoWriter:
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_path(self.path))
            options = {"movflags": "+faststart", "fflags": "+bitexact"}
            self._container = av.open(str(temporary), "w", format="mp4", options=options)
            stack.push(self._finish)
            self._video = self._add_video(self._container)
            if self.sample_rate_hz is not None:
                self._audio = self._add_audio(self._container, self.sample_rate_hz)
            self._stack = stack.pop_all()
        return self

    def write_frame(self, frame: npt.NDArray[np.uint8]) -> None:
        """Append one RGB frame, uint8 of shape (height, width, 3).

        Raises:
            TypeError: If the frame is not uint8.
            ValueError: If its shape differs from the writer's, or outside the ``with`` block.
        """
        container, video = self._open_container(), self._video
        assert video is not None
        if frame.dtype != np.uint8:
            raise TypeError(f"a frame must be uint8, got {frame.dtype}; scale it to 0..255 and convert it")
        if frame.shape != (self.height, self.width, 3):
            raise ValueError(f"a frame must be of shape {(self.height, self.width, 3)}, got {frame.shape}")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts = self.num_frames
        picture.time_base = 1 / self.fps
        container.mux(video.encode(picture))
        self.num_frames += 1

    def write_audio(self, samples: npt.NDArray[np.float32]) -> None:
        """Append mono samples in [-1, 1], shape (samples,); louder ones are clipped.

        Raises:
            ValueError: If the shape is wrong, a sample is not finite, the writer was made without
                ``sample_rate_hz``, or outside the ``with`` block.
        """
        self._open_container()
        if self._audio is None:
            raise ValueError(f"{self.path.name} is written without sound; give VideoWriter a sample_rate_hz")
        if samples.ndim != 1:
            raise ValueError(f"samples must be of shape (samples,), got {samples.shape}; mix to mono first")
        if not np.isfinite(samples).all():
            raise ValueError("samples must be finite, got NaN or infinity; look where the sound was made")
        block = np.clip(samples, -1, 1).astype(np.float32)
        self._pending = np.concatenate([self._pending, block])
        num_full = len(self._pending) // AAC_FRAME_SAMPLES * AAC_FRAME_SAMPLES
        for start in range(0, num_full, AAC_FRAME_SAMPLES):
            self._encode_audio(self._pending[start : start + AAC_FRAME_SAMPLES])
        self._pending = self._pending[num_full:]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _finish(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what the encoders hold back and close the file; what it raises removes the file."""
        container = self._open_container()
        try:
            if kind is None:
                self._flush(container)
        finally:
            self._container = None
            try:
                container.close()
            except (OSError, ValueError):  # FFmpeg's errors are both
                if kind is None:  # else the exception of the block is the one to tell
                    raise

    def _flush(self, container: OutputContainer) -> None:
        if self.num_frames == 0:
            raise ValueError(f"no frame was written to {self.path}; a video has at least one")
        if self._audio is not None:
            if len(self._pending):
                self._encode_audio(self._pending)
            container.mux(self._audio.encode(None))
        assert self._video is not None
        container.mux(self._video.encode(None))

    def _encode_audio(self, samples: npt.NDArray[np.float32]) -> None:
        assert self._audio is not None
        assert self.sample_rate_hz is not None
        sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
        sound.sample_rate = self.sample_rate_hz
        sound.time_base = Fraction(1, self.sample_rate_hz)
        sound.pts = self.num_samples
        self._open_container().mux(self._audio.encode(sound))
        self.num_samples += len(samples)

    def _open_container(self) -> OutputContainer:
        if self._container is None:
            raise ValueError("the file is not open; write inside `with VideoWriter(...) as writer:`")
        return self._container

    def _add_video(self, container: OutputContainer) -> VideoStream:
        stream: Any = container.add_stream("libx264", rate=self.fps, options=VIDEO_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        stream.codec_context.time_base = 1 / self.fps
        stream.codec_context.colorspace = BT601_MATRIX
        stream.codec_context.color_range = LIMITED_RANGE
        stream.codec_context.flags |= Flags.bitexact
        video: VideoStream = stream
        return video

    def _add_audio(self, container: OutputContainer, sample_rate_hz: int) -> AudioStream:
        stream: Any = container.add_stream("aac", rate=sample_rate_hz, layout="mono")
        stream.codec_context.bit_rate = AAC_BITS_PER_SECOND
        stream.codec_context.flags |= Flags.bitexact
        audio: AudioStream = stream
        return audio
