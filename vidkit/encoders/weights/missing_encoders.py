"""Encoders in a model that was trained on features: the checkpoint has nothing of them."""

from __future__ import annotations

from torch import Tensor, nn

from vidkit.encoders.base import Encoder
from vidkit.encoders.joined import JoinedFeatures
from vidkit.encoders.weights.load import source_of_weights


def with_encoders(model: nn.Module, weights: dict[str, Tensor], *, source: str) -> dict[str, Tensor]:
    """Return the weights of a checkpoint, and those of the model's encoders of which it has none.

    So a model that learned from ``Precomputed`` features reads raw videos by the encoders that made them.

    Args:
        model: With encoders anywhere in it.
        weights: Of the checkpoint.
        source: Where they come from, for messages.

    Raises:
        ValueError: If such an encoder was drawn at random, because no weights were given.
    """
    joined = dict(weights)
    own = model.state_dict()
    for name, part in model.named_modules():
        names = [key for key in own if key.startswith(f"{name}.")]
        if not isinstance(part, Encoder) or isinstance(part, JoinedFeatures):
            continue
        if not names or any(key in joined for key in names):
            continue
        if source_of_weights(part) == "random":
            raise ValueError(
                f"{source} was trained on features and holds no weights of {name}, {type(part).__name__}; "
                "give the encoder those that made the features, by its argument weights"
            )
        joined.update({key: own[key] for key in names})
    return joined
