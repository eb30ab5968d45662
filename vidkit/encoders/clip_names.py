"""The names of CLIP's weights in OpenAI's and open_clip's files -> those of transformers.

| OpenAI, open_clip | transformers |
|---|---|
| `visual.class_embedding`, `.positional_embedding`, `.conv1` | `vision_model.embeddings.*` |
| `visual.ln_pre`, `visual.ln_post` | `vision_model.pre_layrnorm` (so spelt), `.post_layernorm` |
| `visual.proj` | `visual_projection.weight`, transposed |
| `token_embedding`, `positional_embedding`, `ln_final` | `text_model.embeddings.*`, `.final_layer_norm` |
| `text_projection` | `text_projection.weight`, transposed |
| `[visual.]transformer.resblocks.N` | `{vision,text}_model.encoder.layers.N` |
| `attn.in_proj_{weight,bias}` | `self_attn.{q,k,v}_proj`, one third each |

Read in openai/CLIP (clip/model.py) and mlfoundations/open_clip.
"""

from __future__ import annotations

from torch import Tensor

from vidkit.encoders.weights import State

_LAYER_PARTS = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_VISION = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
}
_TEXT = {
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}


def vision_names(state: State) -> State:
    """Return the image half of OpenAI's names with those of ``CLIPVisionModelWithProjection``."""
    renamed = {_VISION[name]: value for name, value in state.items() if name in _VISION}
    if "visual.proj" in state:
        renamed["visual_projection.weight"] = state["visual.proj"].T.contiguous()
    return renamed | _layers(state, "visual.transformer.resblocks.", "vision_model.encoder.layers.")


def text_names(state: State) -> State:
    """Return the text half of OpenAI's names with those of ``CLIPTextModelWithProjection``."""
    renamed = {_TEXT[name]: value for name, value in state.items() if name in _TEXT}
    if "text_projection" in state:
        renamed["text_projection.weight"] = state["text_projection"].T.contiguous()
    return renamed | _layers(state, "transformer.resblocks.", "text_model.encoder.layers.")


def hugging_face_vision(state: State) -> State:
    """Return the image half of a file of transformers, also of one that holds both halves."""
    return _half(state, ("vision_model.", "visual_projection."))


def hugging_face_text(state: State) -> State:
    """Return the text half of a file of transformers, also of one that holds both halves."""
    return _half(state, ("text_model.", "text_projection."))


def _half(state: State, parts: tuple[str, ...]) -> State:
    # Old files also hold the table of positions 0, 1, 2, ..., which is no weight.
    return {
        name: value
        for name, value in state.items()
        if name.startswith(parts) and not name.endswith("embeddings.position_ids")
    }


def _layers(state: State, prefix: str, new_prefix: str) -> State:
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        if not name.startswith(prefix):
            continue
        number, part = name.removeprefix(prefix).split(".", 1)
        layer = f"{new_prefix}{number}"
        if part.startswith("attn.in_proj_"):
            kind = part.removeprefix("attn.in_proj_")
            for which, third in zip("qkv", value.chunk(3)):
                renamed[f"{layer}.self_attn.{which}_proj.{kind}"] = third.contiguous()
        else:
            owner, kind = part.rsplit(".", 1)
            renamed[f"{layer}.{_LAYER_PARTS.get(owner, owner)}.{kind}"] = value
    return renamed
