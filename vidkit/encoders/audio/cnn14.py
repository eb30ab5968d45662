"""CNN14 of PANNs: what a second of sound contains, learnt on AudioSet.

Shapes: N clips, S samples, T spectrogram frames, M = 64 mel bands, D = 2048.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.encoders.audio.arguments import check_waveforms, checkpoint_file
from vidkit.encoders.audio.front_ends import MelBands, PannsLogMel, panns_settings
from vidkit.encoders.base import AudioRecipe, Encoder
from vidkit.encoders.options import one_of
from vidkit.encoders.weights import State, fixed_random, load_into
from vidkit.registry import ENCODERS

SAMPLE_RATES_HZ = {"32k": 32000, "16k": 16000, "8k": 8000}
RECIPES = {"repurpose10k": (1.0, 1.0), "umt": (2.0, 2.0), "lighthouse": (2.0, 2.0), "audioset": (10.0, None)}
"""Name -> seconds of sound in one vector, and the length of clips whose features it imitates.

``repurpose10k``: one vector a second, as in Repurpose; with clips of 1 s the windows stand side by side, and
the rest of the last second is filled with zeros (paper and code are silent about it). ``umt`` and
``lighthouse``: windows of 2 s for clips of 2 s; both tools drop a rest shorter than 2 s, where vidkit gives
one more vector. ``audioset``: the 10 s on which the network was trained, as in panns_inference's example.

All these tools resample with librosa: by soxr (HQ), as vidkit does, since its version 0.10, by resampy's
kaiser_best before, which moves the log-mel at 32 kHz by at most 0.015 dB, and by 0.0002 dB on average.
"""

_CHANNELS = (64, 128, 256, 512, 1024, 2048)
_MIN_FRAMES = 2 ** (len(_CHANNELS) - 1)  # halved after every block but the last
_MEL_TOLERANCE = 1e-5
_FRONT_END = "spectrogram_extractor."
_MEL_FILTERS = "logmel_extractor.melW"


class ConvBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm and ReLU: (N, C, T, M) -> (N, C', T, M)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, (N, C', T, M)."""
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)))


@ENCODERS.register_module()
class CNN14(Encoder):
    """CNN14 of "PANNs" (https://arxiv.org/abs/1912.10211, table I): 2048 numbers >= 0 for a stretch of sound.

    The log-mel spectrum goes through six blocks of convolutions; the mean over the bands, the maximum plus
    the mean over time and one layer with ReLU give the embedding, in front of the classifier of AudioSet.
    Layers and names follow qiuqiangkong/audioset_tagging_cnn@d2f4b8c; its dropout is left out, in training
    too. The network of sound event detection (Cnn14_DecisionLevelMax) has the same names, but learnt its last
    layer for every frame: it loads here, and its vectors are not those of its own code.

    Args:
        variant: Sample rate for which the network was trained: "32k", "16k" or "8k".
        recipe: Name in ``RECIPES``.
        weights: Checkpoint of PANNs or of vidkit, FILE or FILE#PREFIX; None for random ones, always the same.
        trust: Whether a pickle may run code while it is read.

    Raises:
        ValueError: If a name is unknown, or the checkpoint has another sample rate, scheme or shape.
        FileNotFoundError: If there is no such file.
    """

    modality = "audio"
    dim = 2048

    def __init__(
        self,
        *,
        variant: str = "32k",
        recipe: str = "repurpose10k",
        weights: str | None = None,
        trust: bool = False,
    ) -> None:
        super().__init__()
        rate = one_of(SAMPLE_RATES_HZ, variant, "variant of CNN14")
        seconds, clip_seconds = one_of(RECIPES, recipe, "recipe of CNN14")
        self.recipe = self._audio = AudioRecipe(
            sample_rate_hz=rate, window_seconds=seconds, clip_seconds=clip_seconds
        )
        self._arguments = {"variant": variant, "recipe": recipe}
        self.log_mel = PannsLogMel(rate)
        with fixed_random(f"CNN14 {variant}"):
            self.bn0 = nn.BatchNorm2d(panns_settings(rate).num_mels)
            for i, (before, after) in enumerate(zip((1, *_CHANNELS[:-1]), _CHANNELS, strict=True), 1):
                self.add_module(f"conv_block{i}", ConvBlock(before, after))
            self.fc1 = nn.Linear(_CHANNELS[-1], self.dim)
            if weights is None:
                _draw(self)
        if weights is not None:
            file = checkpoint_file(weights, owner="CNN14", variant=variant)
            convert = partial(_from_panns, bands=self.log_mel.bands, source=file)
            load_into(self, file, converters={"PANNs CNN14": convert}, owner="CNN14", trust=trust)
        self.eval()

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says, with the numbers of the spectrogram."""
        return {**super().description(), "front_end": self.log_mel.description()}

    def preprocess(self, clips: Tensor) -> Tensor:
        """Return log-mel spectra in decibels, float32 (N, T, 64).

        Args:
            clips: Mono waveforms in [-1, 1], (N, S), of any length from 32 frames on (0.31 s).

        Raises:
            ValueError: If they have another shape or are shorter.
        """
        settings = self.log_mel.bands.settings
        check_waveforms(
            clips,
            min_samples=(_MIN_FRAMES - 1) * settings.hop_samples,
            sample_rate_hz=settings.sample_rate_hz,
            owner="CNN14",
        )
        log_mel: Tensor = self.log_mel(clips)
        return log_mel

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the embeddings, float32 (N, 2048), >= 0.

        Args:
            inputs: Log-mel spectra (N, T, 64), T >= 32.
        """
        x = inputs.to(self.fc1.weight.dtype)[:, None]  # (N, 1, T, M)
        x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
        for i in range(1, len(_CHANNELS) + 1):
            x = self.get_submodule(f"conv_block{i}")(x)
            if i < len(_CHANNELS):
                x = F.avg_pool2d(x, 2)
        x = x.mean(3)  # (N, C, T / 32)
        x = x.amax(2) + x.mean(2)
        return F.relu(self.fc1(x)).float()

    def arguments(self) -> dict[str, Any]:
        """Return variant and recipe."""
        return dict(self._arguments)


def _draw(module: nn.Module) -> None:
    """Draw weights that keep the size of what goes through the layers."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _from_panns(state: State, *, bands: MelBands, source: str) -> State:
    """Return the network's weights; the spectrogram, which vidkit computes itself, is compared and dropped.

    Raises:
        ValueError: If the checkpoint's spectrogram is not that of this variant.
    """
    filters = state.get(_MEL_FILTERS)
    if filters is not None:
        _check_filters(filters, bands, source)
    dropped = (_FRONT_END, _MEL_FILTERS, "fc_audioset.")
    return {name: value for name, value in state.items() if not name.startswith(dropped)}


def _check_filters(filters: Tensor, bands: MelBands, source: str) -> None:
    rate = bands.settings.sample_rate_hz
    rates = {panns_settings(hz).fft_samples // 2 + 1: name for name, hz in SAMPLE_RATES_HZ.items()}
    if filters.shape != bands.filters.shape:
        of = rates.get(len(filters))
        hint = f"it is of {SAMPLE_RATES_HZ[of]} Hz: use variant={of!r}" if of else "it is none of PANNs'"
        raise ValueError(
            f"{source} has mel filters of shape {tuple(filters.shape)}, CNN14 at {rate} Hz has "
            f"{tuple(bands.filters.shape)}; {hint}"
        )
    difference = float((filters.to(bands.filters) - bands.filters).abs().max())
    if not difference <= _MEL_TOLERANCE:
        raise ValueError(
            f"{source} was trained with other mel filters than PANNs' at {rate} Hz (largest difference "
            f"{difference:.1e}), so its vectors would be wrong; give a checkpoint of PANNs"
        )
