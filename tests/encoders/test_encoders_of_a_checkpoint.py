"""A model that was trained on features, loaded with the encoders that made them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vidkit.checkpoints import load_weights
from vidkit.encoders import Encoder, JoinedFeatures, Precomputed
from vidkit.encoders.base import FeatureRecipe
from vidkit.encoders.weights import note_source
from vidkit.encoders.weights.missing_encoders import with_encoders


class _Made(Encoder):
    """An encoder with parameters, from a file or drawn at random."""

    modality = "visual"

    def __init__(self, source: str | None) -> None:
        super().__init__()
        self.layer, self.dim, self.recipe = nn.Linear(4, 3), 3, FeatureRecipe()
        if source is not None:
            note_source(self, Path(source))

    def encode(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs)


def _model(encoder: Encoder) -> nn.ModuleDict:
    return nn.ModuleDict(dict(visual=encoder, head=nn.Linear(3, 1)))


@pytest.mark.parametrize("is_joined", [False, True])
def test_a_model_of_features_keeps_the_weights_of_its_encoders(is_joined: bool) -> None:
    trained = _model(Precomputed(3)).state_dict()
    made = _Made("made.pth")
    model = _model(JoinedFeatures(parts=[made]) if is_joined else made)
    before = made.layer.weight.detach().clone()
    load_weights(model, with_encoders(model, trained, source="best.pth"), source="best.pth")
    assert torch.equal(made.layer.weight, before)
    assert torch.equal(model["head"].weight, trained["head.weight"])


def test_weights_of_an_encoder_that_the_checkpoint_holds_come_from_it() -> None:
    trained, model = _model(_Made("a.pth")).state_dict(), _model(_Made("b.pth"))
    load_weights(model, with_encoders(model, trained, source="best.pth"), source="best.pth")
    assert torch.equal(model["visual"].layer.weight, trained["visual.layer.weight"])


def test_an_encoder_without_weights_is_refused() -> None:
    model = _model(_Made(None))
    with pytest.raises(ValueError, match=r"best.pth .* holds no weights of visual, _Made; give the encoder"):
        with_encoders(model, _model(Precomputed(3)).state_dict(), source="best.pth")
