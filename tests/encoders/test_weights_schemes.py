"""Schemes of names: each recognised from the names of its public code, none in the way of another."""

from __future__ import annotations

import itertools
import re

import pytest
import timm
import torch
import torchvision
import transformers
from torch import nn

from vidkit.encoders.weights import recognise
from vidkit.encoders.weights.schemes import SCHEMES

BN = ("weight", "bias", "running_mean", "running_var")
C2_BN = ("s", "b", "rm", "riv")


def _names(module: nn.Module) -> list[str]:
    return list(module.state_dict())


def _torchvision(name: str) -> list[str]:
    with torch.device("meta"):
        return _names(torchvision.models.get_model(name))


def _timm(name: str) -> list[str]:
    with torch.device("meta"):
        return _names(timm.create_model(name))


def _hf(kind: type[transformers.PreTrainedModel], config: transformers.PreTrainedConfig) -> list[str]:
    with torch.device("meta"):
        return _names(kind(config))


def _mmaction_resnet(conv1: str = "conv", inner: str = "", prefix: str = "backbone.") -> list[str]:
    """A ResNet of mmaction2 4d6c934: ``convN.conv``, ``convN.bn``, ``downsample.conv``."""
    names = [f"conv1.{conv1}.weight", *(f"conv1.bn.{k}" for k in BN)]
    for layer, conv in itertools.product(range(1, 5), range(1, 4)):
        place = f"layer{layer}.0.conv{conv}"
        names += [f"{place}.conv{inner if conv == 1 else ''}.weight", *(f"{place}.bn.{k}" for k in BN)]
    names += [f"layer1.0.downsample.{k}" for k in ("conv.weight", "bn.weight")]
    return [f"{prefix}{name}" for name in names] + ["cls_head.fc_cls.weight", "cls_head.fc_cls.bias"]


def _mmaction_r2plus1d() -> list[str]:
    names = [
        "conv1.conv.conv_s.weight",
        "conv1.conv.bn_s.weight",
        "conv1.conv.conv_t.weight",
        "conv1.bn.weight",
    ]
    for layer, conv in itertools.product(range(1, 5), range(1, 3)):
        place = f"layer{layer}.0.conv{conv}"
        names += [f"{place}.conv.{k}.weight" for k in ("conv_s", "bn_s", "conv_t")] + [f"{place}.bn.weight"]
    return [f"backbone.{name}" for name in names]


def _mmaction_slowfast() -> list[str]:
    slow = _mmaction_resnet(prefix="backbone.slow_path.")
    fast = _mmaction_resnet(prefix="backbone.fast_path.")
    return [*slow, "backbone.slow_path.conv1_lateral.conv.weight", *fast]


def _tsn_pytorch(inner: str = "") -> list[str]:
    names = [n for n in _torchvision("resnet50") if not n.startswith("fc.")]
    names = ["base_model." + re.sub(r"^(layer\d\.\d+\.conv1)", rf"\1{inner}", n) for n in names]
    return [*names, "new_fc.weight", "new_fc.bias"]


def _pyslowfast(pathways: int) -> list[str]:
    names = []
    for p in range(pathways):
        names += [f"s1.pathway{p}_stem.conv.weight", *(f"s1.pathway{p}_stem.bn.{k}" for k in BN)]
        for stage in range(2, 6):
            block = f"s{stage}.pathway{p}_res0"
            names += [f"{block}.branch1.weight", f"{block}.branch1_bn.weight"]
            names += [f"{block}.branch2.{k}{end}.weight" for k in "abc" for end in ("", "_bn")]
    fuses = (
        [f"s{s}_fuse.{k}.weight" for s in range(1, 5) for k in ("conv_f2s", "bn")] if pathways == 2 else []
    )
    return [*names, *fuses, "head.projection.weight", "head.projection.bias"]


def _caffe2(prefixes: tuple[str, ...]) -> list[str]:
    names = ["lr", "model_iter", "pred_w", "pred_b"]
    for t in prefixes:
        names += [f"{t}conv1_w", *(f"{t}res_conv1_bn_{k}" for k in C2_BN)]
        for branch in ("branch1", "branch2a", "branch2b", "branch2c"):
            place = f"{t}res2_0_{branch}"
            names += [f"{place}_w", *(f"{place}_bn_{k}" for k in C2_BN)]
    return [*names, *(["t_pool1_subsample_w"] if len(prefixes) == 2 else [])]


def _pytorchvideo(conv_b: tuple[str, ...]) -> list[str]:
    names = ["blocks.0.conv.weight", *(f"blocks.0.norm.{k}" for k in BN)]
    for stage in range(1, 5):
        block = f"blocks.{stage}.res_blocks.0"
        names += [
            f"{block}.branch1_conv.weight",
            f"{block}.branch2.conv_a.weight",
            f"{block}.branch2.norm_a.weight",
        ]
        names += [f"{block}.branch2.conv_b{end}.weight" for end in conv_b]
    return [*names, "blocks.5.proj.weight"]


def _pytorchvideo_slowfast() -> list[str]:
    names = []
    for p in range(2):
        names.append(f"blocks.0.multipathway_blocks.{p}.conv.weight")
        block = f"blocks.1.multipathway_blocks.{p}.res_blocks.0"
        names += [f"{block}.{k}.weight" for k in ("branch1_conv", "branch2.conv_a", "branch2.conv_b")]
    return [*names, "blocks.0.multipathway_fusion.conv_fast_to_slow.weight", "blocks.6.proj.weight"]


def _openai_clip() -> list[str]:
    names = [
        "positional_embedding",
        "text_projection",
        "logit_scale",
        "visual.class_embedding",
        "visual.proj",
    ]
    names += [
        "visual.positional_embedding",
        "visual.conv1.weight",
        "visual.ln_pre.weight",
        "visual.ln_post.weight",
    ]
    for tower in ("visual.transformer", "transformer"):
        block = f"{tower}.resblocks.0"
        names += [f"{block}.attn.in_proj_weight", f"{block}.attn.out_proj.weight", f"{block}.mlp.c_fc.weight"]
    return [*names, "token_embedding.weight", "ln_final.weight", "input_resolution", "vocab_size"]


def _panns() -> list[str]:
    names = ["spectrogram_extractor.stft.conv_real.weight", "logmel_extractor.melW"]
    names += [f"bn0.{k}" for k in BN]
    for block in range(1, 7):
        names += [f"conv_block{block}.{k}.weight" for k in ("conv1", "conv2", "bn1", "bn2")]
    return [*names, "fc1.weight", "fc_audioset.weight"]


def _ast() -> list[str]:
    names = ["cls_token", "dist_token", "pos_embed", "patch_embed.proj.weight", "norm.weight", "head.weight"]
    names += [f"blocks.0.{k}.weight" for k in ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1")]
    return [*(f"v.{name}" for name in names), "mlp_head.0.weight", "mlp_head.1.weight"]


def _on_disk_ast() -> list[str]:
    root = "audio_spectrogram_transformer"
    embeddings = (
        "cls_token",
        "distillation_token",
        "position_embeddings",
        "patch_embeddings.projection.weight",
    )
    layer = f"{root}.encoder.layer.0"
    names = [f"{root}.embeddings.{name}" for name in embeddings]
    return [*names, f"{layer}.attention.attention.query.weight", f"{layer}.layernorm_before.weight"]


def _on_disk_swin() -> list[str]:
    block = "swin.encoder.layers.0.blocks.0"
    return ["swin.embeddings.patch_embeddings.projection.weight", f"{block}.attention.self.query.weight"]


def _mockingjay() -> list[str]:
    layer = "encoder.layer.0"
    names = ["input_representations.spec_transform.weight", "input_representations.LayerNorm.weight"]
    return [*names, f"{layer}.attention.self.query.weight", f"{layer}.attention.output.dense.weight"]


def _official_swin() -> list[str]:
    """Official names: the merging of patches ends a stage, timm's begins the next; more buffers."""
    names = [
        re.sub(r"^layers\.(\d)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", name)
        for name in _timm("swin_tiny_patch4_window7_224")
    ]
    return [name.replace("head.fc", "head") for name in names] + ["layers.0.blocks.1.attn_mask"]


_TINY_CLIP = transformers.CLIPConfig(
    vision_config={"num_hidden_layers": 1}, text_config={"num_hidden_layers": 1}
)
NAMES = {
    "OpenAI CLIP": _openai_clip(),
    "Hugging Face CLIP": _hf(transformers.CLIPModel, _TINY_CLIP),
    "Hugging Face CLIP text": _hf(transformers.CLIPTextModelWithProjection, _TINY_CLIP.text_config),
    "caffe2 SlowFast": _caffe2(("", "t_")),
    "caffe2 ResNet": _caffe2(("",)),
    "PySlowFast SlowFast": _pyslowfast(2),
    "PySlowFast ResNet": _pyslowfast(1),
    "pytorchvideo SlowFast": _pytorchvideo_slowfast(),
    "pytorchvideo R(2+1)D": _pytorchvideo((".conv_t", ".norm", ".conv_xy")),
    "pytorchvideo ResNet": _pytorchvideo(("",)),
    "mmaction2 SlowFast": _mmaction_slowfast(),
    "mmaction2 R(2+1)D": _mmaction_r2plus1d(),
    "mmaction2 TSM": _mmaction_resnet(inner=".net"),
    "mmaction2 ResNet": _mmaction_resnet(),
    "mmaction 0.x ResNet": [f"backbone.{name}" for name in _torchvision("resnet50")],
    "mit-han-lab TSM": _tsn_pytorch(".net"),
    "tsn-pytorch ResNet": _tsn_pytorch(),
    "torchvision video ResNet": _torchvision("r2plus1d_18"),
    "torchvision Swin": _torchvision("swin_t"),
    "Hugging Face Swin": _on_disk_swin(),
    "Swin": _official_swin(),
    "PANNs CNN14": _panns(),
    "AST": _ast(),
    "Hugging Face AST": _on_disk_ast(),
    "s3prl Mockingjay": _mockingjay(),
    "timm ViT": _timm("vit_tiny_patch16_224"),
    "torchvision ResNet": _torchvision("resnet50"),
    "Hugging Face BERT": _hf(transformers.BertModel, transformers.BertConfig(num_hidden_layers=1)),
}


def test_every_scheme_has_names_here() -> None:
    assert NAMES.keys() == SCHEMES.keys()


@pytest.mark.parametrize("scheme", NAMES)
def test_a_scheme_is_recognised_by_the_names_of_its_code(scheme: str) -> None:
    assert recognise(NAMES[scheme]) == scheme
    assert recognise(reversed(NAMES[scheme])) == scheme


@pytest.mark.parametrize("scheme", NAMES)
def test_only_a_general_scheme_after_it_fits_the_same_names(scheme: str) -> None:
    """What another scheme also matches must come later, and be less special: it must not match back."""
    text = "\n".join(NAMES[scheme])
    fitting = [n for n, ps in SCHEMES.items() if all(re.search(p, text, re.MULTILINE) for p in ps)]
    assert fitting[0] == scheme
    for general in fitting[1:]:
        others = "\n".join(NAMES[general])
        assert not all(re.search(p, others, re.MULTILINE) for p in SCHEMES[scheme])


def test_timm_names_torchvisions_resnet_alike_and_swin_as_its_authors() -> None:
    assert recognise(_timm("resnet50")) == "torchvision ResNet"
    assert recognise(_timm("swin_tiny_patch4_window7_224")) == "Swin"


def test_names_of_nothing_known_are_of_no_scheme() -> None:
    assert recognise(["encoder.weight", "decoder.weight"]) is None
    assert recognise([]) is None
    assert recognise(_torchvision("vgg11")) is None
    assert recognise(_torchvision("vit_b_16")) is None
