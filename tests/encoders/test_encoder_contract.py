"""What every embedded encoder keeps to, whatever it reads."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
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
from vidkit.encoders.audio import cnn14, front_ends, log_mel, mockingjay
from vidkit.encoders.base import SequenceRecipe, TextRecipe, check_clip_seconds
from vidkit.encoders.visual import clip, slowfast, swin
from vidkit.encoders.visual.pictures import PictureEncoder, PictureRecipe
from vidkit.encoders.visual.pixels import PixelRecipe, ShorterSide
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


class _Pictures(PictureEncoder):
    """Reads pictures by a recipe of a test."""

    dim = 3

    def __init__(self, frames: VisualRecipe, pixels: PixelRecipe) -> None:
        super().__init__({"own": PictureRecipe(frames, pixels)}, "own")

    def arguments(self) -> dict[str, Any]:
        return {"recipe": "own"}


def test_the_numbers_of_a_picture_recipe_are_in_the_fingerprint() -> None:
    pixels = PixelRecipe(ShorterSide(256))
    recipes = [pixels, replace(pixels, crop_rounding="ceil"), replace(pixels, resize=ShorterSide(248))]
    encoders = [_Pictures(VisualRecipe(), recipe) for recipe in recipes]
    assert len({encoder.fingerprint() for encoder in encoders}) == 3
    described = encoders[0].description()
    assert described == json.loads(json.dumps(described))
    assert described["pixels"]["resize"] == {"size": 256, "rounding": "truncate"}


def test_the_numbers_of_a_spectrogram_are_in_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = LogMelAudio()
    known = before.fingerprint()
    monkeypatch.setattr(log_mel, "DB_MEAN", -31.0)
    assert LogMelAudio().fingerprint() != known
    assert before.store_name == "LogMelAudio"


@pytest.mark.parametrize(
    ("make", "names"),
    [
        pytest.param(lambda: front_ends.PannsLogMel(32000), {"low_hz", "scale", "floor"}, id="panns"),
        pytest.param(front_ends.UsvLogMel, {"fft_samples", "target_rms", "range_db"}, id="usv"),
        pytest.param(front_ends.Mmaction2LogMel, {"fft_samples", "target_rms", "range_db"}, id="mmaction2"),
        pytest.param(front_ends.MockingjayLogMel, {"norm", "target_level_db", "eps"}, id="mockingjay"),
        pytest.param(front_ends.AstFilterBank, {"num_mels", "mean", "std"}, id="ast"),
    ],
)
def test_a_front_end_tells_all_of_its_numbers(make: Any, names: set[str]) -> None:
    front_end = make()
    described = front_end.description()
    assert described["type"] == type(front_end).__name__
    assert described == json.loads(json.dumps(described))
    assert set(described) >= names


def test_a_recipe_for_one_length_of_clips_says_so_at_another() -> None:
    encoder = _Pictures(VisualRecipe(clip_seconds=2.0), PixelRecipe(None))
    sentence = (
        r"recipe 'own' of _Pictures imitates features of clips of 2.0 s, got 1.0 s; take clips of 2.0 s"
    )
    with pytest.warns(UserWarning, match=sentence):
        check_clip_seconds(encoder, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_clip_seconds(encoder, 2.0)
        for plain in (PixelVisual(), LogMelAudio(), HashedText(), Precomputed(16)):
            check_clip_seconds(plain, 1.7)


def test_the_recipes_of_published_features_have_their_length_of_clips() -> None:
    lengths = {
        **{f"CLIPVisual {name}": recipe.frames.clip_seconds for name, recipe in clip.RECIPES.items()},
        **{f"Swin {name}": recipe.frames.clip_seconds for name, recipe in swin.RECIPES.items()},
        **{
            f"SlowFast {name}": recipe.frames.clip_seconds
            for name, recipe in slowfast.SLOWFAST_RECIPES["pyslowfast"].items()
        },
        **{f"CNN14 {name}": length for name, (_, length) in cnn14.RECIPES.items()},
        **{f"Mockingjay {name}": recipe.clip_seconds for name, recipe in mockingjay.RECIPES.items()},
    }
    assert {name: length for name, length in lengths.items() if length is not None} == {
        "CLIPVisual repurpose10k": 1.0,
        "CLIPVisual qvhighlights_hero": 2.0,
        "Swin rasl": 0.2,
        "SlowFast qvhighlights_hero": 2.0,
        "CNN14 repurpose10k": 1.0,
        "CNN14 umt": 2.0,
        "CNN14 lighthouse": 2.0,
        "Mockingjay rasl": 0.2,
    }


def test_the_length_of_clips_is_no_part_of_the_fingerprint() -> None:
    pixels = PixelRecipe(None)
    one, other = (_Pictures(VisualRecipe(clip_seconds=length), pixels) for length in (None, 2.0))
    assert one.fingerprint() == other.fingerprint()
    assert SequenceRecipe(16000, 30.0, clip_seconds=0.2).clip_seconds == 0.2
    assert TextRecipe(77).clip_seconds is None


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
