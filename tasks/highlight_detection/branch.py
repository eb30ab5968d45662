"""The network of one modality in RASL: attention, auto-encoder and activation sequence.

Shapes: B sequences, T steps, D channels of a feature vector, C channels of a code, H = D / 8 its length.
Section and equation numbers are those of the paper (see README.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.modules import RandomMask, ResidualSelfAttention
from vidkit.registry import MODULES
from vidkit.tasks.highlight_detection.loss import KPointContrast, TopActivations, reconstruction_loss

SHRINK = 8  # three convolutions of stride 2


@MODULES.register_module()
class StepAutoencoder(nn.Module):
    """Encoder E and decoder D of one modality: three convolutions of stride 2 and three transposed ones.

    The paper indexes codes, activations and inputs by the same steps, so time keeps its length and the
    strides run along the feature axis: each step's vector is a signal of one channel and length D. The last
    layer of the decoder has no ReLU, where the paper puts one: it could not rebuild negative features.

    Args:
        channels: Output channels of the three convolutions; the last is C.
    """

    def __init__(self, *, channels: Sequence[int] = (8, 16, 32)) -> None:
        super().__init__()
        if len(channels) != 3:
            raise ValueError(f"channels lists the outputs of three convolutions, got {list(channels)}")
        self.code_channels = channels[-1]
        widths = [1, *channels]
        # A kernel of 4 with stride 2 and padding 1 halves, and transposed doubles, exactly.
        self.down = nn.ModuleList(nn.Conv1d(a, b, 4, 2, 1) for a, b in pairwise(widths))
        widths.reverse()
        self.up = nn.ModuleList(nn.ConvTranspose1d(a, b, 4, 2, 1) for a, b in pairwise(widths))

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes r of the steps, (B, T, C, H), of vectors (B, T, D)."""
        signal: Tensor = x.flatten(0, 1)[:, None]  # (B T, 1, D)
        for layer in self.down:
            signal = F.relu(layer(signal))
        codes: Tensor = signal.unflatten(0, x.shape[:2])
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Return the vectors, (B, T, D), of codes (B, T, C, H)."""
        signal: Tensor = codes.flatten(0, 1)
        for index, layer in enumerate(self.up):
            signal = layer(signal)
            if index < len(self.up) - 1:
                signal = F.relu(signal)
        vectors: Tensor = signal[:, 0].unflatten(0, codes.shape[:2])
        return vectors


class RASLBranch(nn.Module):
    """One modality's network: attention, auto-encoder and activation sequence (Sections III-B and III-C).

    Args:
        dim: Channels of the feature vectors, D; a multiple of 8.
        contrast: ``KPointContrast``, ``TopActivations``, or None to leave Equation 8 out.
        masking: Hides steps for the auxiliary task of Equation 10; None leaves it out.
        with_attention: False leaves Equations 1 and 2 out.
    """

    def __init__(
        self, *, dim: int, contrast: nn.Module | None, masking: RandomMask | None, with_attention: bool = True
    ) -> None:
        super().__init__()
        if dim % SHRINK:
            raise ValueError(
                f"dim must be a multiple of {SHRINK}, as three strides of 2 run along it, got {dim}"
            )
        if contrast is not None and not isinstance(contrast, (KPointContrast, TopActivations)):
            raise TypeError(
                f"contrast must be KPointContrast or TopActivations, got {type(contrast).__name__}"
            )
        code_length = dim // SHRINK
        self.attention = ResidualSelfAttention(dim) if with_attention else None
        self.autoencoder = StepAutoencoder()
        self.process = nn.Conv1d(self.autoencoder.code_channels, 1, kernel_size=3, padding=1)  # psi
        self.activate = nn.Linear(code_length, 1, bias=False)  # w of Equation 4
        self.contrast = contrast
        self.masking = masking
        if isinstance(contrast, KPointContrast):
            self.project_top = nn.Linear(code_length, code_length, bias=False)
            self.project_bottom = nn.Linear(code_length, code_length, bias=False)

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes r = E(F(x)), (B, T, C, H), of vectors (B, T, D) (Equation 3)."""
        return self.autoencoder.encode(x if self.attention is None else self.attention(x))

    def score(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the activations s, (B, T), and the processed codes z, (B, T, H) (Equation 4)."""
        processed = self.process(codes.flatten(0, 1))[:, 0].unflatten(0, codes.shape[:2])
        return self.activate(processed)[..., 0], processed

    def rebuild(self, activations: Tensor, codes: Tensor) -> Tensor:
        """Return D(s r), (B, T, D) (Equation 5)."""
        return self.autoencoder.decode(activations[..., None, None] * codes)

    def losses(self, x: Tensor, mask: Tensor, sample_ids: Sequence[str]) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses of Equations 5, 8 and 10, and the codes r.

        Args:
            x: Feature vectors, (B, T, D).
            mask: True where a step is real, not a copy, (B, T).
            sample_ids: Names of the sequences, from which the hidden steps are drawn.
        """
        codes = self.encode(x)
        activations, processed = self.score(codes)
        target = x.detach()  # a target that learns could make the task easy
        losses = {"reconstruction": reconstruction_loss(target, self.rebuild(activations, codes), mask)}
        if isinstance(self.contrast, KPointContrast):
            top, bottom = self.project_top(processed), self.project_bottom(processed)
            losses["contrast"] = self.contrast(activations, top, bottom, mask)
        elif self.contrast is not None:
            losses["contrast"] = self.contrast(activations, mask)
        if self.masking is not None:
            hidden = self.masking(sample_ids, mask)
            masked_codes = self.encode(x.masked_fill(hidden[..., None], 0.0))
            losses["masked"] = reconstruction_loss(target, self.rebuild(activations, masked_codes), mask)
        return losses, codes
