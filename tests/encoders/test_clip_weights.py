from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from clip_reference import TINY, clips_of, hugging_face, image_features, openai_names, save_torch_script
from safetensors.torch import save_file
from transformers import CLIPTextModelWithProjection, CLIPVisionModelWithProjection

from vidkit.encoders.clip_names import hugging_face_text, text_names, vision_names
from vidkit.encoders.visual import CLIPVisual, clip
from vidkit.encoders.visual.pixels import normalise


@pytest.fixture(autouse=True)
def _tiny_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(clip.VARIANTS, "tiny", TINY)


def test_weights_of_openai_give_the_features_of_the_same_model_in_transformers(tmp_path: Path) -> None:
    model = hugging_face()
    state = {name: value.half().float() for name, value in openai_names(model).items()}
    save_torch_script(state, tmp_path / "ViT-tiny.pt")
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path / "ViT-tiny.pt"))
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    rounded = hugging_face()
    rounded.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    pixels = encoder.preprocess(clips_of())
    with torch.no_grad():
        features = encoder.encode(pixels)
    expected = image_features(rounded, normalise(pixels, encoder.pixels)[:, 0, 0])
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("wrap", ["plain", "open_clip"])
def test_weights_of_open_clip_are_those_of_openai(tmp_path: Path, wrap: str) -> None:
    model = hugging_face("gelu")
    state: dict[str, Any] = openai_names(model)
    if wrap == "open_clip":
        state = {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}}
    torch.save(state, tmp_path / "open_clip.pt")
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path / "open_clip.pt"), activation="gelu")
    pixels = encoder.preprocess(clips_of())
    with torch.no_grad():
        features = encoder.encode(pixels)
    expected = image_features(model, normalise(pixels, encoder.pixels)[:, 0, 0])
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


def test_both_halves_of_openais_names_are_all_weights_of_transformers() -> None:
    model = hugging_face()
    state = openai_names(model)
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
    model = hugging_face()
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
    pixels = encoder.preprocess(clips_of())
    with torch.no_grad():
        features = encoder.encode(pixels)
    expected = image_features(model, normalise(pixels, encoder.pixels)[:, 0, 0])
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


def test_the_activation_is_that_of_the_folder(tmp_path: Path) -> None:
    hugging_face("gelu").save_pretrained(tmp_path)
    encoder = CLIPVisual(variant="tiny", weights=str(tmp_path))
    assert encoder.arguments() == {"variant": "tiny", "recipe": "middle", "activation": "gelu"}
    assert encoder.fingerprint() != CLIPVisual(variant="tiny").fingerprint()


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    model = hugging_face()
    model.save_pretrained(tmp_path / "folder")
    with pytest.raises(ValueError, match=r"another size than CLIP\w+ ViT-B/32; .*hidden_size = 64"):
        CLIPVisual(weights=str(tmp_path / "folder"))
    torch.save({"layer1.0.conv1.weight": torch.zeros(1), "bn1.weight": torch.zeros(1)}, tmp_path / "r.pth")
    with pytest.raises(ValueError, match="looks like weights of torchvision ResNet; CLIPVisual tiny loads"):
        CLIPVisual(variant="tiny", weights=str(tmp_path / "r.pth"))
    torch.save({k: v for k, v in openai_names(model).items() if k != "visual.proj"}, tmp_path / "o.pt")
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
    hugging_face().save_pretrained(tmp_path)
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
