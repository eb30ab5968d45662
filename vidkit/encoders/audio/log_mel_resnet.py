"""A ResNet-18 that looks at the log-mel spectrum as at a grey picture.

Shapes: N clips, S samples, T = 128 spectrogram frames, M = 80 mel bands, D = 512.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor

from vidkit.encoders.audio.arguments import check_waveforms, checkpoint_file
from vidkit.encoders.audio.front_ends import Mmaction2LogMel, UsvLogMel
from vidkit.encoders.base import AudioRecipe, Encoder
from vidkit.encoders.options import one_of
from vidkit.encoders.visual.resnet_names import mmaction2_resnet, torchvision_resnet
from vidkit.encoders.weights import State, fixed_random, load_into
from vidkit.registry import ENCODERS

SAMPLE_RATE_HZ = 16000
NUM_FRAMES = 128
_MIN_SAMPLES = 641  # what the reflection at the edges needs

Layout = Literal["bands first", "time first"]


@dataclass(frozen=True)
class LogMelRecipe:
    """How a picture of sound is made.

    Args:
        log_mel: Front end, (N, S) -> (N, T', 80).
        window_seconds: Sound in one picture.
        layout: Which axis of the picture is its height.
    """

    log_mel: type[UsvLogMel] | type[Mmaction2LogMel]
    window_seconds: float
    layout: Layout


RECIPES = {
    "usv_train": LogMelRecipe(UsvLogMel, 2.0, "bands first"),
    "usv_test": LogMelRecipe(UsvLogMel, 2.0, "bands first"),
    "mmaction2": LogMelRecipe(Mmaction2LogMel, 64 / 30, "time first"),
}
"""Name -> picture.

``usv_train``, ``usv_test``: the audio network of USV: 2 s at 16 kHz, windows of 32 ms every 16 ms, an FFT of
1280, 80 bands, a picture of 80 x 128. Its text leaves the rest open; it is taken from mmaction2's script,
whose audio part comes from one of USV's authors. 2 s give 126 centred frames, so two columns of zeros follow.
The two names differ only in where the 2 s lie (at random in training), which is the data's matter.

``mmaction2``: tools/data/build_audio_features.py of open-mmlab/mmaction2@01cd893 and the 64 video frames at
30 fps of its config, a picture of 128 x 80 of the first 128 frames. The script scales the whole file to one
RMS; here it is that of the window, so that a clip does not depend on the rest of the file.
"""


@ENCODERS.register_module()
class LogMelResNet(Encoder):
    """ResNet-18 with one input channel on a log-mel spectrum of 128 frames and 80 bands; 512 numbers.

    A spectrum that is too long is cut, one that is too short padded with zeros (the floor of its decibels) at
    its end, as mmaction2's AudioFeatureSelector does. The vector is the mean over the last feature map.

    Weights of torchvision and timm are of colour pictures: the first convolution is summed over the three
    colours, which is what a grey picture would give. Weights of mmaction2 learnt pictures whose height is
    time; for a recipe whose height is the bands, every kernel is transposed. Weights that vidkit saved are
    taken as they are: use the recipe that they were trained with.

    Args:
        recipe: Name in ``RECIPES``.
        weights: Checkpoint of torchvision, timm, mmaction2 or vidkit, FILE or FILE#PREFIX; None for random.
        trust: Whether a pickle may run code while it is read.

    Raises:
        ValueError: If the recipe is unknown, or the checkpoint has another scheme or shape.
        FileNotFoundError: If there is no such file.
    """

    modality = "audio"
    dim = 512

    def __init__(self, *, recipe: str = "usv_test", weights: str | None = None, trust: bool = False) -> None:
        super().__init__()
        self._picture = one_of(RECIPES, recipe, "recipe of LogMelResNet")
        self._arguments = {"recipe": recipe}
        self.recipe = AudioRecipe(sample_rate_hz=SAMPLE_RATE_HZ, window_seconds=self._picture.window_seconds)
        self.log_mel = self._picture.log_mel()
        import timm

        with fixed_random("LogMelResNet"):
            self.resnet = timm.create_model("resnet18", in_chans=1, num_classes=0, pretrained=False)
        if weights is not None:
            load_into(
                self,
                checkpoint_file(weights, owner="LogMelResNet"),
                converters={
                    "torchvision ResNet": _from_pictures,
                    "mmaction2 ResNet": partial(_from_mmaction2, layout=self._picture.layout),
                },
                owner="LogMelResNet",
                trust=trust,
            )
        self.eval()

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says, with the numbers of the spectrogram."""
        return {
            **super().description(),
            "front_end": {
                **self.log_mel.description(),
                "num_frames": NUM_FRAMES,
                "layout": self._picture.layout,
            },
        }

    def preprocess(self, clips: Tensor) -> Tensor:
        """Return pictures of 128 frames, float32 in [0, 1], (N, 1, 80, 128) or (N, 1, 128, 80).

        Args:
            clips: Mono waveforms in [-1, 1], (N, S).

        Raises:
            ValueError: If they have another shape or are shorter than 641 samples.
        """
        check_waveforms(clips, min_samples=_MIN_SAMPLES, sample_rate_hz=SAMPLE_RATE_HZ, owner="LogMelResNet")
        log_mel = self.log_mel(clips)[:, :NUM_FRAMES]
        log_mel = F.pad(log_mel, (0, 0, 0, NUM_FRAMES - log_mel.shape[1]))  # (N, T, M)
        return (log_mel if self._picture.layout == "time first" else log_mel.transpose(1, 2))[:, None]

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the vectors, float32 (N, 512), >= 0.

        Args:
            inputs: Pictures, as ``preprocess`` gives them.
        """
        features: Tensor = self.resnet(inputs.to(next(self.parameters()).dtype))
        return features.float()

    def arguments(self) -> dict[str, Any]:
        """Return the recipe."""
        return dict(self._arguments)


def _from_pictures(state: State) -> State:
    """Return weights of torchvision or timm with the first convolution summed over the colours."""
    state = torchvision_resnet(state)
    if "conv1.weight" in state:
        state["conv1.weight"] = state["conv1.weight"].sum(1, keepdim=True)
    return _of_encoder(state)


def _from_mmaction2(state: State, *, layout: Layout) -> State:
    """Return weights of mmaction2, whose height is time, for pictures of a layout.

    Raises:
        ValueError: If the network reads colour pictures.
    """
    state = mmaction2_resnet(state)
    num_channels = state["conv1.weight"].shape[1] if "conv1.weight" in state else 1
    if num_channels != 1:
        raise ValueError(
            f"these weights of mmaction2 ResNet read pictures of {num_channels} channels, not sound; "
            "give an audio network of mmaction2, or weights of torchvision"
        )
    if layout == "bands first":
        state = {name: value.transpose(2, 3) if value.ndim == 4 else value for name, value in state.items()}
    return _of_encoder(state)


def _of_encoder(state: State) -> State:
    return {f"resnet.{name}": value for name, value in state.items()}
