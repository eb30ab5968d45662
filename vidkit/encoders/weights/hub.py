"""Folders of models on the Hugging Face hub, downloaded once."""

from __future__ import annotations

from pathlib import Path

from vidkit.encoders.weights.catalogue import where_to_get
from vidkit.offline import OFFLINE, is_offline

# A model's settings, tokenizer and weights; not its copies for other libraries.
_SMALL = ["*.json", "*.txt", "*.model", "*/model.safetensors"]
_SAFE = ["model*.safetensors"]
_PICKLED = ["pytorch_model*.bin", "*/pytorch_model.bin"]
_OTHER = ["onnx/*", "openvino/*", "*/onnx/*"]


def hub_folder(name: str, *, owner: str, variant: str | None = None) -> Path:
    """Return the folder of a model of the hub, from the cache or the network; offline from the cache alone.

    Args:
        name: Name on the hub, "google-bert/bert-base-multilingual-cased".
        owner: Name of the encoder, for messages.
        variant: Its variant, for messages.

    Raises:
        FileNotFoundError: If it cannot be had; the message says what to download, and from where.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    offline = is_offline()
    try:
        for weights in (_SAFE, _PICKLED):
            folder = Path(
                snapshot_download(
                    name,
                    allow_patterns=[*_SMALL, *weights],
                    ignore_patterns=_OTHER,
                    local_files_only=offline,
                )
            )
            if any(file for pattern in weights for file in folder.glob(pattern)):
                return folder
    except (OSError, HFValidationError) as error:
        way = f"the network is off ({OFFLINE}=1)" if offline else f"the hub did not give it: {_first(error)}"
        raise FileNotFoundError(
            f"{name} is neither a file nor a folder here, nor in the hub's cache, and {way}; "
            f"{where_to_get(owner, variant)}"
        ) from error
    raise FileNotFoundError(
        f"{name} on the hub holds no model.safetensors, no pytorch_model.bin; {where_to_get(owner, variant)}"
    )


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
