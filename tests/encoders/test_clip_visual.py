from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checks import (
    check_batch_independence,
    check_bfloat16,
    check_compiles,
    check_gradients,
    check_rebuilds,
)
from clip_reference import TINY, clips_of, hugging_face, image_features
from PIL import Image
from torch import nn
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from vidkit.encoders.visual import CLIPVisual, clip
from vidkit.encoders.visual.pixels import normalise, prepare_frames
from vidkit.media import open_video
from vidkit.sizes import FfmpegScale


@pytest.fixture(autouse=True)
def _tiny_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(clip.VARIANTS, "tiny", TINY)


def test_agrees_with_the_processor_and_the_model_of_transformers(tmp_path: Path) -> None:
    model = hugging_face()
    model.save_pretrained(tmp_path)
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path))
    clips = clips_of()
    images = CLIPImageProcessorPil()(images=[frame[0].numpy() for frame in clips], return_tensors="pt")
    pixels = encoder.preprocess(clips)
    ours = normalise(pixels, encoder.pixels)[:, 0, 0]
    one_grey_level = 1 / (255 * min(encoder.pixels.std))
    assert (ours - images["pixel_values"]).abs().max() < 1.01 * one_grey_level
    with torch.no_grad():
        features = encoder.encode(pixels)
        expected = image_features(model, images["pixel_values"])
    torch.testing.assert_close(features, image_features(model, ours), rtol=0, atol=1e-5)
    assert nn.functional.cosine_similarity(features, expected).min() > 0.9999


def test_odd_borders_are_cut_as_openais_own_preprocessing_cuts_them() -> None:
    clips = clips_of(1, 224, 299)
    frame = clips[0, 0].numpy()
    left = round((299 - 224) / 2)
    expected = torch.from_numpy(frame[:, left : left + 224]).permute(2, 0, 1)
    pixels = CLIPVisual(variant="tiny").preprocess(clips)[0, 0, 0]
    assert torch.equal(pixels, expected)
    images = CLIPImageProcessorPil()(images=[frame], return_tensors="pt")["pixel_values"]
    recipe = replace(clip.RECIPES["middle"].pixels, crop_rounding="floor")
    ours = normalise(prepare_frames(clips, recipe, "cpu"), recipe)[0, 0]
    torch.testing.assert_close(ours, images, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("variant", "num_parameters", "dim"),
    [
        # Conv, class token, 50 or more positions, 12 or 24 blocks, three norms, projection: OpenAI's sizes.
        ("ViT-B/32", 87_849_216, 512),
        ("ViT-B/16", 86_192_640, 512),
        ("ViT-L/14", 303_966_208, 768),
    ],
)
def test_variants_have_the_sizes_of_the_paper(variant: str, num_parameters: int, dim: int) -> None:
    sizes = clip._all_sizes(clip.VARIANTS[variant])
    with torch.device("meta"):
        model = clip._build(sizes, "quick_gelu", variant)
    assert sum(p.numel() for p in model.parameters()) == num_parameters
    assert num_parameters == _reference_size(sizes)
    assert sizes["projection_dim"] == dim


def _reference_size(sizes: dict[str, int]) -> int:
    width, patch = sizes["hidden_size"], sizes["patch_size"]
    tokens = (224 // patch) ** 2 + 1
    block = 4 * width * width + 4 * width + 2 * 4 * width * width + 5 * width + 4 * width
    return (
        3 * patch**2 * width
        + width
        + tokens * width
        + 4 * width
        + sizes["num_hidden_layers"] * block
        + width * sizes["projection_dim"]
    )


def test_the_default_is_vit_b_32_with_512_channels() -> None:
    encoder = CLIPVisual()
    with torch.inference_mode():
        features = encoder(clips_of(2))
    assert features.shape == (2, 512)
    assert encoder.dim == 512
    assert encoder.store_name == "CLIPVisual"


def test_keeps_to_what_every_encoder_does() -> None:
    encoder = CLIPVisual(variant="tiny", recipe="repurpose10k")
    clips = clips_of(3, 100, 130)
    check_gradients(encoder, clips)
    check_bfloat16(encoder, clips)
    check_compiles(encoder, clips)
    check_rebuilds(encoder)
    check_batch_independence(encoder, clips)


def test_every_recipe_has_its_own_fingerprint_which_is_found_again() -> None:
    encoders = [CLIPVisual(variant="tiny", recipe=name) for name in clip.RECIPES]
    assert len({encoder.fingerprint() for encoder in encoders}) == len(clip.RECIPES)
    for encoder in encoders:
        check_rebuilds(encoder)


def test_several_frames_are_averaged() -> None:
    encoder = CLIPVisual(variant="tiny")
    clips = torch.cat([clips_of(2), clips_of(2).flip(2)], dim=1)
    with torch.inference_mode():
        each = torch.stack([encoder(clips[:, i : i + 1]) for i in range(2)])
        torch.testing.assert_close(encoder(clips), each.mean(0), rtol=1e-5, atol=1e-5)


def test_recipes_read_the_frames_of_the_tools_they_imitate() -> None:
    middles = np.array([0.5, 1.5])
    rates = dict(clip_seconds=1.0, source_fps=30.0)
    read = {name: recipe.frames.frame_times(middles, **rates) for name, recipe in clip.RECIPES.items()}
    frames = {name: np.floor(times[:, 0] * 30 + 1e-6).tolist() for name, times in read.items()}
    assert frames == {
        "middle": [15, 45],
        "repurpose10k": [14, 44],
        "video_features": [14, 44],
        "qvhighlights_hero": [14, 44],
    }


def test_hero_gives_the_pixels_of_its_ffmpeg_command(real_data: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs the ffmpeg program")
    path = real_data / "videos" / "v_GGSY1Qvo990.mp4"
    encoder = CLIPVisual(variant="tiny", recipe="qvhighlights_hero")
    with open_video(path) as reader:
        height, width = FfmpegScale(224).of(reader.info.height, reader.info.width)
        num_clips = math.floor(reader.info.duration_seconds / 2)
        times = encoder.recipe.frame_times(
            (np.arange(num_clips) + 0.5) * 2, clip_seconds=2.0, source_fps=reader.info.fps
        )
        frames = reader.frames_at(times[:, 0].tolist(), size=encoder.recipe.decode_size)
    pixels = encoder.preprocess(torch.from_numpy(frames.data)[:, None])[:, 0, 0]
    x, y = int((width - 224) / 2.0), int((height - 224) / 2.0)  # as the tool writes its command
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:v:0",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
    ]
    command += ["-vf", f"fps=0.5,scale={width}:{height},crop=224:224:{x}:{y}", "pipe:"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    program = np.frombuffer(output, np.uint8).reshape(-1, 224, 224, 3)[:num_clips]
    assert np.array_equal(pixels.permute(0, 2, 3, 1).numpy(), program)


def test_hero_refuses_frames_that_ffmpeg_did_not_scale() -> None:
    encoder = CLIPVisual(variant="tiny", recipe="qvhighlights_hero")
    with pytest.raises(
        ValueError, match=r"takes frames that ffmpeg's scaler brought to a shorter side of 224"
    ):
        encoder(clips_of(1))
    assert encoder(clips_of(1, 224, 300)).shape == (1, 24)


def test_resizing_is_pillows_to_one_grey_level() -> None:
    clips = clips_of(1, 270, 480)
    image = Image.fromarray(clips[0, 0].numpy()).resize((398, 224), Image.Resampling.BICUBIC)
    expected = np.asarray(image)[:, 87 : 87 + 224].astype(int)
    pixels = CLIPVisual(variant="tiny").preprocess(clips)[0, 0, 0].permute(1, 2, 0).numpy()
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_unknown_names_are_refused() -> None:
    with pytest.raises(
        ValueError, match="unknown variant of CLIPVisual: 'ViT-B/33'; did you mean 'ViT-B/32'"
    ):
        CLIPVisual(variant="ViT-B/33")
    with pytest.raises(ValueError, match=r"unknown recipe of CLIPVisual: 'hero'.*qvhighlights_hero"):
        CLIPVisual(recipe="hero")
    with pytest.raises(ValueError, match="activation must be 'quick_gelu' or 'gelu', got 'relu'"):
        CLIPVisual(activation="relu")  # type: ignore[arg-type]
