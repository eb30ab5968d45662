"""How much the picture keeps changing, as a feature.

Shapes: N clips, F = 3 frames a clip, H x W cells, D = 3 * H * W channels.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vidkit.encoders.base import Encoder, VisualRecipe
from vidkit.encoders.visual.pixel import checked_frames, checked_size
from vidkit.registry import ENCODERS

_FINER = 2  # the change is taken on a grid twice as fine, so that what moves within a cell counts
_UNIT = 0.083 * 255  # grey levels of change that make 1.0: a third of the contrast of everyday video


@ENCODERS.register_module()
class MotionVisual(Encoder):
    """Change of each cell of a small thumbnail that lasts over three frames; no weights.

    Of the changes before and after the clip's middle the smaller counts, pixel by pixel on a finer grid. A
    hard cut changes the picture once, so it leaves no trace; what moves, flashes or shakes does. RASL sees
    its steps without their order, so motion must be in each step's own vector. This is ours, no paper's.

    Args:
        size: (height, width) in cells, each > 0. The picture is squeezed to it whole.
        step_seconds: Time between the frames, > 0.

    Raises:
        ValueError: If an argument is not positive.

    Example:
        >>> import torch
        >>> MotionVisual()(torch.zeros(5, 3, 90, 160, 3, dtype=torch.uint8)).shape
        torch.Size([5, 144])
    """

    modality = "visual"
    unit: Tensor

    def __init__(self, *, size: tuple[int, int] = (6, 8), step_seconds: float = 0.2) -> None:
        super().__init__()
        if step_seconds <= 0:
            raise ValueError(
                f"step_seconds, the time between the frames, must be positive, got {step_seconds}"
            )
        self.size = checked_size(size)
        self.step_seconds = step_seconds
        self.dim = 3 * self.size[0] * self.size[1]
        fine = (_FINER * self.size[0], _FINER * self.size[1])
        self.recipe = VisualRecipe(num_frames=3, window_seconds=3 * step_seconds, decode_size=fine)
        self.register_buffer("unit", torch.tensor(_UNIT), persistent=False)

    def preprocess(self, clips: Tensor) -> Tensor:
        """Return the frames on the finer grid in grey levels, float (N, 3, 3, 2 H, 2 W).

        Args:
            clips: RGB frames, uint8 (N, 3, H, W, 3) of any size.

        Raises:
            ValueError: If ``clips`` has another shape.
            TypeError: If it is not uint8.
        """
        frames = checked_frames(clips, type(self).__name__).to(self.unit.device)
        if frames.shape[1] != 3:
            raise ValueError(f"MotionVisual reads 3 frames a clip, got {frames.shape[1]}")
        pixels = frames.flatten(0, 1).permute(0, 3, 1, 2).to(self.unit.dtype)  # (N * 3, 3, H, W)
        fine = (_FINER * self.size[0], _FINER * self.size[1])
        if pixels.shape[-2:] != fine:
            pixels = F.adaptive_avg_pool2d(pixels, fine)
        return pixels.view(-1, 3, *pixels.shape[1:])

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the lasting change of each cell and colour, shape (N, D), >= 0."""
        before, middle, after = inputs.unbind(1)
        change = torch.minimum((middle - before).abs(), (after - middle).abs())  # (N, 3, 2 H, 2 W)
        cells = F.avg_pool2d(change, _FINER)
        features: Tensor = cells / self.unit
        return features.flatten(1)

    def arguments(self) -> dict[str, Any]:
        """Return the number of cells and the time between the frames."""
        return {"size": list(self.size), "step_seconds": self.step_seconds}
