"""Public checkpoints of Moment-DETR and QD-DETR, as ``convert_umt.py`` has those of UMT.

The models of vidkit say what the released ones say of the same features, one sample at a time: their layers,
with their quirks, are the same. What differs lies round them:

- Released QD-DETR mixes up the padding of the samples of a batch, so its own answers change with the batch.
- Released models scale predictions by the length of the video, those of vidkit by that of the clips they
  read. The two differ where a video is not a whole number of clips, or features end early.
- Released loaders cut queries after 32 words and videos after 75 clips.
- The positions of words and the projections of the alignment loss are saved in released files but not used
  there; they are left out.

Names were read in jayleicn/moment_detr@2fa9e32 and wjun0830/QD-DETR@08daacd.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vidkit.registry import CONVERTERS

__all__ = ["MomentDETRLayout", "QDDETRLayout"]

_Names = tuple[tuple[str, str], ...]

_UNUSED = ("txt_position_embed.", "contrastive_align_projection_")

_SHARED: _Names = (
    (r"^input_vid_proj\.", "project_clips."),
    (r"^input_txt_proj\.", "project_words."),
    (r"^(project_\w+)\.0\.LayerNorm\.", r"\1.0."),
    (r"^(project_\w+)\.0\.net\.1\.", r"\1.2."),
    (r"^(project_\w+)\.1\.LayerNorm\.", r"\1.4."),
    (r"^(project_\w+)\.1\.net\.1\.", r"\1.6."),
    (r"^class_embed\.", "classify."),
    (r"^span_embed\.", "regress."),
    (r"^transformer\.encoder\.layers\.", "encoder."),
    (r"^(encoder\.\d+)\.self_attn\.", r"\1.attention."),
    (r"^(encoder\.\d+)\.norm1\.", r"\1.attention_norm."),
    (r"^(encoder\.\d+)\.norm2\.", r"\1.feedforward_norm."),
    (r"\.linear1\.", ".feedforward.layers.0."),
    (r"\.linear2\.", ".feedforward.layers.1."),
    (r"\.activation\.", ".feedforward.activation."),
)
"""What both call alike; each is tried on what the ones before it left."""


@CONVERTERS.register_module()
class MomentDETRLayout:
    """The weights that jayleicn/moment_detr released, for ``MomentDETR``."""

    _NAMES: _Names = (
        *_SHARED,
        (r"^query_embed\.weight$", "queries"),
        (r"^saliency_proj\.", "saliency."),
        (r"^transformer\.decoder\.norm\.", "decoder_norm."),
        (r"^transformer\.decoder\.layers\.", "decoder."),
        (r"^(decoder\.\d+)\.self_attn\.", r"\1.attention."),
        (r"^(decoder\.\d+)\.multihead_attn\.", r"\1.cross_attention."),
        (r"^(decoder\.\d+)\.norm1\.", r"\1.attention_norm."),
        (r"^(decoder\.\d+)\.norm2\.", r"\1.cross_norm."),
        (r"^(decoder\.\d+)\.norm3\.", r"\1.feedforward_norm."),
    )

    @staticmethod
    def recognises(weights: Mapping[str, Tensor]) -> bool:
        """Return whether the names are those of this layout."""
        return {"input_vid_proj.0.net.1.weight", "saliency_proj.weight"} <= weights.keys()

    @classmethod
    def convert(cls, weights: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the config of the model, as far as weights show it, and its weights by their names here."""
        renamed = _renamed(weights, cls._NAMES)
        num_moments, dim = renamed["queries"].shape
        return dict(
            type="MomentDETR",
            **_encoders(renamed),
            loss=dict(type="MomentDETRLoss"),
            dim=dim,
            feedforward_dim=len(renamed["encoder.0.feedforward.layers.0.weight"]),
            num_encoder_layers=_count(renamed, r"encoder\.(\d+)\."),
            num_decoder_layers=_count(renamed, r"decoder\.(\d+)\."),
            num_moments=num_moments,
            round_to_clips=True,
        ), renamed


@CONVERTERS.register_module()
class QDDETRLayout:
    """The weights that wjun0830/QD-DETR released, for ``QDDETR``."""

    _NAMES: _Names = (
        *_SHARED,
        (r"^query_embed\.weight$", "decoder.references"),
        (r"^global_rep_token$", "token"),
        (r"^global_rep_pos$", "token_position"),
        (r"^saliency_proj1\.", "saliency_clip."),
        (r"^saliency_proj2\.", "saliency_token."),
        (r"^transformer\.t2v_encoder\.layers\.", "text_layers."),
        (r"^(text_layers\.\d+)\.self_attn\.", r"\1.attention."),
        (r"^(text_layers\.\d+)\.norm1\.", r"\1.attention_norm."),
        (r"^(text_layers\.\d+)\.norm2\.", r"\1.feedforward_norm."),
        (r"^transformer\.decoder\.", "decoder."),
        (r"^decoder\.ref_point_head\.", "decoder.position."),
        (r"^decoder\.ref_anchor_head\.", "decoder.width."),
        (r"^decoder\.query_scale\.", "decoder.scale."),
        (r"^decoder\.bbox_embed\.", "decoder.refine."),
        (r"\.norm1\.", ".attend_norm."),
        (r"\.norm2\.", ".cross_norm."),
        (r"\.norm3\.", ".feedforward_norm."),
        (r"\.self_attn\.", ".attend.attention."),
        (r"\.cross_attn\.", ".cross.attention."),
        (r"\.attention\.out_proj\.", ".attention.output."),
        (r"^(text_layers|encoder)\.(\d+)\.attention\.output\.", r"\1.\2.attention.out_proj."),
        (r"\.sa_v_proj\.", ".attend.value."),
        (r"\.ca_v_proj\.", ".cross.value."),
        (r"\.sa_([qk])(content|pos)_proj\.", r".attend.\1_\2."),
        (r"\.ca_qpos_sine_proj\.", ".cross.query_sine."),
        (r"\.ca_([qk])(content|pos)_proj\.", r".cross.\1_\2."),
        (r"\.q_", ".query_"),
        (r"\.k_", ".key_"),
        (r"_pos\.", "_position."),
    )

    @staticmethod
    def recognises(weights: Mapping[str, Tensor]) -> bool:
        """Return whether the names are those of this layout."""
        return {"input_vid_proj.0.net.1.weight", "global_rep_token"} <= weights.keys()

    @classmethod
    def convert(cls, weights: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the config of the model, as far as weights show it, and its weights by their names here."""
        renamed = _renamed(weights, cls._NAMES)
        return dict(
            type="QDDETR",
            **_encoders(renamed),
            loss=dict(type="QDDETRLoss"),
            dim=len(renamed["token"]),
            feedforward_dim=len(renamed["encoder.0.feedforward.layers.0.weight"]),
            num_text_layers=_count(renamed, r"text_layers\.(\d+)\."),
            num_encoder_layers=_count(renamed, r"encoder\.(\d+)\."),
            num_decoder_layers=_count(renamed, r"decoder\.layers\.(\d+)\."),
            num_moments=len(renamed["decoder.references"]),
            round_to_clips=True,
        ), renamed


def _renamed(weights: Mapping[str, Tensor], names: _Names) -> dict[str, Tensor]:
    renamed = {}
    for name, weight in weights.items():
        if name.startswith(_UNUSED):
            continue
        for pattern, replacement in names:
            name = re.sub(pattern, replacement, name)
        renamed[name] = weight
    return renamed


def _count(weights: Mapping[str, Tensor], pattern: str) -> int:
    """Return how many numbers stand where a pattern has its group, at the start of the names."""
    return len({found[1] for name in weights if (found := re.match(pattern, name))})


_SLOWFAST, _CLIP, _PANNS = 2304, 512, 2048
"""Channels of the streams of QVHighlights, each of which is scaled to length 1 for itself."""


def _encoders(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the encoders of a model that reads so many channels; an unknown number makes one stream."""
    width = len(weights["project_clips.0.weight"])
    visual = dict(
        type="JoinedFeatures",
        parts=[dict(type="Precomputed", dim=dim, modality="visual") for dim in (_SLOWFAST, _CLIP)],
    )
    encoders: dict[str, Any] = dict(visual_encoder=dict(type="Precomputed", dim=width - 2, modality="visual"))
    if width == _SLOWFAST + _CLIP + 2:
        encoders = dict(visual_encoder=visual)
    elif width == _SLOWFAST + _CLIP + 2 + _PANNS + 2:
        audio = dict(type="Precomputed", dim=_PANNS, modality="audio")
        encoders = dict(visual_encoder=visual, audio_encoder=audio)
    words = len(weights["project_words.0.weight"])
    return encoders | dict(text_encoder=dict(type="Precomputed", dim=words, modality="text"))
