from __future__ import annotations

import pytest
import torch

from vidkit.encoders import Precomputed


def test_features_pass_through_untouched() -> None:
    features = torch.randn(3, 512)
    encoder = Precomputed(512, modality="audio", name="CNN14")
    assert encoder(features) is features
    assert encoder.modality == "audio"
    assert encoder.store_name == "CNN14"


def test_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match=r"features of CLIP must have shape \(N, 512\), got \(3, 384\)"):
        Precomputed(512, name="CLIP")(torch.zeros(3, 384))


def test_a_width_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="dim, the channels of the features, must be at least 1, got 0"):
        Precomputed(0)


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(ValueError, match="modality must be"):
        Precomputed(8, modality="smell")  # type: ignore[arg-type]
