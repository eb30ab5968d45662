"""The contract of encoders: raw clips of one modality -> one vector per clip.

Shapes: N clips, F frames a clip, L tokens, D = ``dim`` channels.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

Modality = Literal["visual", "audio", "text"]


@dataclass(frozen=True)
class VisualRecipe:
    """What a visual encoder reads for one clip.

    Args:
        num_frames: Frames per clip, F.
        window_seconds: Length of the stretch, centred on the clip's middle, over which the frames are spread:
            frame j is the one shown at ``middle - window / 2 + (j + 0.5) * window / F``. 0 takes one instant.
        decode_size: (height, width) to which the reader scales frames while decoding; None keeps their size.
    """

    num_frames: int = 1
    window_seconds: float = 0.0
    decode_size: tuple[int, int] | None = None

    def frame_times(self, middles: np.ndarray) -> np.ndarray:
        """Return the times of the frames of clips with these middles: (N,) seconds -> (N, F) seconds."""
        offsets = (np.arange(self.num_frames) + 0.5) / self.num_frames - 0.5
        return np.asarray(middles, dtype=np.float64)[:, None] + offsets * self.window_seconds


@dataclass(frozen=True)
class AudioRecipe:
    """What an audio encoder reads for one clip: ``window_seconds`` of mono sound round the clip's middle."""

    sample_rate_hz: int
    window_seconds: float

    @property
    def num_samples(self) -> int:
        """Samples of one clip's window."""
        return round(self.sample_rate_hz * self.window_seconds)


@dataclass(frozen=True)
class TextRecipe:
    """What a text encoder reads for one clip: a sentence of at most ``max_tokens`` tokens."""

    max_tokens: int


@dataclass(frozen=True)
class FeatureRecipe:
    """Nothing is read: the clips that come are features already (``Precomputed``)."""


Recipe = VisualRecipe | AudioRecipe | TextRecipe | FeatureRecipe


class Encoder(nn.Module):
    """Base of all encoders.

    A subclass sets ``modality``, and in its constructor ``dim`` and ``recipe``. Preprocessing belongs to
    ``forward`` and runs on the module's device. Text encoders that models read word by word also give
    ``tokens(batch) -> ((N, L, dim), mask (N, L))``.
    """

    modality: Modality
    dim: int
    recipe: Recipe

    def forward(self, clips: Any) -> Tensor:
        """Return one vector per clip, shape (N, dim).

        Args:
            clips: uint8 frames (N, F, H, W, 3), float32 waveforms (N, samples) or a list of N str.
        """
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments that change the vectors, as JSON values."""
        return {}

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says of its encoder, as JSON values."""
        recipe = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self.recipe).items()}
        return {
            "encoder": type(self).__name__,
            "modality": self.modality,
            "dim": self.dim,
            "arguments": self.arguments(),
            "recipe": recipe,
        }

    def fingerprint(self) -> str:
        """Return 12 hex digits that change whenever the vectors may change.

        An encoder with weights puts their hash into ``arguments()``.
        """
        text = json.dumps(self.description(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def store_name(self) -> str:
        """Folder of these features in a feature store.

        The class name when every argument has its default; else the class name, "-" and the first
        8 digits of the fingerprint, so that two variants never share a folder.
        """
        name = type(self).__name__
        defaults = {key: p.default for key, p in inspect.signature(type(self)).parameters.items()}
        has_defaults = all(
            key in defaults and _as_json(defaults[key]) == _as_json(value)
            for key, value in self.arguments().items()
        )
        return name if has_defaults else f"{name}-{self.fingerprint()[:8]}"


def encode_clips(encoder: Encoder, clips: Tensor | Sequence[Sequence[str]]) -> Tensor:
    """Return the features of a batch of sequences, whether they come raw or ready.

    Args:
        encoder: Reads raw clips.
        clips: Ready features (B, T, dim), which pass through; or raw clips: frames (B, T, F, H, W, 3) in
            uint8, waveforms (B, T, samples) float32 of an audio encoder, B lists of T sentences.

    Returns:
        Features, (B, T, dim).

    Raises:
        ValueError: If ready features have another width than the encoder.
    """
    if not isinstance(clips, Tensor):
        num_clips = len(clips[0])
        features: Tensor = encoder([text for video in clips for text in video])
        return features.view(len(clips), num_clips, encoder.dim)
    is_ready = clips.ndim == 3 and clips.is_floating_point() and clips.shape[-1] == encoder.dim
    if is_ready:
        return clips
    is_waveform = encoder.modality == "audio" and clips.ndim == 3 and clips.shape[-1] == _num_samples(encoder)
    if is_waveform or clips.ndim == 6:
        features = encoder(clips.flatten(0, 1))
        return features.view(*clips.shape[:2], encoder.dim)
    raise ValueError(
        f"{type(encoder).__name__} gives {encoder.dim} channels, the features that came have shape "
        f"{tuple(clips.shape)}; extract them again with this encoder, or name the encoder that made them"
    )


def _num_samples(encoder: Encoder) -> int:
    return encoder.recipe.num_samples if isinstance(encoder.recipe, AudioRecipe) else -1


def _as_json(value: Any) -> str:
    """Return ``value`` as JSON text, in which a tuple equals a list."""
    return json.dumps(value, sort_keys=True, default=str)
