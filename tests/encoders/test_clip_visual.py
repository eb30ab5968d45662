from __future__ import annotations

import json
import math
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPConfig, CLIPModel, CLIPTextModelWithProjection, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from vidkit.encoders.clip_names import hugging_face_text, text_names, vision_names
from vidkit.encoders.visual import CLIPVisual, clip
from vidkit.encoders.visual.pixels import normalise, prepare_frames
from vidkit.media import open_video
from vidkit.media.picture import FfmpegScale

TINY = dict(hidden_size=64, num_hidden_layers=2, patch_size=32, projection_dim=24)
State = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def _tiny_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(clip.VARIANTS, "tiny", TINY)


def _clips(num_clips: int = 3, height: int = 240, width: int = 320) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (num_clips, 1, height, width, 3), dtype=torch.uint8, generator=generator)


def _hugging_face(activation: str = "quick_gelu") -> CLIPModel:
    """A CLIP of transformers of the size "tiny", with random weights that are not symmetric."""
    heads = dict(num_attention_heads=1, intermediate_size=256, hidden_act=activation)
    torch.manual_seed(1)
    model = CLIPModel(
        CLIPConfig(
            vision_config={**TINY, **heads},
            text_config=dict(
                hidden_size=32,
                num_hidden_layers=1,
                vocab_size=50,
                num_attention_heads=1,
                intermediate_size=64,
                hidden_act=activation,
                projection_dim=24,
            ),
            projection_dim=24,
        )
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def _image_features(model: CLIPModel, pixels: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        output: Any = model.get_image_features(pixel_values=pixels)
    return output if isinstance(output, torch.Tensor) else output.pooler_output


def _openai_names(model: CLIPModel) -> State:
    """The weights of ``model`` as openai/CLIP names them, written out again from its clip/model.py."""
    own = model.state_dict()
    state = {
        "visual.class_embedding": own["vision_model.embeddings.class_embedding"],
        "visual.positional_embedding": own["vision_model.embeddings.position_embedding.weight"],
        "visual.conv1.weight": own["vision_model.embeddings.patch_embedding.weight"],
        "visual.proj": own["visual_projection.weight"].T,
        "token_embedding.weight": own["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": own["text_model.embeddings.position_embedding.weight"],
        "text_projection": own["text_projection.weight"].T,
        "logit_scale": own["logit_scale"],
    }
    norms = {
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
        "ln_final": "text_model.final_layer_norm",
    }
    for tower, prefix, count in (("vision", "visual.transformer", 2), ("text", "transformer", 1)):
        for i in range(count):
            theirs, ours = f"{prefix}.resblocks.{i}", f"{tower}_model.encoder.layers.{i}"
            for kind in ("weight", "bias"):
                thirds = [own[f"{ours}.self_attn.{x}_proj.{kind}"] for x in "qkv"]
                state[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(thirds)
            norms[f"{theirs}.attn.out_proj"] = f"{ours}.self_attn.out_proj"
            norms[f"{theirs}.ln_1"], norms[f"{theirs}.ln_2"] = f"{ours}.layer_norm1", f"{ours}.layer_norm2"
            norms[f"{theirs}.mlp.c_fc"], norms[f"{theirs}.mlp.c_proj"] = f"{ours}.mlp.fc1", f"{ours}.mlp.fc2"
    for theirs, ours in norms.items():
        for kind in ("weight", "bias"):
            state[f"{theirs}.{kind}"] = own[f"{ours}.{kind}"]
    return {name: value.clone() for name, value in state.items()}


def _save_torch_script(state: State, path: Path) -> None:
    """Write a TorchScript archive in half precision whose modules and parameters have these names."""
    root = nn.Module()
    for name, value in state.items():
        *parents, last = name.split(".")
        module = root
        for parent in parents:
            if not hasattr(module, parent):
                module.add_module(parent, nn.Module())
            module = module.get_submodule(parent)
        module.register_parameter(last, nn.Parameter(value.half(), requires_grad=False))
    root.register_buffer("input_resolution", torch.tensor(224))
    root.register_buffer("context_length", torch.tensor(77))
    root.register_buffer("vocab_size", torch.tensor(50))
    torch.jit.script(root).save(str(path))


def test_agrees_with_the_processor_and_the_model_of_transformers(tmp_path: Path) -> None:
    model = _hugging_face()
    model.save_pretrained(tmp_path)
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path))
    clips = _clips()
    images = CLIPImageProcessorPil()(images=[frame[0].numpy() for frame in clips], return_tensors="pt")
    pixels = encoder.preprocess(clips)
    ours = normalise(pixels, encoder.pixels)[:, 0, 0]
    one_grey_level = 1 / (255 * min(encoder.pixels.std))
    assert (ours - images["pixel_values"]).abs().max() < 1.01 * one_grey_level
    with torch.no_grad():
        features = encoder.encode(pixels)
        expected = _image_features(model, images["pixel_values"])
    torch.testing.assert_close(features, _image_features(model, ours), rtol=0, atol=1e-5)
    assert nn.functional.cosine_similarity(features, expected).min() > 0.9999


def test_odd_borders_are_cut_as_openais_own_preprocessing_cuts_them() -> None:
    clips = _clips(1, 224, 299)
    frame = clips[0, 0].numpy()
    left = round((299 - 224) / 2)
    expected = torch.from_numpy(frame[:, left : left + 224]).permute(2, 0, 1)
    pixels = CLIPVisual(variant="tiny").preprocess(clips)[0, 0, 0]
    assert torch.equal(pixels, expected)
    images = CLIPImageProcessorPil()(images=[frame], return_tensors="pt")["pixel_values"]
    recipe = replace(clip.RECIPES["middle"].pixels, crop_rounding="floor")
    ours = normalise(prepare_frames(clips, recipe, "cpu"), recipe)[0, 0]
    torch.testing.assert_close(ours, images, rtol=0, atol=1e-5)


def test_weights_of_openai_give_the_features_of_the_same_model_in_transformers(tmp_path: Path) -> None:
    model = _hugging_face()
    state = {name: value.half().float() for name, value in _openai_names(model).items()}
    _save_torch_script(state, tmp_path / "ViT-tiny.pt")
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path / "ViT-tiny.pt"))
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    rounded = _hugging_face()
    rounded.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    pixels = encoder.preprocess(_clips())
    with torch.no_grad():
        features = encoder.encode(pixels)
    expected = _image_features(rounded, normalise(pixels, encoder.pixels)[:, 0, 0])
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("wrap", ["plain", "open_clip"])
def test_weights_of_open_clip_are_those_of_openai(tmp_path: Path, wrap: str) -> None:
    model = _hugging_face("gelu")
    state: dict[str, Any] = _openai_names(model)
    if wrap == "open_clip":
        state = {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}}
    torch.save(state, tmp_path / "open_clip.pt")
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path / "open_clip.pt"), activation="gelu")
    pixels = encoder.preprocess(_clips())
    with torch.no_grad():
        features = encoder.encode(pixels)
    expected = _image_features(model, normalise(pixels, encoder.pixels)[:, 0, 0])
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


def test_both_halves_of_openais_names_are_all_weights_of_transformers() -> None:
    model = _hugging_face()
    state = _openai_names(model)
    vision = CLIPVisionModelWithProjection(model.config.vision_config)
    vision.load_state_dict(vision_names(state), strict=True)
    text = CLIPTextModelWithProjection(model.config.text_config)
    text.load_state_dict(text_names(state), strict=True)
    assert hugging_face_text(model.state_dict()).keys() == text_names(state).keys()
    own = model.state_dict()
    for name, value in {**vision_names(state), **text_names(state)}.items():
        assert torch.equal(own[name], value), name


@pytest.mark.parametrize("kind", ["half precision", "pickled", "image side alone", "old positions"])
def test_folders_of_hugging_face_load_whatever_they_hold(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _hugging_face()
    if kind == "half precision":
        model.half().save_pretrained(tmp_path)
        model.float()
    elif kind == "image side alone":
        config = model.config.vision_config
        vision = CLIPVisionModelWithProjection(config)
        vision.load_state_dict(clip.hugging_face_vision(model.state_dict()))
        vision.save_pretrained(tmp_path)
    else:
        model.save_pretrained(tmp_path)
        (tmp_path / "model.safetensors").unlink()
        state = dict(model.state_dict())
        if kind == "old positions":
            state["vision_model.embeddings.position_ids"] = torch.arange(50)[None]
            save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "model.safetensors")
        else:
            torch.save(state, tmp_path / "pytorch_model.bin")
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path))
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert "text_model" not in capsys.readouterr().out
    pixels = encoder.preprocess(_clips())
    with torch.no_grad():
        features = encoder.encode(pixels)
    expected = _image_features(model, normalise(pixels, encoder.pixels)[:, 0, 0])
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


def test_the_activation_is_that_of_the_folder(tmp_path: Path) -> None:
    _hugging_face("gelu").save_pretrained(tmp_path)
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path))
    assert encoder.arguments() == {"variant": "tiny", "recipe": "middle", "activation": "gelu"}
    assert encoder.fingerprint() != CLIPVisual(variant="tiny").fingerprint()


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
        features = encoder(_clips(2))
    assert features.shape == (2, 512)
    assert encoder.dim == 512
    assert encoder.store_name == "CLIPVisual"


def test_keeps_to_what_every_encoder_does() -> None:
    encoder = CLIPVisual(variant="tiny", recipe="repurpose10k")
    clips = _clips(3, 100, 130)
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
    clips = torch.cat([_clips(2), _clips(2).flip(2)], dim=1)
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
        encoder(_clips(1))
    assert encoder(_clips(1, 224, 300)).shape == (1, 24)


def test_resizing_is_pillows_to_one_grey_level() -> None:
    clips = _clips(1, 270, 480)
    image = Image.fromarray(clips[0, 0].numpy()).resize((398, 224), Image.Resampling.BICUBIC)
    expected = np.asarray(image)[:, 87 : 87 + 224].astype(int)
    pixels = CLIPVisual(variant="tiny").preprocess(clips)[0, 0, 0].permute(1, 2, 0).numpy()
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    model = _hugging_face()
    model.save_pretrained(tmp_path / "folder")
    with pytest.raises(ValueError, match=r"holds a CLIP of another size than ViT-B/32 .*'hidden_size': 64"):
        CLIPVisual(weights=str(tmp_path / "folder"))
    torch.save({"layer1.0.conv1.weight": torch.zeros(1), "bn1.weight": torch.zeros(1)}, tmp_path / "r.pth")
    with pytest.raises(ValueError, match="looks like weights of torchvision ResNet; CLIPVisual tiny loads"):
        CLIPVisual(variant="tiny", weights=str(tmp_path / "r.pth"))
    torch.save({k: v for k, v in _openai_names(model).items() if k != "visual.proj"}, tmp_path / "o.pt")
    with pytest.raises(ValueError, match=r"OpenAI CLIP and does not fit .*1 missing: visual_projection"):
        CLIPVisual(variant="tiny", weights=str(tmp_path / "o.pt"))


def test_folders_that_are_no_clip_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no config\.json in"):
        CLIPVisual(weights=str(tmp_path))
    config = tmp_path / "config.json"
    config.write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="is of a model of type 'bert'"):
        CLIPVisual(weights=str(tmp_path))
    config.write_text("{")
    with pytest.raises(ValueError, match="is no readable JSON"):
        CLIPVisual(weights=str(tmp_path))
    _hugging_face().save_pretrained(tmp_path)
    settings = json.loads(config.read_text())
    settings["vision_config"]["hidden_act"] = "relu"
    config.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match="names the activation 'relu'"):
        CLIPVisual(variant="tiny", weights=str(tmp_path))
    settings["vision_config"]["hidden_act"] = "gelu"
    config.write_text(json.dumps(settings))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no model\.safetensors and no pytorch_model\.bin"):
        CLIPVisual(variant="tiny", weights=str(tmp_path))


def test_offline_says_which_file_to_get(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDKIT_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"download the file ViT-B-32\.pt from https"):
        CLIPVisual(weights="someone/some-clip")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(
        ValueError, match="unknown variant of CLIPVisual: 'ViT-B/33'; did you mean 'ViT-B/32'"
    ):
        CLIPVisual(variant="ViT-B/33")
    with pytest.raises(ValueError, match=r"unknown recipe of CLIPVisual: 'hero'.*qvhighlights_hero"):
        CLIPVisual(recipe="hero")
    with pytest.raises(ValueError, match="activation must be 'quick_gelu' or 'gelu', got 'relu'"):
        CLIPVisual(activation="relu")  # type: ignore[arg-type]
