"""What the table of schemes says of each encoder is what the encoder itself says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from vidkit.encoders.weights import find_known
from vidkit.encoders.weights.schemes import LOADED_BY
from vidkit.registry import ENCODERS

# SentenceEncoder takes whole folders alone, TimmVisual the names of whatever network of timm it is.
OTHERS = {"SentenceEncoder", "TimmVisual"}
WITHOUT_PUBLIC_WEIGHTS = {"R2Plus1D": {(("variant", "mmaction2"),)}}
NAMES = sorted({name for names in LOADED_BY.values() for name in names} - OTHERS)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_encoder_loads_the_schemes_that_the_table_gives_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.pth"
    torch.save({"odd.name": torch.ones(1)}, path)
    said: set[str] = set()
    choices = {tuple(sorted(known.arguments.items())) for known in find_known(name)}
    choices |= WITHOUT_PUBLIC_WEIGHTS.get(name, set())
    for arguments in map(dict, choices):
        with pytest.raises(ValueError, match=rf"{name}.* loads: ") as error:
            ENCODERS.build({"type": name, **arguments, "weights": str(path)})
        found = re.search(r" loads: (.+)", str(error.value))
        assert found is not None
        said |= set(found[1].split(", "))
    assert said == {scheme for scheme, names in LOADED_BY.items() if name in names}
