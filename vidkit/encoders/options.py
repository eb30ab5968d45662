"""Arguments of encoders that are one of several names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from vidkit.registry.builder import nearest

T = TypeVar("T")


def one_of(options: Mapping[str, T], name: str, what: str) -> T:
    """Return the option of this name.

    Args:
        options: Name -> option.
        name: What the user gave.
        what: What is chosen, for the message: "variant of Swin".

    Raises:
        ValueError: If there is none; the message gives the names.

    Example:
        >>> one_of({"umt": 2.0}, "umt", "recipe of CNN14")
        2.0
    """
    if name not in options:
        raise ValueError(
            f"unknown {what}: {name!r}{nearest(name, options) or ';'} known: {', '.join(options)}"
        )
    return options[name]
