"""Jobs that cannot go as they should end at once, and lock no folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import MakeVideo
from torch import Tensor, nn

from vidkit.encoders import Encoder, VisualRecipe
from vidkit.features import FeatureStore, extract
from vidkit.features.execution import PLAIN, Execution


class Net(Encoder):
    """A linear layer over the mean colour."""

    modality = "visual"

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.recipe = 2, VisualRecipe(decode_size=(8, 8))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.linear = nn.Linear(3, 2)
        self.sizes: list[int] = []

    def encode(self, inputs: Tensor) -> Tensor:
        self.sizes.append(len(inputs))
        colours: Tensor = self.linear(inputs.float().mean((1, 2, 3)))
        return colours


def test_a_way_that_the_machine_lacks_ends_the_job_and_another_can_follow(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, out = make_video("a.mp4"), tmp_path / "f"
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ValueError, match=r"needs a C\+\+ compiler"):
        extract([video], encoders={"N": Net()}, out=out, execution=Execution(compiled=True))
    with pytest.raises(ValueError, match=r"Net cannot run as bfloat16 \(RuntimeError"):
        extract([video], encoders={"N": Net()}, out=out, execution=Execution("bfloat16"))
    assert extract([video], encoders={"N": Net()}, out=out, execution=PLAIN).done == [video]


def test_another_way_than_that_of_the_folder_needs_overwrite(make_video: MakeVideo, tmp_path: Path) -> None:
    videos, out = [make_video("a.mp4"), make_video("b.mp4")], tmp_path / "f"
    way = Execution(onednn=True)
    extract(videos[:1], encoders={"N": Net()}, out=out, execution=PLAIN)
    with pytest.raises(
        ValueError, match=r"computed as float32, now it would be float32\+onednn.*--overwrite"
    ):
        extract(videos, encoders={"N": Net()}, out=out, execution=way)
    report = extract(videos, encoders={"N": Net()}, out=out, execution=way, overwrite=True)
    assert report.done == videos
    assert FeatureStore(out)["N"].sidecar("a")["computed"]["execution"] == "float32+onednn"


def test_a_job_that_goes_on_keeps_its_batch_size(make_video: MakeVideo, tmp_path: Path) -> None:
    videos, out = [make_video("a.mp4"), make_video("b.mp4")], tmp_path / "f"
    extract(videos[:1], encoders={"N": Net()}, out=out, execution=PLAIN, batch_size=5)
    encoder = Net()
    extract(videos, encoders={"N": encoder}, out=out, execution=PLAIN)
    assert encoder.sizes == [5]
