"""MMCT: long videos to short clips by a transformer over pictures, sound and captions.

Shapes: B videos, T seconds (clips with a feature of their own), D channels. Section names are those of the
paper (see README.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from vidkit.encoders.base import Encoder
from vidkit.losses.reduction import at_least_float32
from vidkit.modules import (
    MLP,
    CrossAttentionLayer,
    Linear,
    SelfAttentionLayer,
    SelfCrossAttentionLayer,
    sinusoidal_positions,
)
from vidkit.registry import MODELS, MODULES
from vidkit.tasks.repurposing.base import MODALITIES, Outputs, RepurposingModel
from vidkit.tasks.repurposing.loss import MMCTLoss
from vidkit.tasks.repurposing.selection import ClipSelection
from vidkit.tasks.repurposing.targets import Targets, middles_of

__all__ = ["MMCT", "AlignmentGuider", "Outputs"]

_FIRST_OFFSET_SECONDS = 39.5 / 2
"""What the regression head says before it has learnt: half the mean clip of Repurpose-10K.

Its last ReLU passes gradients from the start: about zero, half of all seconds would have none.
"""


@MODULES.register_module()
class AlignmentGuider(nn.Module):
    """A classification head on single modalities, before they are fused ("Multi-Modal Alignment Guider").

    Args:
        modalities: Which have a head, if the model reads them. The paper's are the visual and the audio one.

    Raises:
        ValueError: If ``modalities`` is empty or names something else.
    """

    def __init__(self, *, modalities: Sequence[str] = ("visual", "audio")) -> None:
        super().__init__()
        if not modalities or not set(modalities) <= set(MODALITIES):
            raise ValueError(
                f"modalities are some of {', '.join(MODALITIES)}, got {list(modalities)}; for a model "
                "without uni-modal heads set guider=None"
            )
        self.modalities = tuple(modalities)
        self.heads = nn.ModuleDict()

    def make_heads(self, dim: int, names: Collection[str]) -> None:
        """Make a new head, of D channels, for every modality that is among ``names``; the model calls it."""
        self.modalities = tuple(name for name in self.modalities if name in names)
        self.heads = nn.ModuleDict({name: _head(dim, 1) for name in self.modalities})

    def forward(self, streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of each guided modality, (B, T), from sequences (B, T, D)."""
        return {name: head(streams[name])[..., 0] for name, head in self.heads.items()}


@MODELS.register_module()
class MMCT(RepurposingModel):
    """Multi-modal transformer of "Video Repurposing from User Generated Content".

    Every modality goes through an MLP and self-attention layers. Pictures and sound, each for itself, then
    attend to the captions, and then to each other. Of two streams that are left the concatenation is mapped
    to D channels, one goes to the heads itself. One head says for every second whether it lies in a clip, the
    other how far that clip's start and end are.

    Any subset of the modalities makes a model (Table 4): without captions there are no caption layers, with
    pictures or sound alone no fusion layers, whatever the number that is given.

    Departures from the released code: positions are encoded along time, where it takes the index within the
    batch; both directions of a fusion layer read the state before it, where sound reads the picture stream
    just updated; heads have ReLU between their layers. The paper is silent on norms: every layer normalises
    what it reads, and a LayerNorm closes each stream before it is fused or goes to a head.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the modality out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the modality out.
        text_encoder: Reads captions, or is ``Precomputed``; None leaves the modality out.
        loss: Weights of Equation 5.
        selection: Which of the clips that the seconds propose are given.
        dim: D.
        num_heads: Of every attention.
        feedforward_dim: Channels inside the feed-forward networks.
        num_self_layers: N_s, >= 1.
        num_caption_layers: N_c, >= 1.
        num_fusion_layers: N_f, >= 1.
        dropout: In [0, 1).
        guider: Uni-modal heads after the self-attention layers; None for the model without them.
        recompute: Whether training computes each layer again in the backward pass, so that a batch takes a
            fraction of the memory for a third more time.
        clip_seconds: What a second covers.
        data_preprocessor: Pads batches; ``PadSequences`` by default.

    Raises:
        ValueError: If there is no encoder, a number of layers is below 1, or guider and loss do not fit.
        TypeError: If a part is of another kind.
    """

    def __init__(
        self,
        *,
        visual_encoder: Encoder | None = None,
        audio_encoder: Encoder | None = None,
        text_encoder: Encoder | None = None,
        loss: MMCTLoss,
        selection: ClipSelection,
        dim: int = 512,
        num_heads: int = 8,
        feedforward_dim: int = 2048,
        num_self_layers: int = 3,
        num_caption_layers: int = 3,
        num_fusion_layers: int = 3,
        dropout: float = 0.1,
        guider: AlignmentGuider | None = None,
        recompute: bool = False,
        clip_seconds: float = 1.0,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(
            dict(visual=visual_encoder, audio=audio_encoder, text=text_encoder),
            selection=selection,
            clip_seconds=clip_seconds,
            data_preprocessor=data_preprocessor,
        )
        encoders = self.encoders()
        _check_layers(
            num_self_layers=num_self_layers,
            num_caption_layers=num_caption_layers,
            num_fusion_layers=num_fusion_layers,
        )
        _check_guidance(loss, guider, list(encoders))
        self.dim = dim
        self.recompute = recompute
        self.loss = loss
        self.guider = guider
        if guider is not None:
            guider.make_heads(dim, list(encoders))

        def stacks(kind: type[nn.Module], count: int, names: Sequence[str]) -> nn.ModuleDict:
            settings = dict(num_heads=num_heads, feedforward_dim=feedforward_dim, dropout=dropout)
            return nn.ModuleDict(
                {name: nn.ModuleList(kind(dim, **settings) for _ in range(count)) for name in names}
            )

        streams = [name for name in encoders if name != "text"] or ["text"]
        enhanced = streams if len(encoders) > len(streams) else []  # by captions
        fused = streams if len(streams) == 2 else []
        self.project = nn.ModuleDict({name: MLP(encoders[name].dim, dim, dim) for name in encoders})
        self.self_layers = stacks(SelfAttentionLayer, num_self_layers, list(encoders))
        self.caption_layers = stacks(SelfCrossAttentionLayer, num_caption_layers, enhanced)
        self.fusion_layers = stacks(CrossAttentionLayer, num_fusion_layers, fused)
        self.close = nn.ModuleDict({name: nn.LayerNorm(dim) for name in streams})
        self.fuse = Linear(2 * dim, dim) if fused else nn.Identity()
        self.classify = MLP(dim, dim, dim, 1)
        self.regress = MLP(dim, dim, dim, 2)
        nn.init.constant_(cast(nn.Linear, self.regress.layers[-1]).bias, _FIRST_OFFSET_SECONDS)

    def outputs(self, features: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Outputs:
        """Return what the model says of padded videos.

        Args:
            features: (B, T, D) per modality.
            masks: True where real, (B, T) per modality.
        """
        keys = {name: None if bool(mask.all()) else mask for name, mask in masks.items()}
        length, device = next(iter(masks.values())).shape[1], next(iter(masks.values())).device
        positions = sinusoidal_positions(length, self.dim, device=device)
        streams = {}
        for name, x in features.items():
            streams[name] = self.project[name](x) + positions
            for layer in _stack(self.self_layers, name):
                streams[name] = self._through(layer, streams[name], keys[name])
        # A copy: what is read again in the backward pass must not change until then.
        modality_logits = {} if self.guider is None else self._through(self.guider, dict(streams))
        for name in self.caption_layers:
            for layer in _stack(self.caption_layers, name):
                streams[name] = self._through(layer, streams[name], streams["text"], keys[name], keys["text"])
        for pair in zip(*(_stack(self.fusion_layers, name) for name in self.fusion_layers)):
            before = dict(streams)
            for layer, (name, other) in zip(pair, (("visual", "audio"), ("audio", "visual"))):
                streams[name] = self._through(layer, before[name], before[other], keys[other])
        closed = [norm(streams[name]) for name, norm in self.close.items()]
        fused = self.fuse(torch.cat(closed, dim=-1))
        return Outputs(
            at_least_float32(self._through(self.classify, fused))[..., 0],
            F.relu(at_least_float32(self._through(self.regress, fused))),
            {name: at_least_float32(logits) for name, logits in modality_logits.items()},
        )

    def losses(self, outputs: Outputs, targets: Targets) -> dict[str, Tensor]:
        """Return the terms of Equation 5."""
        losses: dict[str, Tensor] = self.loss(outputs, targets)
        return losses

    def proposals(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Return the score of every second, (T,) in [0, 1], and the clip it proposes, (T, 2) in seconds."""
        middles = middles_of(len(outputs.logits), self.clip_seconds, like=outputs.offsets)
        before, after = outputs.offsets.unbind(dim=1)
        return outputs.logits.sigmoid(), torch.stack([middles - before, middles + after], dim=1)

    def _through(self, module: nn.Module, *inputs: Any) -> Any:
        """Return what a module makes of its inputs; in training its insides may be forgotten until then."""
        if self.recompute and self.training and torch.is_grad_enabled():
            return checkpoint(module, *inputs, use_reentrant=False)
        return module(*inputs)


def _stack(stacks: nn.ModuleDict, name: str) -> nn.ModuleList:
    return cast(nn.ModuleList, stacks[name])


def _head(dim: int, num_outputs: int) -> nn.Sequential:
    """Return a three-layer MLP behind the LayerNorm that closes a stream."""
    return nn.Sequential(nn.LayerNorm(dim), MLP(dim, dim, dim, num_outputs))


def _check_layers(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(
                f"{name} must be at least 1, got {count}; to leave a modality out, set its encoder to None"
            )


def _check_guidance(loss: MMCTLoss, guider: AlignmentGuider | None, names: Sequence[str]) -> None:
    if not isinstance(loss, MMCTLoss):
        raise TypeError(f"loss must be MMCTLoss, got {type(loss).__name__}")
    if guider is None:
        if loss.unimodal or loss.alignment:
            raise ValueError(
                f"the losses unimodal ({loss.unimodal}) and alignment ({loss.alignment}) need a guider; "
                "set both to 0, or give an AlignmentGuider"
            )
        return
    if not isinstance(guider, AlignmentGuider):
        raise TypeError(f"guider must be AlignmentGuider, got {type(guider).__name__}")
    if not set(guider.modalities) & set(names):
        raise ValueError(
            f"the guider has heads for {', '.join(guider.modalities)}, the model reads: {', '.join(names)}; "
            "name some of these, or set guider=None"
        )
    if not (loss.unimodal or loss.alignment):
        raise ValueError(
            "nothing would teach the heads of the guider: the losses unimodal and alignment are both 0; "
            "set guider=None"
        )
