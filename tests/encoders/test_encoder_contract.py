"""What every embedded encoder keeps to, whatever it reads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from vidkit.encoders import (
    AudioRecipe,
    Encoder,
    HashedText,
    LogMelAudio,
    PixelVisual,
    Precomputed,
    VisualRecipe,
    encode_clips,
)
from vidkit.registry import ENCODERS


def _frames(num_clips: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (num_clips, 1, 30, 40, 3), dtype=torch.uint8, generator=generator)


def _waveforms(num_clips: int) -> torch.Tensor:
    return torch.randn(num_clips, 6400, generator=torch.Generator().manual_seed(0)) * 0.1


def _texts(num_clips: int) -> list[str]:
    return [f"clip number {i} is about goal {i * 7}" for i in range(num_clips)]


def _features(num_clips: int) -> torch.Tensor:
    return torch.randn(num_clips, 16, generator=torch.Generator().manual_seed(0))


CASES = [
    pytest.param(PixelVisual(), _frames, 576, id="PixelVisual"),
    pytest.param(LogMelAudio(), _waveforms, 64, id="LogMelAudio"),
    pytest.param(HashedText(), _texts, 256, id="HashedText"),
    pytest.param(Precomputed(16), _features, 16, id="Precomputed"),
]


@pytest.mark.parametrize(("encoder", "make", "dim"), CASES)
def test_gives_one_float_vector_of_its_dim_per_clip(encoder: Encoder, make: Any, dim: int) -> None:
    features = encoder(make(5))
    assert encoder.dim == dim
    assert features.shape == (5, dim)
    assert features.dtype == torch.float32
    assert features.isfinite().all()


@pytest.mark.parametrize(("encoder", "make", "dim"), CASES)
def test_has_no_weights(encoder: Encoder, make: Any, dim: int) -> None:
    assert sum(p.numel() for p in encoder.parameters()) == 0


@pytest.mark.parametrize(("encoder", "make", "dim"), CASES)
def test_a_clip_does_not_depend_on_its_batch(encoder: Encoder, make: Any, dim: int) -> None:
    clips = make(5)
    alone = torch.cat([encoder(clips[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(encoder(clips), alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("encoder", "make", "dim"), CASES)
def test_description_is_json_and_the_fingerprint_is_of_it(encoder: Encoder, make: Any, dim: int) -> None:
    description = json.loads(json.dumps(encoder.description()))
    assert description["encoder"] == type(encoder).__name__
    assert description["modality"] == encoder.modality
    assert description["dim"] == dim
    assert len(encoder.fingerprint()) == 12
    rebuilt = type(encoder)(**encoder.arguments())
    assert rebuilt.fingerprint() == encoder.fingerprint()


@pytest.mark.parametrize(("encoder", "make", "dim"), CASES)
def test_is_found_in_the_registry(encoder: Encoder, make: Any, dim: int) -> None:
    built = ENCODERS.build(dict(type=type(encoder).__name__, **encoder.arguments()))
    torch.testing.assert_close(built(make(2)), encoder(make(2)))


def test_another_argument_is_another_fingerprint_and_another_folder() -> None:
    default, small = PixelVisual(), PixelVisual(size=(8, 8))
    assert default.fingerprint() != small.fingerprint()
    assert default.store_name == "PixelVisual"
    assert small.store_name == f"PixelVisual-{small.fingerprint()[:8]}"
    assert PixelVisual(size=(12, 16)).store_name == "PixelVisual"


def test_buffers_move_the_work_to_the_device() -> None:
    assert PixelVisual().to("meta").mean.device.type == "meta"
    assert PixelVisual().to("meta")(_frames(2)).device.type == "meta"
    assert HashedText().to("meta")(["a"]).device.type == "meta"
    assert PixelVisual().double()(_frames(2)).dtype == torch.float64
    assert HashedText().double()(["a"]).dtype == torch.float64


@pytest.mark.gpu
def test_the_gpu_gives_the_same_vectors() -> None:
    for case in CASES[:3]:
        encoder, make = case.values[0], case.values[1]
        on_gpu = type(encoder)(**encoder.arguments()).cuda()(make(5))
        assert on_gpu.is_cuda
        torch.testing.assert_close(on_gpu.cpu(), encoder(make(5)), rtol=1e-4, atol=1e-4)


def test_frames_of_a_clip_are_spread_evenly_round_its_middle() -> None:
    rates = dict(clip_seconds=1.0, source_fps=25.0)
    times = VisualRecipe(num_frames=4, window_seconds=2.0).frame_times(np.array([5.0]), **rates)
    assert times.tolist() == [[4.25, 4.75, 5.25, 5.75]]
    assert VisualRecipe().frame_times(np.array([0.5, 1.5]), **rates).tolist() == [[0.5], [1.5]]


def test_sequences_of_raw_clips_and_of_features_are_both_encoded() -> None:
    pixel, mel, text = PixelVisual(), LogMelAudio(), HashedText()
    frames = _frames(6)
    torch.testing.assert_close(
        encode_clips(pixel, frames.unflatten(0, (2, 3))), pixel(frames).unflatten(0, (2, 3))
    )
    assert encode_clips(mel, _waveforms(6).unflatten(0, (2, 3))).shape == (2, 3, 64)
    assert encode_clips(text, [["a", "b"], ["c", ""]]).shape == (2, 2, 256)
    ready = torch.zeros(2, 3, 576)
    assert encode_clips(pixel, ready) is ready


def test_ready_features_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="PixelVisual gives 576 channels"):
        encode_clips(PixelVisual(), torch.zeros(2, 3, 512))


def test_a_window_has_whole_samples() -> None:
    assert AudioRecipe(sample_rate_hz=44100, window_seconds=0.31).num_samples == 13671
