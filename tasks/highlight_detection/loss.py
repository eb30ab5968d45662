"""The losses of RASL, Equations 5 to 10 of the paper (see README.md).

Shapes: B sequences, T steps, D channels of a feature vector, H length of a processed code z.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.losses import global_mean
from vidkit.registry import LOSSES


def reconstruction_loss(target: Tensor, rebuilt: Tensor, mask: Tensor) -> Tensor:
    """Return the mean absolute error over the channels of the real steps (Equations 5 and 10).

    Args:
        target: Feature vectors, (B, T, D).
        rebuilt: What the decoder made of them, (B, T, D).
        mask: True where a step is real, (B, T).
    """
    return global_mean((target - rebuilt).abs(), mask[..., None])


def top_and_bottom(activations: Tensor, mask: Tensor, *, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the steps of the k largest and the k smallest activations, each in ascending order.

    Equations 6 and 7.

    Args:
        activations: s, (B, T).
        mask: True where a step is real, (B, T).
        k: How many; a sequence with fewer real steps gives all it has.

    Returns:
        Indices of the top and of the bottom steps, (B, k) each, and a mask (B, k), True where there is an
        i-th of both.
    """
    order = activations.masked_fill(~mask, torch.inf).argsort(
        dim=1, stable=True
    )  # real steps first, ascending
    num_real = mask.sum(dim=1, keepdim=True)
    count = num_real.clamp(max=k)
    place = torch.arange(min(k, activations.shape[1]), device=mask.device)
    top = order.gather(1, (num_real - count + place).clamp(max=order.shape[1] - 1))
    return top, order[:, : len(place)], place < count


@LOSSES.register_module()
class KPointContrast(nn.Module):
    """k-point contrast: enlarge the top activations that differ from the bottom ones (Equation 8).

    ``softplus(-eta)`` with ``eta = mean_i s_i (1 - cos(norm(W z_i), norm(V y_i)))``, where z_i and y_i are
    the processed codes of the i-th top and bottom steps. The projections W and V are shared over i: the paper
    indexes them, but its count of parameters has no room for that.

    Args:
        k: How many steps count as top, and as bottom.
    """

    def __init__(self, *, k: int) -> None:
        super().__init__()
        self.k = _checked(k)

    def forward(self, activations: Tensor, top_codes: Tensor, bottom_codes: Tensor, mask: Tensor) -> Tensor:
        """Return the loss, a mean over sequences.

        Args:
            activations: s, (B, T).
            top_codes: W z of every step, (B, T, H).
            bottom_codes: V z of every step, (B, T, H).
            mask: True where a step is real, (B, T).
        """
        top, bottom, exists = top_and_bottom(activations, mask, k=self.k)
        likeness = F.cosine_similarity(_normalised(top_codes, top), _normalised(bottom_codes, bottom), dim=-1)
        return _pull_up(activations.gather(1, top) * (1 - likeness), exists)


@LOSSES.register_module()
class TopActivations(nn.Module):
    """Enlarge the k top activations without contrast: the substitute of Figure 6, ``eta = mean_i s_i``.

    Args:
        k: How many steps count as top.
    """

    def __init__(self, *, k: int) -> None:
        super().__init__()
        self.k = _checked(k)

    def forward(self, activations: Tensor, mask: Tensor) -> Tensor:
        """Return the loss, a mean over sequences; arguments as in ``KPointContrast``."""
        top, _, exists = top_and_bottom(activations, mask, k=self.k)
        return _pull_up(activations.gather(1, top), exists)


def _pull_up(terms: Tensor, exists: Tensor) -> Tensor:
    """Return softplus(-eta), where eta is the mean of a sequence's terms that exist, (B, k)."""
    eta = torch.where(exists, terms, 0.0).sum(dim=1) / exists.sum(dim=1).clamp(min=1)
    return global_mean(F.softplus(-eta))


def _normalised(codes: Tensor, steps: Tensor) -> Tensor:
    """Return the layer-normalised codes, (B, k, H), of the steps (B, k)."""
    chosen = codes.gather(1, steps[..., None].expand(-1, -1, codes.shape[-1]))
    return F.layer_norm(chosen, chosen.shape[-1:])


def _checked(k: int) -> int:
    if k < 1:
        raise ValueError(f"k counts steps, at least 1, got {k}")
    return k
