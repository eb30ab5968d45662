"""Which tool wrote these weights: recognised by their names alone.

Each public code names the same network in its own way. A scheme is known by patterns that its names match
and those of no other scheme do; the first that fits counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SCHEMES: dict[str, tuple[str, ...]] = {
    # name of the scheme -> regular expressions, each of which some name matches
    "OpenAI CLIP": (r"^visual\.conv1\.weight$", r"^visual\.transformer\.resblocks\.0\."),
    "Hugging Face CLIP": (r"vision_model\.embeddings\.patch_embedding\.weight$",),
    "Hugging Face CLIP text": (r"text_model\.embeddings\.token_embedding\.weight$",),
    "caffe2 SlowFast": (r"^t_conv1_w$", r"^res_conv1_bn_riv$"),
    "caffe2 ResNet": (r"^res_conv1_bn_riv$",),
    "PySlowFast SlowFast": (r"^s1\.pathway1_stem\.conv\.weight$", r"^s1_fuse\.conv_f2s\.weight$"),
    "PySlowFast ResNet": (r"^s1\.pathway0_stem\.conv\.weight$",),
    "pytorchvideo SlowFast": (r"^blocks\.0\.multipathway_blocks\.0\.conv\.weight$",),
    "pytorchvideo R(2+1)D": (r"^blocks\.\d\.res_blocks\.0\.branch2\.conv_b\.conv_t\.weight$",),
    "pytorchvideo ResNet": (r"^blocks\.\d\.res_blocks\.0\.branch2\.conv_b\.weight$",),
    "mmaction2 SlowFast": (
        r"(^|\.)slow_path\.conv1\.conv\.weight$",
        r"(^|\.)fast_path\.conv1\.conv\.weight$",
    ),
    "mmaction2 R(2+1)D": (r"(^|\.)layer1\.0\.conv\d\.conv\.conv_s\.weight$",),
    "mmaction2 TSM": (r"(^|\.)layer1\.0\.conv1\.conv\.net\.weight$",),
    "mmaction2 ResNet": (r"(^|\.)layer1\.0\.conv1\.conv\.weight$",),
    "mmaction 0.x ResNet": (r"^backbone\.layer1\.0\.conv1\.weight$",),
    "mit-han-lab TSM": (r"(^|\.)base_model\.layer1\.0\.conv1\.net\.weight$",),
    "tsn-pytorch ResNet": (r"(^|\.)base_model\.layer1\.0\.conv1\.weight$",),
    "torchvision video ResNet": (r"^stem\.0\.weight$", r"^layer1\.0\.conv1\.0\.0\.weight$"),
    "torchvision Swin": (r"^features\.1\.0\.attn\.qkv\.weight$",),
    "Hugging Face Swin": (r"swin\.encoder\.layers\.0\.blocks\.0\.",),
    "Swin": (r"^layers\.0\.blocks\.0\.attn\.qkv\.weight$", r"^patch_embed\.proj\.weight$"),
    "PANNs CNN14": (r"^conv_block1\.conv1\.weight$", r"^bn0\.weight$"),
    "AST": (r"(^|\.)v\.patch_embed\.proj\.weight$", r"(^|\.)v\.dist_token$"),
    "Hugging Face AST": (
        r"embeddings\.distillation_token$",
        r"embeddings\.patch_embeddings\.projection\.weight$",
    ),
    "s3prl Mockingjay": (r"^input_representations\.spec_transform\.weight$",),
    "timm ViT": (r"^blocks\.0\.attn\.qkv\.weight$", r"^cls_token$"),
    "torchvision ResNet": (r"^layer1\.0\.conv1\.weight$", r"^bn1\.weight$"),
    "Hugging Face BERT": (r"(^|\.)encoder\.layer\.0\.attention\.self\.query\.weight$",),
}
"""Every scheme that vidkit knows, the special ones before the general ones."""

LOADED_BY: dict[str, tuple[str, ...]] = {
    "OpenAI CLIP": ("CLIPVisual", "CLIPText"),
    "Hugging Face CLIP": ("CLIPVisual", "CLIPText"),
    "Hugging Face CLIP text": ("CLIPText",),
    "caffe2 SlowFast": ("SlowFast",),
    "caffe2 ResNet": ("I3D",),
    "PySlowFast SlowFast": ("SlowFast",),
    "PySlowFast ResNet": ("I3D",),
    "pytorchvideo SlowFast": ("SlowFast",),
    "pytorchvideo R(2+1)D": ("R2Plus1D",),
    "pytorchvideo ResNet": ("I3D",),
    "mmaction2 SlowFast": ("SlowFast",),
    "mmaction2 R(2+1)D": ("R2Plus1D",),
    "mmaction2 TSM": ("TSM",),
    "mmaction2 ResNet": ("TSN", "TSM", "I3D", "LogMelResNet"),
    "mmaction 0.x ResNet": ("TSN", "TSM", "I3D"),
    "mit-han-lab TSM": ("TSM",),
    "tsn-pytorch ResNet": ("TSN", "TSM", "I3D"),
    "torchvision video ResNet": (),
    "torchvision Swin": (),
    "Hugging Face Swin": (),
    "Swin": ("Swin", "TimmVisual"),
    "PANNs CNN14": ("CNN14",),
    "AST": ("AST",),
    "Hugging Face AST": ("AST",),
    "s3prl Mockingjay": ("Mockingjay",),
    "timm ViT": ("TimmVisual",),
    "torchvision ResNet": ("TSN", "TSM", "I3D", "LogMelResNet"),
    "Hugging Face BERT": ("BERT", "MiniLM", "SentenceEncoder"),
}
"""Scheme -> the encoders that load it, in one of their variants; none for what is only named in a message."""


def recognise(names: Iterable[str]) -> str | None:
    """Return the scheme that these names of weights follow, one of ``SCHEMES``, or None.

    Example:
        >>> recognise(["conv1.weight", "bn1.weight", "layer1.0.conv1.weight"])
        'torchvision ResNet'
    """
    text = "\n".join(names)
    for scheme, patterns in SCHEMES.items():
        if all(re.search(pattern, text, re.MULTILINE) for pattern in patterns):
            return scheme
    return None
