"""RASL: its size, its equations as a whole, padding, batches, chunks and signs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from vidkit.data import PadSequences, VideoSample
from vidkit.encoders import LogMelAudio, PixelVisual, Precomputed
from vidkit.registry import MODELS
from vidkit.tasks.highlight_detection import RASL, FusedRASL, KPointContrast, SumFusion
from vidkit.tasks.highlight_detection.branch import StepAutoencoder
from vidkit.tasks.highlight_detection.model import min_max


def _model(dim: int = 16, audio_dim: int = 12, **settings: Any) -> RASL:
    torch.manual_seed(0)
    config = dict(
        type="RASL",
        visual_encoder=dict(type="Precomputed", dim=dim),
        audio_encoder=dict(type="Precomputed", dim=audio_dim, modality="audio"),
        contrast=dict(type="KPointContrast", k=5),
        masking=dict(type="RandomMask", ratio=0.5),
    )
    model = MODELS.build({**config, **settings})
    assert isinstance(model, RASL)
    return model


def _sample(name: str = "a", **meta: Any) -> VideoSample:
    return VideoSample(metainfo=dict(video_id=name, duration_seconds=30.0, clip_seconds=0.2, **meta))


def _batch(lengths: list[int], dim: int = 16, audio_dim: int = 12, seed: int = 0) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    visual = [torch.randn(length, dim, generator=generator) for length in lengths]
    audio = [torch.randn(length, audio_dim, generator=generator) for length in lengths]
    samples = [_sample(f"v{index}") for index in range(len(lengths))]
    return dict(inputs=dict(visual=visual, audio=audio), data_samples=samples)


def test_the_size_is_that_of_table_6() -> None:
    """The paper: 8.53 M parameters and 0.82 GFLOPs; ours are told in docs/highlight_detection.md."""
    model = _model(1024, 768)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model(dict(visual=torch.randn(1, 150, 1024)))
    multiply_adds = counter.get_total_flops() / 2
    projections = 2 * 4 * 1024 * 1024
    contrast = 2 * 2 * 128 * 128
    convolutions = 2 * (4 * (8 + 8 * 16 + 16 * 32) * 2 + 8 + 16 + 32 + 16 + 8 + 1 + 32 * 3 + 1)
    assert parameters == projections + contrast + convolutions + 2 * 128 + 1  # w of Equation 4, temperature
    assert 8.4e6 < parameters < 8.7e6
    attention = 150 * 4 * 1024 * 1024 + 2 * 150 * 150 * 1024
    coding = 150 * 4 * (512 * 8 + 256 * 8 * 16 + 128 * 16 * 32) + 150 * 3 * 128 * 32 + 150 * 128
    assert multiply_adds == attention + coding
    assert multiply_adds < 1e9


def test_the_losses_are_those_of_equation_11() -> None:
    model = _model().double()
    batch = _batch([150, 150])
    inputs = {name: torch.stack(x).double() for name, x in batch["inputs"].items()}
    losses = model._loss(
        {n: model._read(n, inputs).double() for n in inputs}, torch.tensor([150, 150]), batch["data_samples"]
    )
    mask = torch.ones(2, 150, dtype=torch.bool)
    codes = {}
    for name, x in inputs.items():
        if x.shape[-1] != 16:
            x = F.interpolate(x, 16, mode="linear", align_corners=False)
        branch = model.branches[name]
        r = branch.autoencoder.encode(branch.attention(x))
        z = branch.process(r.flatten(0, 1))[:, 0].unflatten(0, (2, 150))
        s = (z * branch.activate.weight[0]).sum(dim=-1)  # Equation 4
        rebuilt = branch.autoencoder.decode(s[..., None, None] * r)
        torch.testing.assert_close(losses[f"loss_reconstruction_{name}"], (x - rebuilt).abs().mean())
        expected = KPointContrast(k=5)(s, branch.project_top(z), branch.project_bottom(z), mask)
        torch.testing.assert_close(losses[f"loss_contrast_{name}"], expected)
        hidden = branch.masking(["v0/0.0", "v1/0.0"], mask)
        masked = branch.encode(torch.where(hidden[..., None], 0.0, x))
        rebuilt = branch.autoencoder.decode(s[..., None, None] * masked)  # s of the unmasked pass
        torch.testing.assert_close(losses[f"loss_masked_{name}"], (x - rebuilt).abs().mean())
        codes[name] = F.normalize(r.flatten(2).flatten(0, 1), dim=-1)
    logits = model.symmetric.log_scale.exp() * codes["visual"] @ codes["audio"].T
    target = torch.arange(300)
    expected = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    torch.testing.assert_close(losses["loss_symmetric"], expected)
    assert len(losses) == 7


def test_steps_keep_their_length_and_codes_halve_three_times() -> None:
    autoencoder = StepAutoencoder()
    codes = autoencoder.encode(torch.randn(2, 5, 48))
    assert codes.shape == (2, 5, 32, 6)
    assert autoencoder.decode(codes).shape == (2, 5, 48)
    with pytest.raises(ValueError, match="three convolutions"):
        StepAutoencoder(channels=(8, 16))


def test_padding_changes_neither_losses_nor_scores() -> None:
    model = _model()
    batch = _batch([150, 60])
    alone = [
        PadSequences()(
            dict(
                inputs={n: [x[i]] for n, x in batch["inputs"].items()},
                data_samples=[batch["data_samples"][i]],
            )
        )
        for i in range(2)
    ]
    together = PadSequences()(batch)
    scores = model(**together, mode="tensor")
    for index, single in enumerate(alone):
        (score,) = model(**single, mode="tensor")
        torch.testing.assert_close(scores[index], score, atol=1e-5, rtol=0)
        assert len(score) == [150, 60][index]
    more = {n: F.pad(x, (0, 0, 0, 40), value=7.0) for n, x in together["inputs"].items()}
    masks = {n: F.pad(m, (0, 40)) for n, m in together["masks"].items()}
    losses = model(**together, mode="loss")
    padded = model(inputs=more, masks=masks, data_samples=batch["data_samples"], mode="loss")
    for name, value in losses.items():
        torch.testing.assert_close(padded[name], value, atol=1e-6, rtol=1e-6)


def test_a_short_video_is_repeated_and_its_copies_dropped() -> None:
    model = _model()
    x = torch.randn(40, 16)
    (scores,) = model(dict(visual=x[None]))
    tiled = x.repeat(4, 1)[:150]
    (expected,) = model(dict(visual=tiled[None]))
    assert scores.shape == (40,)
    torch.testing.assert_close(scores, expected[:40])


@pytest.mark.parametrize("length", [1, 149, 150, 151, 400, 33 * 150 + 1])
def test_chunks_of_a_long_video_are_scored_one_by_one(length: int) -> None:
    model = _model()
    x = torch.randn(length, 16)
    with torch.inference_mode():
        (scores,) = model(dict(visual=x[None]))
        pieces = [model(dict(visual=piece[None]))[0] for piece in x.split(150)]
    torch.testing.assert_close(scores, torch.cat(pieces), atol=1e-5, rtol=1e-4)


def test_prediction_needs_the_visual_modality_alone_and_lies_in_0_1() -> None:
    model = _model()
    (sample,) = model(dict(visual=torch.randn(1, 200, 16)), [_sample()], mode="predict")
    assert sample.pred_saliency.shape == (200,)
    assert sample.pred_saliency.min() == 0
    assert sample.pred_saliency.max() == 1
    assert list(model.scoring_encoders()) == ["visual"]


def test_without_vision_the_audio_branch_predicts() -> None:
    model = _model(visual_encoder=None)
    assert list(model.scoring_encoders()) == ["audio"]
    losses = model(**PadSequences()(_batch([150])), mode="loss")
    assert sorted(losses) == ["loss_contrast_audio", "loss_masked_audio", "loss_reconstruction_audio"]


def test_without_audio_there_is_no_symmetric_contrast() -> None:
    model = _model(audio_encoder=None, contrast=None, masking=None, with_attention=False)
    losses = model(**PadSequences()(_batch([150])), mode="loss")
    assert list(losses) == ["loss_reconstruction_visual"]


def test_every_parameter_learns() -> None:
    model = _model(64, 32)
    losses = model(**PadSequences()(_batch([150, 90], 64, 32)), mode="loss")
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_raw_clips_and_their_features_give_the_same_scores() -> None:
    torch.manual_seed(0)
    model = RASL(visual_encoder=PixelVisual(), audio_encoder=LogMelAudio()).eval()
    frames = torch.randint(0, 256, (1, 30, 1, 24, 32, 3), dtype=torch.uint8)
    features = PixelVisual()(frames.flatten(0, 1)).view(1, 30, -1)
    torch.testing.assert_close(model(dict(visual=frames))[0], model(dict(visual=features))[0])


@pytest.mark.parametrize("dim", [13, 100])
def test_encoders_of_any_width_fit(dim: int) -> None:
    model = _model(dim, 7)
    assert model.dim % 8 == 0
    assert len(model(**PadSequences()(_batch([20], dim, 7)), mode="loss")) == 7


def test_wrong_features_are_refused_with_both_widths() -> None:
    with pytest.raises(ValueError, match=r"Precomputed gives 16 channels, .* shape \(1, 30, 15\)"):
        _model()(dict(visual=torch.randn(1, 30, 15)))
    with pytest.raises(ValueError, match="reads visual features, the batch has: audio"):
        _model()(dict(audio=torch.randn(1, 30, 12)))
    with pytest.raises(ValueError, match="give a visual_encoder, an audio_encoder or both"):
        RASL()


def test_components_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="contrast must be KPointContrast or TopActivations, got PixelVisual"):
        _model(contrast=dict(type="PixelVisual"))
    with pytest.raises(TypeError, match="visual_encoder must be an encoder, got KPointContrast"):
        _model(visual_encoder=dict(type="KPointContrast", k=1))


@pytest.mark.parametrize("fusion", ["SumFusion", "ConcatenationFusion", "MLPFusion", "LowRankFusion"])
def test_the_fusions_of_table_4_train_and_predict(fusion: str) -> None:
    settings = dict(dim=16) if fusion in ("MLPFusion", "LowRankFusion") else {}
    model = MODELS.build(
        dict(
            type="FusedRASL",
            visual_encoder=dict(type="Precomputed", dim=16),
            audio_encoder=dict(type="Precomputed", dim=12, modality="audio"),
            fusion=dict(type=fusion, **settings),
            contrast=dict(type="KPointContrast", k=5),
            masking=dict(type="RandomMask", ratio=0.5),
        )
    )
    batch = PadSequences()(_batch([150, 60]))
    losses = model(**batch, mode="loss")
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert [len(score) for score in model(**batch, mode="tensor")] == [150, 60]


def test_low_rank_fusion_is_the_tensor_it_factorises() -> None:
    from vidkit.tasks.highlight_detection import LowRankFusion

    fusion = LowRankFusion(dim=4, rank=2).double()
    v, a = torch.randn(2, 1, 1, 4, dtype=torch.float64)
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    outer = torch.cat([v, one], -1)[0, 0][:, None] * torch.cat([a, one], -1)[0, 0]  # (5, 5)
    factors = [
        torch.cat([layer.weight, layer.bias[:, None]], 1).view(2, 4, 5)
        for layer in (fusion.visual, fusion.audio)
    ]
    weight = torch.einsum("rdi,rdj->dij", *factors)
    torch.testing.assert_close(fusion(v, a)[0, 0], torch.einsum("dij,ij->d", weight, outer))


def test_the_fused_target_is_a_constant() -> None:
    model = FusedRASL(
        visual_encoder=Precomputed(16), audio_encoder=Precomputed(16, modality="audio"), fusion=SumFusion()
    )
    x = {name: torch.randn(1, 150, 16) for name in ("visual", "audio")}
    losses = model.losses(x, torch.ones(1, 150, dtype=torch.bool), ["a"])
    rebuilt_gradient = torch.autograd.grad(
        losses["reconstruction"], model.attentions["visual"].output.weight
    )[0]
    assert torch.isfinite(rebuilt_gradient).all()


def test_a_constant_video_scores_zero() -> None:
    assert min_max(torch.full((5,), 3.0)).tolist() == [0.0] * 5
    np.testing.assert_allclose(min_max(torch.tensor([2.0, 4.0, 3.0])).numpy(), [0, 1, 0.5])
