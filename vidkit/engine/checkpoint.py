"""mmengine's loading of local files, replaced by the safe one of ``vidkit.checkpoints``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmengine.runner.checkpoint import CheckpointLoader

from vidkit.checkpoints import load_weights, read_checkpoint, state_dict_of

__all__ = ["load_weights", "read_checkpoint", "state_dict_of"]


def _local_loader(filename: str, map_location: Callable[..., Any] | str | None = None) -> dict[str, Any]:
    return read_checkpoint(filename, map_location)  # type: ignore[arg-type]  # mmengine passes what torch.load takes


# mmengine's own loader of local files fails on torch >= 2.6; this puts ours in its one place.
CheckpointLoader.register_scheme(prefixes="", loader=_local_loader, force=True)
