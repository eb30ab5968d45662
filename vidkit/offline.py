"""Whether the network must not be touched: a matter of the environment, which child processes inherit."""

from __future__ import annotations

import os

OFFLINE = "VIDKIT_OFFLINE"
_HUB = "HF_HUB_OFFLINE"
_NAMES = (OFFLINE, _HUB, "TRANSFORMERS_OFFLINE")


def is_offline() -> bool:
    """Return whether the network must not be touched: ``VIDKIT_OFFLINE=1``, or the hub's own variables."""
    return any(os.environ.get(name, "0").lower() in ("1", "true", "yes", "on") for name in _NAMES)


def go_offline() -> None:
    """Keep this process, and those that it starts, off the network.

    The library of the hub looks once, when it is imported.
    """
    os.environ.update({OFFLINE: "1", _HUB: "1"})
