"""Several encoders of one modality as one."""

from __future__ import annotations

import pytest
import torch

from vidkit.encoders import Precomputed
from vidkit.encoders.joined import JoinedFeatures, parts_of
from vidkit.registry import ENCODERS


def test_the_parts_keep_their_order_and_add_up() -> None:
    parts = [dict(type="Precomputed", dim=3, name="a"), dict(type="Precomputed", dim=2, name="b")]
    joined = ENCODERS.build(dict(type="JoinedFeatures", parts=parts))
    assert joined.dim == 5
    assert joined.modality == "visual"
    assert [part.store_name for part in parts_of(joined)] == ["a", "b"]
    assert joined.store_name == "a+b"
    told = joined.arguments()["parts"]
    assert [(part["type"], part["dim"]) for part in told] == [("Precomputed", 3), ("Precomputed", 2)]


def test_rows_that_are_joined_pass() -> None:
    joined = JoinedFeatures(parts=[Precomputed(3), Precomputed(2)])
    rows = torch.arange(10.0).view(2, 5)
    assert torch.equal(joined(rows), rows)
    with pytest.raises(ValueError, match=r"must have shape \(N, 5\), got \(2, 4\)"):
        joined(rows[:, :4])


def test_any_other_encoder_is_its_own_part() -> None:
    encoder = Precomputed(4)
    assert parts_of(encoder) == [encoder]


@pytest.mark.parametrize(
    ("parts", "came"),
    [([], "no part"), ([Precomputed(3), Precomputed(2, modality="audio")], "audio, visual")],
)
def test_parts_are_of_one_modality(parts: list[Precomputed], came: str) -> None:
    with pytest.raises(ValueError, match=f"encoders of one modality, got {came}"):
        JoinedFeatures(parts=parts)
