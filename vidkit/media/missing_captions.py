"""Captions of videos that have none: what a recogniser of speech hears, or the word that nobody speaks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from vidkit.files import write_text
from vidkit.media import speech
from vidkit.media.captions import caption_file, find_captions, write_srt
from vidkit.media.errors import NoAudioStreamError
from vidkit.offline import is_offline

_MAX_NAMES = 5  # that the warning lists


def supply_captions(
    videos: Sequence[Path],
    folder: str | Path,
    *,
    on_progress: Callable[[float, Path], None] = lambda share, video: None,
) -> dict[Path, str]:
    """Write ``<stem>.srt`` into a folder for each video that has no captions of its own.

    faster-whisper hears what is said, where it is installed and its model can be had: without the network
    (``vidkit.offline``) only if it was downloaded before. Else the files are empty, which says that nobody
    speaks, and one warning counts them and says how to get captions. ``find_captions(video, folder=folder)``
    reads either.

    What was heard before is kept unless the video is newer; the file of a video that has got captions of its
    own since is removed. The folder is one that nobody else writes to.

    Args:
        videos: Files with different stems. One that is absent or no video is passed over.
        folder: Where to; made if absent.
        on_progress: Called while speech is heard, with the share of the videos that is done, in [0, 1], and
            the one at work.

    Returns:
        Why speech could not be heard, by video; those have no file.

    Raises:
        OSError: If a file cannot be written.
    """
    target = {video: Path(folder) / f"{video.stem}.srt" for video in videos}
    Path(folder).mkdir(parents=True, exist_ok=True)
    waiting = []
    for video in videos:
        if _has_captions(video):
            target[video].unlink(missing_ok=True)
        elif not _is_heard(video, target[video]):
            waiting.append(video)
    if not waiting:
        return {}
    try:
        model = speech.load_whisper(speech.DEFAULT_MODEL, offline=is_offline())
    except (ImportError, FileNotFoundError, ValueError) as error:
        for video in waiting:
            _say_silent(target[video])
        _warn(waiting, len(videos), str(error))
        return {}
    failed: dict[Path, str] = {}
    for number, video in enumerate(waiting):

        def told(share: float, number: int = number, video: Path = video) -> None:
            on_progress((number + share) / len(waiting), video)

        try:
            _hear(video, target[video], model, told)
        except ValueError as error:  # every MediaError is one
            failed[video] = f"its speech could not be heard: {error}"
    return failed


def _hear(video: Path, target: Path, model: speech.SpeechModel, told: Callable[[float], None]) -> None:
    told(0.0)
    try:
        write_srt(target, speech.transcribe(video, model=model, on_progress=told))
    except NoAudioStreamError:
        _say_silent(target)


def _has_captions(video: Path) -> bool:
    """Return whether there are captions, be they empty or broken; what is no video lacks none."""
    try:
        return caption_file(video) is not None or bool(find_captions(video))
    except (ValueError, OSError):  # who reads the video or the captions tells it
        return True


def _is_heard(video: Path, target: Path) -> bool:
    if not target.is_file():
        return False
    state = target.stat()
    return state.st_size > 0 and state.st_mtime_ns >= video.stat().st_mtime_ns


def _say_silent(target: Path) -> None:
    """Write an empty file; one that is empty keeps its time, so that features of it stay valid."""
    if not target.is_file() or target.stat().st_size:
        write_text(target, "")


def _warn(waiting: Sequence[Path], num_videos: int, reason: str) -> None:
    names = ", ".join(video.name for video in waiting[:_MAX_NAMES])
    more = f" and {len(waiting) - _MAX_NAMES} more" if len(waiting) > _MAX_NAMES else ""
    what = "video has no captions and is" if num_videos == 1 else "videos have no captions and are"
    count = "the" if num_videos == 1 else f"{len(waiting)} of {num_videos}"
    warnings.warn(
        f"{count} {what} read as silent: {names}{more}; put {waiting[0].stem}.srt beside "
        f"{waiting[0].name}, or let vidkit transcribe write it ({reason})",
        stacklevel=3,
    )
