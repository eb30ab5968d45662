"""What can be wrong with a media file, one class for each kind.

Every message is one sentence: the path, what was found, the way out.
"""

from __future__ import annotations


class MediaError(ValueError):
    """A media file cannot be used; the subclasses say in which way."""


class NotAVideoError(MediaError):
    """The file is no media file at all (text, a picture, a folder, noise)."""


class EmptyFileError(MediaError):
    """The file has no bytes."""


class TruncatedError(MediaError):
    """The file ends before its content does."""


class NoVideoStreamError(MediaError):
    """Frames are asked of a file without moving pictures."""


class NoAudioStreamError(MediaError):
    """Sound is asked of a file without it."""


class CodecMissingError(MediaError):
    """The stream is coded in a way that the installed FFmpeg cannot decode."""


class DamagedError(MediaError):
    """A part of the file cannot be decoded."""


class BackendMissingError(MediaError):
    """The chosen decoding library is not installed or does not load."""


class DamageWarning(UserWarning):
    """A part of the file is missing; the message says how many seconds."""
