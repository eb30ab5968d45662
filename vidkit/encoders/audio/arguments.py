"""What the audio encoders check about their arguments and their input, in the same words."""

from __future__ import annotations

from torch import Tensor

from vidkit.encoders.weights import local_weights, where_to_get


def checkpoint_file(weights: str, *, owner: str, variant: str | None = None) -> str:
    """Return the file of weights, or FILE#PREFIX, of an encoder that is on no hub.

    Raises:
        FileNotFoundError: If there is no such file; the message says which file to get from where.
    """
    path = local_weights(weights)
    if path is None:
        raise FileNotFoundError(f"no file of weights at {weights}: {where_to_get(owner, variant)}")
    return str(path)


def check_waveforms(waveforms: Tensor, *, min_samples: int, sample_rate_hz: int, owner: str) -> None:
    """Refuse what is no batch of waveforms (N, samples) of at least ``min_samples``.

    Raises:
        ValueError: If the shape is another or they are too short.
    """
    if waveforms.ndim != 2 or not waveforms.is_floating_point():
        raise ValueError(
            f"{owner} reads waveforms (N, samples) in floating point, got {waveforms.dtype} of shape "
            f"{tuple(waveforms.shape)}; give mono sound in [-1, 1]"
        )
    if waveforms.shape[1] < min_samples:
        raise ValueError(
            f"{owner} needs at least {min_samples} samples at {sample_rate_hz} Hz "
            f"({min_samples / sample_rate_hz:.3f} s), got {waveforms.shape[1]}; read a longer window"
        )
