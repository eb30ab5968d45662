"""What the config in a folder of CLIP says, for either half of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vidkit.encoders.weights.folder import check_sizes, model_config

Activation = Literal["quick_gelu", "gelu"]


def activation_of(
    folder: Path, half: Literal["vision", "text"], sizes: dict[str, int], *, owner: str
) -> Activation:
    """Return the activation that the config of a folder names, after a look at its sizes.

    Args:
        folder: Of a whole CLIP, or of one half of it.
        half: Which half is read.
        sizes: Those of the variant, named as in transformers.
        owner: Name and variant of the encoder, for messages.

    Raises:
        FileNotFoundError: If there is no config.
        ValueError: If it is of another model, another size, or names another activation.
    """
    from transformers import CLIPTextConfig, CLIPVisionConfig

    settings = model_config(folder, kind="clip", owner=owner)
    own = dict(settings.get(f"{half}_config") or settings)
    own["projection_dim"] = settings.get("projection_dim", own.get("projection_dim", 512))
    kind = CLIPVisionConfig if half == "vision" else CLIPTextConfig
    config = kind.from_dict(own)
    check_sizes(folder, config.to_dict(), sizes, variant=f"{owner}; give the variant that it is")
    if config.hidden_act not in ("quick_gelu", "gelu"):
        raise ValueError(f"{folder} names the activation {config.hidden_act!r}; known: quick_gelu, gelu")
    return "gelu" if config.hidden_act == "gelu" else "quick_gelu"
