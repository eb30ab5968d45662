"""Mockingjay: a transformer over log-mel frames, learnt on speech without labels; a vector every 10 ms.

Shapes: N pieces of sound, S samples, T frames of 10 ms, M = 80 mel bands, D = 768.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidkit.checkpoints import read_checkpoint
from vidkit.encoders.audio.arguments import check_waveforms, checkpoint_file
from vidkit.encoders.audio.front_ends import MOCKINGJAY, MockingjayLogMel
from vidkit.encoders.base import Encoder, SequenceRecipe
from vidkit.encoders.options import one_of
from vidkit.encoders.weights import State, fixed_random, load_into
from vidkit.registry import ENCODERS

VARIANTS = {"large": (12, 500), "base": (3, 1500)}
"""Name -> (layers, most frames that it reads at once), of s3prl's configs; a checkpoint may state others."""

RECIPES = {
    "rasl": SequenceRecipe(sample_rate_hz=MOCKINGJAY.sample_rate_hz, window_seconds=30.0, clip_seconds=0.2)
}
"""``rasl``: pieces of 30 s, as RASL reads them: 3000 vectors, of which 20 make the mean of 0.2 s."""

NUM_HEADS = 12
FEED_FORWARD_DIM = 3072
LAYER_NORM_EPS = 1e-12
_MAX_POSITIONS = 24000  # where a checkpoint sets no limit, s3prl's own

_TRANSFORMER = {
    "hidden_size": 768,
    "num_attention_heads": NUM_HEADS,
    "intermediate_size": FEED_FORWARD_DIM,
    "hidden_act": "gelu",
    "layer_norm_eps": LAYER_NORM_EPS,
    "share_layer": False,
    "pre_layer_norm": False,
}
_AUDIO = {"target_level": -25, "win_ms": 25, "hop_ms": 10, "n_freq": 201, "n_mels": 80}
_INPUT = {"feat_type": "mel", "log": True, "delta": 0, "cmvn": True}


@ENCODERS.register_module()
class Mockingjay(Encoder):
    """The encoder of "Mockingjay" (https://arxiv.org/abs/1910.12638) as s3prl publishes it.

    A linear layer and sinusoidal positions, then a transformer with the norm behind every part; the vectors
    are those of its last layer. Sound of more frames than the network reads at once is cut into
    the fewest pieces that fit, of one length (the last may be shorter), each with positions from 0 on, as
    s3prl/s3prl@28bf28c does; the spectra are standardised over the whole before. s3prl's last frame, centred
    on the end of the sound, is computed and not given, so that T = S // 160 frames divide the piece evenly.
    Sound shorter than a window (25 ms) is filled up with zeros. Dropout is left out, in training too.

    Args:
        variant: "large" (12 layers, what s3prl calls ``mockingjay``) or "base" (3 layers).
        recipe: Name in ``RECIPES``.
        max_frames: Most frames that it reads at once; 0 for no limit; None for what the checkpoint states,
            without which it is 500 (large) or 1500 (base).
        weights: Checkpoint of s3prl or vidkit, FILE or FILE#PREFIX; None for random ones, always the same.
        trust: Whether a pickle may run code while it is read.

    Raises:
        ValueError: If a name is unknown, ``max_frames`` is negative, or the checkpoint has another size,
            another front end, another scheme or shape.
        FileNotFoundError: If there is no such file.
    """

    modality = "audio"
    dim = 768
    positions: Tensor

    def __init__(
        self,
        *,
        variant: str = "large",
        recipe: str = "rasl",
        max_frames: int | None = None,
        weights: str | None = None,
        trust: bool = False,
    ) -> None:
        super().__init__()
        num_layers, usual_frames = one_of(VARIANTS, variant, "variant of Mockingjay")
        self.recipe = one_of(RECIPES, recipe, "recipe of Mockingjay")
        file = None if weights is None else checkpoint_file(weights, owner="Mockingjay", variant=variant)
        stated = None if file is None else _stated_frames(file, num_layers, trust=trust)
        if max_frames is None:
            max_frames = usual_frames if stated is None else stated
        if max_frames < 0:
            raise ValueError(f"max_frames must be at least 0 (no limit), got {max_frames}")
        self._max_frames = max_frames
        own_frames = None if max_frames == usual_frames else max_frames
        self._arguments = {"variant": variant, "recipe": recipe, "max_frames": own_frames}
        self.log_mel = MockingjayLogMel()
        self.register_buffer("positions", sinusoids(max_frames or _MAX_POSITIONS, self.dim), persistent=False)
        with fixed_random(f"Mockingjay {variant}"):
            self.spec_transform = nn.Linear(MOCKINGJAY.num_mels, self.dim)
            self.norm = nn.LayerNorm(self.dim, LAYER_NORM_EPS)
            self.layers = nn.ModuleList(_layer(self.dim) for _ in range(num_layers))
        if file is not None:
            convert = partial(_from_s3prl, num_layers=num_layers)
            load_into(self, file, converters={"s3prl Mockingjay": convert}, owner="Mockingjay", trust=trust)
        self.eval()

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says, with the numbers of the spectrogram."""
        return {**super().description(), "front_end": self.log_mel.description()}

    def preprocess(self, clips: Tensor) -> Tensor:
        """Return standardised log-mel spectra, float32 (N, 1 + S // 160, 80).

        Args:
            clips: Mono waveforms in [-1, 1], (N, S), S >= 1.

        Raises:
            ValueError: If they have another shape.
        """
        check_waveforms(clips, min_samples=1, sample_rate_hz=MOCKINGJAY.sample_rate_hz, owner="Mockingjay")
        num_missing = max(MOCKINGJAY.window_samples - clips.shape[1], 0)
        log_mel: Tensor = self.log_mel(F.pad(clips, (0, num_missing)))
        return log_mel

    def sequence(self, inputs: Tensor) -> Tensor:
        """Return a vector every 10 ms, float32 (N, T, 768), T = S // 160 for sound of S >= 400 samples.

        Args:
            inputs: Spectra, as ``preprocess`` gives them.

        Raises:
            ValueError: If they are longer than 240 s and ``max_frames`` is 0.
        """
        if not self._max_frames and inputs.shape[1] > _MAX_POSITIONS:
            raise ValueError(
                f"Mockingjay without max_frames reads at most {_MAX_POSITIONS} frames of 10 ms at once, "
                f"got {inputs.shape[1]}; set max_frames"
            )
        num_pieces = math.ceil(inputs.shape[1] / self._max_frames) if self._max_frames else 1
        pieces = inputs.to(self.spec_transform.weight.dtype).chunk(num_pieces, dim=1)
        vectors = torch.cat([self._read(piece) for piece in pieces], dim=1)
        return vectors[:, :-1].float()

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the means over time, float32 (N, 768).

        Args:
            inputs: Spectra, as ``preprocess`` gives them.
        """
        return self.sequence(inputs).mean(1)

    def arguments(self) -> dict[str, Any]:
        """Return variant, recipe and the most frames read at once, None where they are the variant's."""
        return dict(self._arguments)

    def _read(self, spectra: Tensor) -> Tensor:
        """(N, T', 80) with T' at most ``max_frames`` -> (N, T', 768)."""
        x: Tensor = self.norm(self.spec_transform(spectra) + self.positions[: spectra.shape[1]].to(spectra))
        for layer in self.layers:
            x = layer(x)
        return x


def sinusoids(num_positions: int, dim: int) -> Tensor:
    """Return the position codes of "Attention Is All You Need" (section 3.5), float32 (num_positions, dim).

    Args:
        num_positions: Positions, from 0 on.
        dim: Channels, even: sine and cosine of one frequency are neighbours.
    """
    frequencies = 10000 ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = torch.arange(num_positions, dtype=torch.float64)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1).float()


def _layer(dim: int) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        dim,
        NUM_HEADS,
        FEED_FORWARD_DIM,
        dropout=0.0,
        activation="gelu",
        layer_norm_eps=LAYER_NORM_EPS,
        batch_first=True,
    )


# s3prl's names (those of BERT) within a layer -> torch's; query, key and value are joined.
_LAYER_NAMES = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
_QKV = tuple(f"attention.self.{part}" for part in ("query", "key", "value"))


def _from_s3prl(state: State, *, num_layers: int) -> State:
    """Return s3prl's weights by the names of this file; old files call a norm's weights gamma and beta."""
    state = {
        re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name)): value
        for name, value in state.items()
    }
    names = {
        "input_representations.spec_transform": "spec_transform",
        "input_representations.LayerNorm": "norm",
    }
    for i in range(num_layers):
        for theirs, ours in _LAYER_NAMES.items():
            names[f"encoder.layer.{i}.{theirs}"] = f"layers.{i}.{ours}"
    renamed = {}
    for i in range(num_layers):
        for kind in ("weight", "bias"):
            parts = [f"encoder.layer.{i}.{part}.{kind}" for part in _QKV]
            if all(part in state for part in parts):
                renamed[f"layers.{i}.self_attn.in_proj_{kind}"] = torch.cat(
                    [state.pop(part) for part in parts]
                )
    for name, value in state.items():
        module, _, kind = name.rpartition(".")
        renamed[f"{names[module]}.{kind}" if module in names else name] = value
    return renamed


def _stated_frames(file: str, num_layers: int, *, trust: bool) -> int | None:
    """Return the most frames at once that a checkpoint of s3prl states, or None if it states nothing.

    Raises:
        ValueError: If it states another network or front end than this one.
    """
    path = file.partition("#")[0]
    if path.endswith(".safetensors"):
        return None
    content = read_checkpoint(path, trust=trust)
    configs = [content.get(name) for name in ("Config", "Upstream_Config")]
    config = next((c for c in configs if isinstance(c, Mapping) and "transformer" in c), None)
    if config is None:
        return None
    layers = config["transformer"].get("num_hidden_layers", num_layers)
    if layers != num_layers:
        fitting = [name for name, (number, _) in VARIANTS.items() if number == layers]
        hint = f"use variant={fitting[0]!r}" if fitting else "vidkit has no such variant"
        raise ValueError(f"{path} is of {layers} layers, this variant of {num_layers}; {hint}")
    audio = config.get("audio", {})
    others = [
        *_differences(config["transformer"], _TRANSFORMER),
        *_differences(audio, _AUDIO),
        *_differences(audio.get("input", {}), _INPUT),
        *(["kaldi"] if "kaldi" in audio else []),
    ]
    if others:
        raise ValueError(
            f"{path} was trained otherwise than Mockingjay's published log-mel networks: "
            f"{', '.join(others)}; give one of those that `vidkit weights list` names"
        )
    length = config.get("task", {}).get("sequence_length")
    return None if length is None else int(length)


def _differences(stated: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Return "name = value" where the stated value is another; what is not stated is as expected."""
    pairs = ((name, stated.get(name, value), value) for name, value in expected.items())
    return [
        f"{name} = {found}"
        for name, found, value in pairs
        if (str(found) if isinstance(value, str) else float(found)) != value
    ]
