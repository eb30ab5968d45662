"""Public checkpoints of models, to checkpoints of vidkit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vidkit.checkpoints import load_weights, read_checkpoint, state_dict_of
from vidkit.files import atomic_path
from vidkit.registry import CONVERTERS, MODELS


def convert_checkpoint(source: str | Path, out: str | Path, *, trust: bool = False) -> dict[str, Any]:
    """Write a public checkpoint anew, as a model of vidkit loads it.

    The layout is recognised by the names of the weights. The model is built and all weights are loaded into
    it before anything is written.

    Args:
        source: The file as its authors released it.
        out: A file, such as "umt.pth", that ``vidkit test`` and ``vidkit predict`` take as checkpoint.
        trust: Whether ``source`` may run code while it is read. Only for files that you made yourself.

    Returns:
        The config of the model that loads ``out``, as far as the weights show it.

    Raises:
        FileNotFoundError: If there is no ``source``.
        ValueError: If it is no checkpoint, of no known layout, or its weights do not fill the model.
    """
    content = read_checkpoint(source, trust=trust)
    if isinstance(content.get("model"), dict):  # where trainers of DETR keep the weights
        content = content["model"]
    weights = state_dict_of(content)
    names = CONVERTERS.names()
    known = [name for name in names if CONVERTERS.get(name).recognises(weights)]
    if not known:
        shown = ", ".join(sorted(weights)[:3])
        raise ValueError(
            f"{source} has no known layout: its weights are {shown}, ...; known: {', '.join(names)}. "
            "A checkpoint that vidkit wrote needs no conversion"
        )
    config: dict[str, Any]
    config, converted = CONVERTERS.get(known[0]).convert(weights)
    model = MODELS.build(config, path="model")
    load_weights(model, converted, source=str(source))
    with atomic_path(out) as temporary:
        content = {"state_dict": model.state_dict(), "meta": {"layout": known[0], "model": config}}
        torch.save(content, temporary)
    return config
