"""Folders of models as Hugging Face's libraries write them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WEIGHTS_FILES = ("model.safetensors", "pytorch_model.bin")


def weights_file(folder: Path) -> Path:
    """Return the file of weights in the folder of a model.

    Raises:
        FileNotFoundError: If there is none.
    """
    for name in WEIGHTS_FILES:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder} holds no {' and no '.join(WEIGHTS_FILES)}; download the whole folder")


def model_json(path: Path) -> Any:
    """Return what a JSON file of a model holds.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is no JSON.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no {path.name} in {path.parent}; download the whole folder of the model")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no readable JSON: {error}; download it again") from error


def model_config(folder: Path, *, kind: str, owner: str) -> dict[str, Any]:
    """Return the config of a model.

    Args:
        folder: Of the model.
        kind: What its ``model_type`` must begin with.
        owner: Name of the encoder, for messages.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is of another kind of model.
    """
    path = folder / "config.json"
    config = dict(model_json(path))
    if not str(config.get("model_type", "")).startswith(kind):
        raise ValueError(f"{path} is of a model of type {config.get('model_type')!r}; {owner} loads {kind!r}")
    return config


def check_sizes(folder: Path, config: Mapping[str, Any], sizes: Mapping[str, Any], *, variant: str) -> None:
    """Check the sizes that a config names against those of a variant.

    Raises:
        ValueError: If one differs; the message gives the config's.
    """
    others = [f"{name} = {config[name]}" for name, size in sizes.items() if config.get(name, size) != size]
    if others:
        raise ValueError(f"{folder} holds a model of another size than {variant}: {', '.join(others)}")


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from telling what it loads; what does not fit is an error of ours."""
    from transformers.utils import logging

    level, has_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if has_bar:
            logging.enable_progress_bar()
