"""Batches that cross file borders: nothing of it shows in the features."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from conftest import MakeVideo
from torch import Tensor

from vidkit.encoders import AudioRecipe, Encoder, HashedText, LogMelAudio, PixelVisual, VisualRecipe
from vidkit.features import FeatureStore, extract
from vidkit.features.execution import PLAIN, Execution


class Real(Encoder):
    """A small network of timm with random weights."""

    modality = "visual"

    def __init__(self, name: str) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model = timm.create_model(name, num_classes=0)
        self.dim, self.recipe = self.model.num_features, VisualRecipe(decode_size=(160, 160))
        self.sizes: list[int] = []

    def preprocess(self, clips: Tensor) -> Tensor:
        return clips[:, 0].permute(0, 3, 1, 2).contiguous()

    def encode(self, inputs: Tensor) -> Tensor:
        self.sizes.append(len(inputs))
        pixels = inputs.float() / 255 - 0.5
        features: Tensor = self.model(pixels.to(next(self.parameters()).dtype))
        return features


class Wave(Encoder):
    """A strided convolution over sound."""

    modality = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.recipe = 8, AudioRecipe(16000, 0.5)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.filters = torch.nn.Conv1d(1, 8, 400, 160)

    def encode(self, inputs: Tensor) -> Tensor:
        return F.relu(self.filters(inputs[:, None])).mean(-1)


class FailsAtWhite(PixelVisual):
    def encode(self, inputs: Tensor) -> Tensor:
        if (inputs.amin((1, 2, 3)) > 200).any():
            raise IndexError("too white")
        return super().encode(inputs)


class NotANumber(PixelVisual):
    def encode(self, inputs: Tensor) -> Tensor:
        is_white = inputs.amin((1, 2, 3)) > 200
        return super().encode(inputs).masked_fill(is_white[:, None], torch.nan)


def _bytes(folder: Path) -> dict[str, bytes]:
    """The features and sidecars of a store."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("[!.]*/[!.]*")}


def _videos(make_video: MakeVideo) -> list[Path]:
    lengths = {"a": 0.5, "b": 4.7, "c": 1.0, "d": 2.2}
    return [make_video(f"{name}.mp4", seconds=s, level=ord(name) % 7) for name, s in lengths.items()]


STEADY_ONEDNN = pytest.param(
    Execution(channels_last=True, onednn=True),
    marks=pytest.mark.skipif(
        torch.backends.cpu.get_cpu_capability() != "AVX512",
        reason="oneDNN gives a row other bits at another place in a batch; it is not chosen here",
    ),
)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
@pytest.mark.parametrize("execution", [PLAIN, Execution(channels_last=True), STEADY_ONEDNN], ids=str)
def test_features_do_not_depend_on_the_other_videos(
    make_video: MakeVideo, tmp_path: Path, name: str, execution: Execution
) -> None:
    videos = _videos(make_video)
    encoders = {"Real": Real(name), "Wave": Wave()}

    def run(order: Iterable[Path], folder: str) -> dict[str, bytes]:
        out = tmp_path / folder
        extract(order, encoders=encoders, out=out, clip_seconds=0.5, batch_size=4, execution=execution)
        return _bytes(out)

    together = run(videos, "together")
    assert len(together) == 16
    assert run(reversed(videos), "reversed") == together
    for video in videos:
        run([video], "one_by_one")
    assert _bytes(tmp_path / "one_by_one") == together
    assert set(encoders["Real"].sizes) <= {4}


def test_short_videos_fill_a_batch_together(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video(f"{index}.mp4", seconds=0.5) for index in range(9)]
    encoder = Real("test_resnet")
    report = extract(
        videos, encoders={"Real": encoder}, out=tmp_path / "f", batch_size=4, execution=PLAIN, device="cpu"
    )
    assert report.done == videos
    assert encoder.sizes == [4, 4, 4]


def test_several_readers_give_the_same(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = _videos(make_video)
    encoders: list[Encoder] = [PixelVisual(), LogMelAudio()]
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    extract(videos, encoders=encoders, out=tmp_path / "one", clip_seconds=0.1)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    report = extract(videos, encoders=encoders, out=tmp_path / "three", clip_seconds=0.1)
    assert report.done == videos
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "three")


@pytest.mark.parametrize(
    ("encoder", "message"), [(FailsAtWhite(), "IndexError: too white"), (NotANumber(), "holds NaN")]
)
def test_only_the_video_that_breaks_an_encoder_fails(
    make_video: MakeVideo, tmp_path: Path, encoder: Encoder, message: str
) -> None:
    videos = [make_video(f"{name}.mp4", seconds=2.0) for name in "ab"]
    white = make_video("white.mp4", seconds=2.0, level=230)
    report = extract(
        [videos[0], white, videos[1]], encoders={"E": encoder, "P": PixelVisual()}, out=tmp_path / "f"
    )
    assert report.done == videos
    assert message in report.failed[white]
    store = FeatureStore(tmp_path / "f")
    assert store["E"].video_ids() == ["a", "b"]
    assert store["P"].video_ids() == ["a", "b", "white"]
    np.testing.assert_array_equal(store["E"]["b"], store["P"]["b"])


def test_a_batch_too_large_for_the_device_stops_the_job(make_video: MakeVideo, tmp_path: Path) -> None:
    class Large(PixelVisual):
        def encode(self, inputs: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ValueError, match=r"16 clips of L do not fit .* smaller batch_size \(--batch-size\)"):
        extract([make_video("a.mp4")], encoders={"L": Large()}, out=tmp_path / "f")
    assert FeatureStore(tmp_path / "f").encoders() == []


def test_a_call_too_large_for_the_device_stops_the_job(make_video: MakeVideo, tmp_path: Path) -> None:
    class Large(HashedText):
        def encode(self, inputs: Any) -> Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    video = make_video("a.mp4")
    (tmp_path / "a.srt").write_text("")
    with pytest.raises(ValueError, match="one call of L does not fit into the memory of cpu"):
        extract([video], encoders={"L": Large()}, out=tmp_path / "f")


def test_equal_sentences_of_a_video_are_encoded_once(make_video: MakeVideo, tmp_path: Path) -> None:
    seen: list[str] = []

    class Listening(HashedText):
        def encode(self, inputs: Any) -> Tensor:
            seen.extend(inputs)
            return super().encode(inputs)

    video = make_video("a.mp4", seconds=6.0)
    blocks = [f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{text}\n" for n, text in enumerate("xyxyyx")]
    (tmp_path / "a.srt").write_text("\n".join(blocks))
    extract([video], encoders={"T": Listening()}, out=tmp_path / "f")
    assert seen == ["x", "y"]
    expected = HashedText()(list("xyxyyx")).numpy()
    np.testing.assert_array_equal(FeatureStore(tmp_path / "f")["T"]["a"], expected)


def test_the_sidecar_says_how_features_were_computed(make_video: MakeVideo, tmp_path: Path) -> None:
    extract(
        [make_video("a.mp4")],
        encoders={"Real": Real("test_resnet")},
        out=tmp_path / "f",
        execution=Execution("bfloat16"),
    )
    sidecar = FeatureStore(tmp_path / "f")["Real"].sidecar("a")
    assert sidecar["computed"] == {"device": "cpu", "execution": "bfloat16"}
    with pytest.raises(ValueError, match="computed in bfloat16, now it would be float32"):
        extract([make_video("b.mp4")], encoders={"Real": Real("test_resnet")}, out=tmp_path / "f")
