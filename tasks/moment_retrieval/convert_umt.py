"""The released weights of UMT: how their layout is recognised, and what the weights are called here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vidkit.registry import CONVERTERS


@CONVERTERS.register_module()
class UMTLayout:
    """The weights of TencentARC/UMT (commit 7a9a71c, with nncore 0.3.6), for ``ReleasedUMT``.

    There the projections of an attention are layers of their own; here they are one matrix. Tables of
    positions have a first axis of 1 there.
    """

    _NAMES = (
        (r"^video_enc\.", "unimodal.visual."),
        (r"^audio_enc\.", "unimodal.audio."),
        (r"^(unimodal\.\w+)\.mapping\.linear\.", r"\1.project."),
        (r"^(unimodal\.\w+)\.encoder\.att\.", r"\1.layer.attention."),
        (r"^(unimodal\.\w+)\.encoder\.ffn\.", r"\1.layer.feedforward."),
        (r"^(unimodal\.\w+)\.encoder\.norm1\.", r"\1.layer.attention_norm."),
        (r"^(unimodal\.\w+)\.encoder\.norm2\.", r"\1.layer.feedforward_norm."),
        (r"^cross_enc\.encoder\.token$", "fuse.layer.tokens"),
        (r"^cross_enc\.encoder\.encoder\.0\.", "fuse.layer."),
        (r"^cross_enc\.", "fuse."),
        (r"^fuse\.layer\.att1\.", "fuse.layer.gather.0."),
        (r"^fuse\.layer\.att2\.", "fuse.layer.gather.1."),
        (r"^fuse\.layer\.att3\.", "fuse.layer.spread.0."),
        (r"^fuse\.layer\.att4\.", "fuse.layer.spread.1."),
        (r"^fuse\.layer\.ffn1\.", "fuse.layer.feedforwards.0."),
        (r"^fuse\.layer\.ffn2\.", "fuse.layer.feedforwards.1."),
        (r"^fuse\.layer\.norm1\.", "fuse.layer.norms.0."),
        (r"^fuse\.layer\.norm2\.", "fuse.layer.norms.1."),
        (r"^fuse\.layer\.norm3\.", "fuse.layer.token_norm."),
        (r"^fuse\.layer\.norm4\.", "fuse.layer.gathered_norm."),
        (r"^fuse\.layer\.norm5\.", "fuse.layer.feedforward_norms.0."),
        (r"^fuse\.layer\.norm6\.", "fuse.layer.feedforward_norms.1."),
        (r"^query_gen\.mapping\.linear\.", "generate_queries.project."),
        (r"^query_gen\.mapping\.norm\.", "generate_queries.norm."),
        (r"^query_gen\.encoder\.", "generate_queries.attention."),
        (r"^query_dec\.q_pos_enc\.pe$", "decode_queries.positions.table"),
        (r"^query_dec\.k_pos_enc\.pe$", "decode_queries.clip_positions.table"),
        (r"^query_dec\.decoder\.(\d+)\.att1\.", r"decode_queries.layers.\1.attention."),
        (r"^query_dec\.decoder\.(\d+)\.att2\.", r"decode_queries.layers.\1.cross_attention."),
        (r"^query_dec\.decoder\.(\d+)\.ffn\.", r"decode_queries.layers.\1.feedforward."),
        (r"^query_dec\.decoder\.(\d+)\.norm1\.", r"decode_queries.layers.\1.attention_norm."),
        (r"^query_dec\.decoder\.(\d+)\.norm2\.", r"decode_queries.layers.\1.cross_norm."),
        (r"^query_dec\.decoder\.(\d+)\.norm3\.", r"decode_queries.layers.\1.feedforward_norm."),
        (r"^query_dec\.norm\.", "decode_queries.norm."),
        (r"^pred_head\.\d+\.(\w+)_pred\.linear\.", r"heads.\1."),
        (r"\.pos_enc\.pe$", ".positions.table"),
        (r"\.mapping\.0\.", ".layers.0."),
        (r"\.mapping\.3\.", ".layers.1."),
        (r"\.m\.(weight|bias)$", r".out_proj.\1"),
    )

    @staticmethod
    def recognises(weights: Mapping[str, Tensor]) -> bool:
        """Return whether the names are those of this layout."""
        return {"video_enc.mapping.linear.weight", "query_dec.q_pos_enc.pe"} <= weights.keys()

    @classmethod
    def convert(cls, weights: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the config of the model, as far as weights show it, and its weights by their names here."""
        renamed = {}
        for name, weight in weights.items():
            for pattern, replacement in cls._NAMES:
                name = re.sub(pattern, replacement, name)
            renamed[name] = weight[0] if name.endswith(".table") else weight
        joined: dict[str, Tensor] = {}
        for name, weight in renamed.items():
            prefix, is_query, kind = name.rpartition(".q.")
            if is_query:
                parts = [renamed[f"{prefix}.{projection}.{kind}"] for projection in "qkv"]
                joined[f"{prefix}.in_proj_{kind}"] = torch.cat(parts)
            elif not re.search(r"\.[kv]\.(weight|bias)$", name):
                joined[name] = weight
        return _umt_config(joined), joined


def _umt_config(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config of the ``ReleasedUMT`` that has these weights."""
    projections = {
        "visual_encoder": "unimodal.visual.project.weight",
        "audio_encoder": "unimodal.audio.project.weight",
        "text_encoder": "generate_queries.project.weight",
    }
    layers = {name.split(".")[2] for name in weights if name.startswith("decode_queries.layers.")}
    heads = ("saliency", "center", "window", "offset")
    absent = [name for name in heads if f"heads.{name}.weight" not in weights]
    return dict(
        type="ReleasedUMT",
        **{
            key: dict(type="Precomputed", dim=weights[name].shape[1], modality=key.removesuffix("_encoder"))
            for key, name in projections.items()
            if name in weights
        },
        loss=dict(type="UMTLoss", **dict.fromkeys(absent)),
        num_decoder_layers=len(layers),
    )
