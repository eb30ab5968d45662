"""A small CLIP of transformers, and its weights by OpenAI's names, for the tests of CLIP's encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import CLIPConfig, CLIPModel

TINY = dict(hidden_size=64, num_hidden_layers=2, patch_size=32, projection_dim=24)
State = dict[str, torch.Tensor]


def clips_of(num_clips: int = 3, height: int = 240, width: int = 320) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (num_clips, 1, height, width, 3), dtype=torch.uint8, generator=generator)


def hugging_face(activation: str = "quick_gelu") -> CLIPModel:
    """A CLIP of transformers of the size "tiny", with random weights that are not symmetric."""
    heads = dict(num_attention_heads=1, intermediate_size=256, hidden_act=activation)
    torch.manual_seed(1)
    model = CLIPModel(
        CLIPConfig(
            vision_config={**TINY, **heads},
            text_config=dict(
                hidden_size=32,
                num_hidden_layers=1,
                vocab_size=50,
                num_attention_heads=1,
                intermediate_size=64,
                hidden_act=activation,
                projection_dim=24,
            ),
            projection_dim=24,
        )
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def image_features(model: CLIPModel, pixels: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        output: Any = model.get_image_features(pixel_values=pixels)
    return output if isinstance(output, torch.Tensor) else output.pooler_output


def openai_names(model: CLIPModel) -> State:
    """The weights of ``model`` as openai/CLIP names them, written out again from its clip/model.py."""
    own = model.state_dict()
    state = {
        "visual.class_embedding": own["vision_model.embeddings.class_embedding"],
        "visual.positional_embedding": own["vision_model.embeddings.position_embedding.weight"],
        "visual.conv1.weight": own["vision_model.embeddings.patch_embedding.weight"],
        "visual.proj": own["visual_projection.weight"].T,
        "token_embedding.weight": own["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": own["text_model.embeddings.position_embedding.weight"],
        "text_projection": own["text_projection.weight"].T,
        "logit_scale": own["logit_scale"],
    }
    norms = {
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
        "ln_final": "text_model.final_layer_norm",
    }
    for tower, prefix, count in (("vision", "visual.transformer", 2), ("text", "transformer", 1)):
        for i in range(count):
            theirs, ours = f"{prefix}.resblocks.{i}", f"{tower}_model.encoder.layers.{i}"
            for kind in ("weight", "bias"):
                thirds = [own[f"{ours}.self_attn.{x}_proj.{kind}"] for x in "qkv"]
                state[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(thirds)
            norms[f"{theirs}.attn.out_proj"] = f"{ours}.self_attn.out_proj"
            norms[f"{theirs}.ln_1"], norms[f"{theirs}.ln_2"] = f"{ours}.layer_norm1", f"{ours}.layer_norm2"
            norms[f"{theirs}.mlp.c_fc"], norms[f"{theirs}.mlp.c_proj"] = f"{ours}.mlp.fc1", f"{ours}.mlp.fc2"
    for theirs, ours in norms.items():
        for kind in ("weight", "bias"):
            state[f"{theirs}.{kind}"] = own[f"{ours}.{kind}"]
    return {name: value.clone() for name, value in state.items()}


def save_torch_script(state: State, path: Path) -> None:
    """Write a TorchScript archive in half precision whose modules and parameters have these names."""
    root = nn.Module()
    for name, value in state.items():
        *parents, last = name.split(".")
        module = root
        for parent in parents:
            if not hasattr(module, parent):
                module.add_module(parent, nn.Module())
            module = module.get_submodule(parent)
        module.register_parameter(last, nn.Parameter(value.half(), requires_grad=False))
    root.register_buffer("input_resolution", torch.tensor(224))
    root.register_buffer("context_length", torch.tensor(77))
    root.register_buffer("vocab_size", torch.tensor(50))
    torch.jit.script(root).save(str(path))
