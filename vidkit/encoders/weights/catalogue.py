"""Which public weights an encoder loads, and what a person has to download for it."""

from __future__ import annotations

from vidkit.encoders.weights.known import KNOWN, KnownWeights
from vidkit.registry.builder import nearest

__all__ = ["KNOWN", "KnownWeights", "find_known", "known_weights", "where_to_get"]


def find_known(encoder: str) -> list[KnownWeights]:
    """Return the public checkpoints that an encoder loads, the usual one first; empty if none is known.

    Example:
        >>> [weights.name for weights in find_known("CNN14")]
        ['panns-cnn14-32k', 'panns-cnn14-16k']
    """
    return [weights for weights in KNOWN if encoder in weights.encoders]


def known_weights(name: str) -> KnownWeights:
    """Return a public checkpoint by its name here.

    Raises:
        ValueError: If there is none of that name.
    """
    for weights in KNOWN:
        if weights.name == name:
            return weights
    names = [weights.name for weights in KNOWN]
    raise ValueError(
        f"no public weights are called {name!r}{nearest(name, names) or ';'} known: {', '.join(names)}"
    )


def where_to_get(encoder: str, variant: str | None = None) -> str:
    """Return in one sentence what to download for an encoder, from which page, and which argument takes it.

    Args:
        encoder: Class name.
        variant: Its ``variant``; None, or one of which no public weights are known, takes the usual one.

    Example:
        >>> where_to_get("R2Plus1D").split(", ")[-1]
        'and give it as weights=FILE'
    """
    known = find_known(encoder)
    fitting = [weights for weights in known if weights.variant == variant] or known
    if not fitting:
        return f"no public weights of {encoder} are known; give a file of your own as weights=FILE"
    others = " (`vidkit weights list` names others)" if len(known) > 1 else ""
    return f"download {fitting[0].what_to_get}, and give it as weights=FILE{others}"
