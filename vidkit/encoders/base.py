"""The contract of encoders: raw clips of one modality -> one vector per clip.

Shapes: N clips, F frames a clip, L tokens, D = ``dim`` channels.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from vidkit.sizes import Size

Modality = Literal["visual", "audio", "text"]


@dataclass(frozen=True)
class VisualRecipe:
    """What a visual encoder reads for one clip.

    A recipe that chooses its frames otherwise is a subclass with its own ``frame_times``.

    Args:
        num_frames: Frames per clip, F.
        window_seconds: Length of the stretch, centred on the clip's middle, over which the frames are spread:
            frame j is the one shown at ``middle - window / 2 + (j + 0.5) * window / F``. 0 takes one instant.
        decode_size: (height, width) to which the reader scales frames while decoding, or ``FfmpegScale``;
            None keeps their size.
        clip_seconds: The only length of clips whose features it imitates; None for a recipe of any length.
    """

    num_frames: int = 1
    window_seconds: float = 0.0
    decode_size: Size | None = None
    clip_seconds: float | None = field(default=None, kw_only=True)

    def frame_times(self, middles: np.ndarray, *, clip_seconds: float, source_fps: float) -> np.ndarray:
        """Return when each frame of each clip is shown: (N,) seconds -> (N, F) seconds.

        Args:
            middles: The middles of the clips.
            clip_seconds: Length of a clip.
            source_fps: Mean frame rate of the file.
        """
        offsets = (np.arange(self.num_frames) + 0.5) / self.num_frames - 0.5
        return np.asarray(middles, dtype=np.float64)[:, None] + offsets * self.window_seconds


@dataclass(frozen=True)
class AudioRecipe:
    """What an audio encoder reads for one clip: ``window_seconds`` of mono sound round the clip's middle.

    ``clip_seconds`` is the only length of clips whose features it imitates; None for a recipe of any length.
    """

    sample_rate_hz: int
    window_seconds: float
    clip_seconds: float | None = field(default=None, kw_only=True)

    @property
    def num_samples(self) -> int:
        """Samples of one clip's window."""
        return round(self.sample_rate_hz * self.window_seconds)


@dataclass(frozen=True)
class SequenceRecipe(AudioRecipe):
    """What an audio encoder of whole sequences reads: pieces of ``window_seconds``, one after the other.

    The last piece of a file has the length of the rest. ``Encoder.sequence`` gives many vectors for a piece,
    and the mean of those inside a clip is the clip's.
    """


@dataclass(frozen=True)
class TextRecipe:
    """What a text encoder reads for one clip: a sentence of at most ``max_tokens`` tokens.

    ``clip_seconds`` is the only length of clips whose features it imitates; None for a recipe of any length.
    """

    max_tokens: int
    clip_seconds: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class FeatureRecipe:
    """Nothing is read: the clips that come are features already (``Precomputed``)."""


Recipe = VisualRecipe | AudioRecipe | TextRecipe | FeatureRecipe


class Encoder(nn.Module):
    """Base of all encoders.

    A subclass sets ``modality``, and in its constructor ``dim`` and ``recipe``, and writes ``encode``. One
    that reads pictures of any size, or computes something that needs no weights first, does so in
    ``preprocess``, which an extraction runs beside the decoder. Both run on the module's device. Text
    encoders that models read word by word also give ``tokens(batch) -> ((N, L, dim), mask (N, L))``.
    """

    modality: Modality
    dim: int
    recipe: Recipe
    adapts_features = False
    """Whether features that are ready are its input, not its output (``AdaptedFeatures``)."""

    def forward(self, clips: Any) -> Tensor:
        """Return one vector per clip, shape (N, dim): ``encode(preprocess(clips))``.

        Args:
            clips: uint8 frames (N, F, H, W, 3), float32 waveforms (N, samples) or a list of N str.
        """
        return self.encode(self.preprocess(clips))

    def preprocess(self, clips: Any) -> Any:
        """Return the clips as ``encode`` takes them: first axis N, the other axes the same for every video.

        What comes back can be joined with that of other videos, and does not depend on the other clips.

        Args:
            clips: Raw clips, as ``forward`` takes them.
        """
        return clips

    def encode(self, inputs: Any) -> Tensor:
        """Return one vector per clip, shape (N, dim).

        Args:
            inputs: What ``preprocess`` gave.
        """
        raise NotImplementedError

    def sequence(self, inputs: Any) -> Tensor:
        """Return many vectors for each piece, (N, T, dim), evenly spaced; only with a ``SequenceRecipe``.

        Args:
            inputs: What ``preprocess`` gave for waveforms (N, samples).
        """
        raise NotImplementedError

    def freeze_extracted(self) -> None:
        """Freeze what does not run where features are read from files: here everything."""
        self.requires_grad_(False)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments that change the vectors, without the weights, as JSON values."""
        return {}

    def weights_hash(self) -> str | None:
        """Return 16 hex digits of the SHA-256 over all weights by name, or None without weights."""
        state = self.state_dict()
        if not state:
            return None
        key = tuple((name, tensor.data_ptr(), tensor._version) for name, tensor in state.items())
        known: tuple[Any, str] | None = getattr(self, "_known_hash", None)
        if known is None or known[0] != key:  # hashing takes a second per gigabyte
            digest = hashlib.sha256()
            for name in sorted(state):
                values = state[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8)
                digest.update(f"{name} {state[name].dtype} {tuple(state[name].shape)}".encode())
                digest.update(values.numpy())
            known = self._known_hash = (key, digest.hexdigest()[:16])
        return known[1]

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says of its encoder, as JSON values.

        An encoder whose recipe has more numbers than those of what it reads adds them.
        """
        fields = json_fields(self.recipe)
        fields.pop("clip_seconds", None)  # asks for a length of clips and changes no vector
        return {
            "encoder": type(self).__name__,
            "modality": self.modality,
            "dim": self.dim,
            "arguments": self.arguments(),
            "recipe": {"type": type(self.recipe).__name__, **fields},
            "weights": self.weights_hash(),
        }

    def fingerprint(self) -> str:
        """Return 12 hex digits that change whenever the vectors may change.

        The hash of the weights is in it, wherever they came from.
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


def json_fields(recipe: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as JSON gives them back: its tuples are lists."""
    fields: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    return fields


def check_clip_seconds(encoder: Encoder, clip_seconds: float) -> None:
    """Warn if an encoder's recipe imitates features of clips of another length.

    Args:
        encoder: Is going to read clips.
        clip_seconds: Their length.
    """
    wanted = None if isinstance(encoder.recipe, FeatureRecipe) else encoder.recipe.clip_seconds
    if wanted is not None and not math.isclose(wanted, clip_seconds):
        name = encoder.arguments().get("recipe")
        warnings.warn(
            f"recipe {name!r} of {type(encoder).__name__} imitates features of clips of {wanted} s, got "
            f"{clip_seconds} s; take clips of {wanted} s (--clip-seconds {wanted}), or another recipe",
            stacklevel=2,
        )


def spec_of(encoder: Encoder) -> str:
    """Return the words of ``vidkit extract --encoder`` for an encoder, without its weights.

    Example:
        >>> from vidkit.encoders import PixelVisual
        >>> spec_of(PixelVisual()), spec_of(PixelVisual(size=(8, 8)))
        ('PixelVisual', 'PixelVisual:size=[8, 8]')
    """
    defaults = inspect.signature(type(encoder)).parameters
    own = [
        f"{key}={value}"
        for key, value in encoder.arguments().items()
        if _as_json(defaults[key].default) != _as_json(value)
    ]
    return f"{type(encoder).__name__}:{';'.join(own)}" if own else type(encoder).__name__


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
    if encoder.adapts_features:
        adapted: Tensor = encoder(clips.flatten(0, 1))
        return adapted.view(*clips.shape[:2], encoder.dim)
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
