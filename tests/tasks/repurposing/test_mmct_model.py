"""MMCT: its size, every subset of modalities, padding, recomputation and what it decodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmct_cases import DIMS, SUBSETS, UNGUIDED, batch_of, mmct
from torch import nn
from torch.nn import functional as F

from vidkit.data import VideoSample
from vidkit.tasks.repurposing import AlignmentGuider, Outputs
from vidkit.tasks.repurposing.model import _FIRST_OFFSET_SECONDS


def test_the_number_of_parameters_of_the_papers_model_is_derived() -> None:
    """Those of docs/repurposing.md: d = 512, FFN 2048, 3/3/3 layers, all modalities, guider on two."""
    model = mmct(
        visual_encoder=dict(type="Precomputed", dim=512),
        audio_encoder=dict(type="Precomputed", dim=2048, modality="audio"),
        text_encoder=dict(type="Precomputed", dim=384, modality="text"),
        **dict(dim=512, num_heads=8, feedforward_dim=2048),
        **dict(num_self_layers=3, num_caption_layers=3, num_fusion_layers=3),
    )
    d, hidden = 512, 2048
    linear = lambda a, b: a * b + b  # noqa: E731
    norm = 2 * d
    attention = 4 * linear(d, d)
    feedforward = linear(d, hidden) + linear(hidden, d)
    projections = sum(linear(width, d) + linear(d, d) for width in (512, 2048, 384))
    self_layers = 3 * 3 * (attention + feedforward + 2 * norm)
    caption_layers = 2 * 3 * (2 * attention + feedforward + 4 * norm)
    fusion_layers = 2 * 3 * (attention + feedforward + 3 * norm)
    closing = 2 * norm + linear(2 * d, d)
    heads = 2 * linear(d, d) + linear(d, 1) + 2 * linear(d, d) + linear(d, 2)
    guider = 2 * (norm + 2 * linear(d, d) + linear(d, 1))
    parts = [projections, self_layers, caption_layers, fusion_layers, closing, heads, guider]
    assert sum(parameter.numel() for parameter in model.parameters()) == sum(parts) == 77_451_781
    page = (Path(__file__).parents[3] / "docs" / "repurposing.md").read_text(encoding="utf-8")
    assert [part for part in (*parts, sum(parts)) if f"| {part:,} |" not in page] == []


@pytest.mark.parametrize("names", SUBSETS)
@pytest.mark.parametrize("guided", [True, False])
def test_every_subset_of_modalities_trains_all_its_parameters(names: tuple[str, ...], guided: bool) -> None:
    model = mmct(names, **({} if guided else UNGUIDED))
    losses = model(**batch_of([30, 18], names), mode="loss")
    assert all(name.startswith("loss_") for name in losses)
    assert len(losses) == 2 + (2 * len(model.guider.modalities) if guided else 0)
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("layers", [(1, 4, 4), (3, 3, 3), (5, 2, 2), (7, 1, 1)])
def test_the_layers_of_table_5_are_those_that_run(layers: tuple[int, int, int]) -> None:
    names = ("num_self_layers", "num_caption_layers", "num_fusion_layers")
    model = mmct(**dict(zip(names, layers)))
    ran: list[str] = []
    for stage in ("self_layers", "caption_layers", "fusion_layers"):
        for name, stack in getattr(model, stage).items():
            for layer in stack:
                layer.register_forward_hook(lambda *_, key=f"{stage}.{name}": ran.append(key))
    model(**batch_of([10]))
    assert [ran.count(f"self_layers.{name}") for name in DIMS] == [layers[0]] * 3
    assert [ran.count(f"caption_layers.{name}") for name in DIMS] == [layers[1], layers[1], 0]
    assert [ran.count(f"fusion_layers.{name}") for name in DIMS] == [layers[2], layers[2], 0]


@pytest.mark.parametrize("names", SUBSETS)
def test_logits_do_not_change_with_the_other_videos_of_a_batch(names: tuple[str, ...]) -> None:
    model = mmct(names).eval()
    lengths = [40, 7, 23]
    together = model(**batch_of(lengths, names))
    whole = batch_of(lengths, names)
    for row, length in enumerate(lengths):
        (alone,) = model({name: x[row : row + 1, :length] for name, x in whole["inputs"].items()})
        assert together[row].logits.shape == (length,)
        assert together[row].offsets.shape == (length, 2)
        torch.testing.assert_close(together[row].logits, alone.logits, atol=1e-5, rtol=0)
        torch.testing.assert_close(together[row].offsets, alone.offsets, atol=1e-5, rtol=1e-6)
        for name, logits in alone.modality_logits.items():
            torch.testing.assert_close(together[row].modality_logits[name], logits, atol=1e-5, rtol=0)


def test_losses_and_gradients_do_not_depend_on_what_stands_in_padding() -> None:
    gradients = []
    for value, more in ((0.0, 0), (5.0, 9)):
        model, batch = mmct(dropout=0.0), batch_of([30, 18])
        inputs, masks = {}, {}
        for name, x in batch["inputs"].items():
            masks[name] = F.pad(batch["masks"][name], (0, more))
            inputs[name] = F.pad(x, (0, 0, 0, more)).masked_fill(~masks[name][..., None], value)
        losses = model(inputs, batch["data_samples"], mode="loss", masks=masks)
        sum(losses.values()).backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for a, b in zip(*gradients):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_captions_have_a_mask_of_their_own() -> None:
    model = mmct().eval()
    batch = batch_of([20, 20])
    text = batch["inputs"]["text"]
    mask = torch.arange(20) < torch.tensor([[20], [12]])
    padded = model({**batch["inputs"], "text": text}, masks={**batch["masks"], "text": mask})
    spoilt = text.masked_fill(~mask[..., None], 99.0)
    other = model({**batch["inputs"], "text": spoilt}, masks={**batch["masks"], "text": mask})
    shorter = model({name: x[1:] for name, x in batch["inputs"].items()} | {"text": text[1:, :12]})
    assert padded[1].logits.shape == (20,)
    for outputs in (other[1], shorter[0]):
        torch.testing.assert_close(outputs.logits, padded[1].logits, atol=1e-5, rtol=0)
    assert not torch.allclose(model(**batch)[1].logits, padded[1].logits, atol=1e-3)


def test_a_video_without_any_caption_is_that_of_no_keys_and_stays_finite() -> None:
    model = mmct()
    batch = batch_of([20, 15])
    batch["masks"]["text"][1] = False
    losses = model(**batch, mode="loss")
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_seconds_know_their_place_in_time() -> None:
    model = mmct(("visual",), **UNGUIDED).eval()
    x = torch.randn(1, 1, 12).expand(1, 30, 12)  # the same second over and over
    (outputs,) = model(dict(visual=x))
    assert outputs.logits.std() > 1e-3
    both = model(dict(visual=x.expand(2, -1, -1)))  # the released code encodes the index within the batch
    torch.testing.assert_close(both[0].logits, both[1].logits)


def test_both_directions_of_a_fusion_layer_read_the_state_before_it() -> None:
    model = mmct(num_fusion_layers=1).eval()
    seen: dict[str, tuple[torch.Tensor, ...]] = {}
    for name in ("visual", "audio"):
        model.fusion_layers[name][0].register_forward_hook(
            lambda _, inputs, __, name=name: seen.update({name: inputs})
        )
    model(**batch_of([10]))
    assert torch.equal(seen["visual"][0], seen["audio"][1])
    assert torch.equal(seen["audio"][0], seen["visual"][1])


def test_a_single_stream_goes_to_the_heads_itself() -> None:
    for names in (("visual",), ("audio", "text"), ("text",)):
        model = mmct(names)
        assert isinstance(model.fuse, nn.Identity)
        assert list(model.close) == [names[0]]
    assert list(mmct(("audio", "text")).caption_layers) == ["audio"]


def test_recomputing_layers_changes_neither_losses_nor_gradients() -> None:
    results = []
    for recompute in (False, True):
        model = mmct(recompute=recompute)  # in training, with dropout
        torch.manual_seed(3)
        losses = model(**batch_of([25, 11]), mode="loss")
        sum(losses.values()).backward()
        results.append((losses, [parameter.grad for parameter in model.parameters()]))
    (losses, gradients), (others, other_gradients) = results
    for name, loss in losses.items():
        torch.testing.assert_close(others[name], loss)
    for a, b in zip(gradients, other_gradients):
        torch.testing.assert_close(a, b, atol=1e-7, rtol=1e-5)


def test_recomputing_keeps_less_for_the_backward_pass() -> None:
    kept = []
    for recompute in (False, True):
        model, batch = mmct(recompute=recompute), batch_of([64])
        held: dict[int, int] = {}

        def pack(x: torch.Tensor, held: dict[int, int] = held) -> torch.Tensor:
            held[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            losses = model(**batch, mode="loss")
        kept.append(sum(held.values()))
        del losses
    assert kept[1] < 0.5 * kept[0]


def test_two_hours_are_read_at_once() -> None:
    model = mmct(num_self_layers=1, num_fusion_layers=1, num_heads=1).eval()
    with torch.inference_mode():
        (outputs,) = model({name: torch.randn(1, 7200, dim) for name, dim in DIMS.items()})
    assert outputs.logits.shape == (7200,)
    assert torch.isfinite(outputs.offsets).all()


def test_half_precision_trains() -> None:
    model = mmct()
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(**batch_of([30, 18]), mode="loss")
    sum(losses.values()).backward()
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_weights_round_trip() -> None:
    model, other = mmct().eval(), mmct().eval()
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    batch = batch_of([12])
    assert not torch.allclose(model(**batch)[0].logits, other(**batch)[0].logits)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(**batch)[0].logits, other(**batch)[0].logits)
    assert not any("position" in name for name in model.state_dict())


def test_evaluation_is_deterministic_and_training_is_not() -> None:
    model, batch = mmct(), batch_of([12])
    assert not torch.equal(model(**batch)[0].logits, model(**batch)[0].logits)
    model.eval()
    assert torch.equal(model(**batch)[0].logits, model(**batch)[0].logits)


def test_the_regression_head_starts_alive_and_with_clips_of_mean_length() -> None:
    offsets = mmct().eval()(**batch_of([50]))[0].offsets
    assert (offsets > 0).all()
    assert offsets.mean().item() == pytest.approx(_FIRST_OFFSET_SECONDS, abs=2.0)


def test_decoding_measures_from_the_middle_of_each_second() -> None:
    model = mmct(clip_seconds=2.0)
    logits = torch.tensor([-5.0, 3.0, -5.0, 2.0, -5.0])
    offsets = torch.tensor([[0.0, 0.0], [3.0, 1.0], [0.0, 0.0], [2.0, 3.0], [9.0, 9.0]])
    outputs = Outputs(logits, offsets, {"audio": torch.zeros(5)})
    sample = VideoSample(metainfo=dict(video_id="v", duration_seconds=700.0, clip_seconds=2.0))
    decoded = model.decode(sample, outputs)
    assert decoded.pred_segments.tolist() == [[0.0, 4.0], [5.0, 10.0]]  # middles 3 and 7
    np.testing.assert_allclose(decoded.pred_saliency, 1 / (1 + np.exp(-logits.numpy())), rtol=1e-6)
    assert decoded.pred_scores[0].item() == pytest.approx(1 / (1 + np.exp(-3)), rel=1e-6)
    assert decoded.pred_modality_saliency["audio"].tolist() == [0.5] * 5
    torch.testing.assert_close(decoded.pred_candidates[: len(decoded.pred_segments)], decoded.pred_segments)


def test_prediction_fills_in_the_samples_of_a_batch() -> None:
    model = mmct().eval()
    nn.init.constant_(model.classify.layers[-1].bias, 3.0)
    with torch.inference_mode():
        batch = batch_of([60, 35])
        samples = model(**batch, mode="predict")
        outputs = model(**batch)
    for sample, own, length in zip(samples, outputs, (60, 35)):
        assert sample.pred_saliency.shape == (length,)
        torch.testing.assert_close(sample.pred_saliency, own.logits.sigmoid())
        assert len(sample.pred_segments) == len(sample.pred_scores) == 1  # three in ten minutes
        assert len(sample.pred_candidates) == len(sample.pred_candidate_scores) >= 1
        assert 0 <= sample.pred_candidates.min() <= sample.pred_candidates.max() <= length
        assert list(sample.pred_modality_saliency) == ["visual", "audio"]


def test_without_guider_there_are_no_curves_of_modalities() -> None:
    model = mmct(**UNGUIDED).eval()
    batch = batch_of([20])
    assert model(**batch)[0].modality_logits == {}
    assert model(**batch, mode="predict")[0].pred_modality_saliency == {}


def test_the_guider_reads_the_streams_before_they_are_fused() -> None:
    model = mmct(guider=dict(type="AlignmentGuider", modalities=["visual", "audio", "text"])).eval()
    batch = batch_of([20])
    before = model(**batch)[0]
    changed = model(**{**batch, "inputs": {**batch["inputs"], "text": batch["inputs"]["text"] + 1}})[0]
    for name in ("visual", "audio"):
        assert torch.equal(before.modality_logits[name], changed.modality_logits[name])
    assert not torch.equal(before.modality_logits["text"], changed.modality_logits["text"])
    assert not torch.equal(before.logits, changed.logits)


def test_it_learns_clips_that_a_feature_shows() -> None:
    torch.manual_seed(0)
    names = ("visual", "audio")
    model = mmct(names, dropout=0.0, num_self_layers=1, num_fusion_layers=1)
    batch = batch_of([60, 45], names)
    for row, sample in enumerate(batch["data_samples"]):
        sample.gt_segments = torch.tensor([[10.0 + 5 * row, 30.0 + 5 * row]])
        start, end = sample.gt_segments[0].int().tolist()
        batch["inputs"]["visual"][row, start:end, 0] += 4.0
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        sum(model(**batch, mode="loss").values()).backward()
        optimizer.step()
    for row, sample in enumerate(model.eval()(**batch, mode="predict")):
        np.testing.assert_allclose(sample.pred_segments[0], [10 + 5 * row, 30 + 5 * row], atol=2.0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="give at least one of visual_encoder, audio_encoder and text_enc"):
        mmct(())
    with pytest.raises(TypeError, match="visual_encoder must be an encoder, got ClipSelection"):
        mmct(visual_encoder=dict(type="ClipSelection"))
    with pytest.raises(TypeError, match="selection must be ClipSelection, got MMCTLoss"):
        mmct(selection=dict(type="MMCTLoss"))
    with pytest.raises(TypeError, match="loss must be MMCTLoss, got ClipSelection"):
        mmct(loss=dict(type="ClipSelection"))
    with pytest.raises(TypeError, match="guider must be AlignmentGuider, got ClipSelection"):
        mmct(guider=dict(type="ClipSelection"))
    with pytest.raises(ValueError, match=r"num_fusion_layers must be at least 1, got 0; .* encoder to None"):
        mmct(num_fusion_layers=0)
    with pytest.raises(ValueError, match=r"unimodal \(0.1\) and alignment \(0.1\) need a guider"):
        mmct(guider=None)
    with pytest.raises(ValueError, match="nothing would teach the heads of the guider"):
        mmct(loss=dict(type="MMCTLoss", unimodal=0.0, alignment=0.0))
    with pytest.raises(ValueError, match="the guider has heads for visual, audio, the model reads: text; na"):
        mmct(("text",), guider=dict(type="AlignmentGuider"))
    for modalities in ([], ["picture"]):
        with pytest.raises(ValueError, match="modalities are some of visual, audio, text, got"):
            AlignmentGuider(modalities=modalities)


def test_features_that_do_not_fit_are_refused() -> None:
    model = mmct()
    batch = batch_of([5])
    with pytest.raises(ValueError, match="the model reads audio features, the batch has: visual"):
        model({"visual": batch["inputs"]["visual"]})
    with pytest.raises(ValueError, match=r"Precomputed gives 12 channels, .* shape \(1, 5, 13\)"):
        model({**batch["inputs"], "visual": torch.randn(1, 5, 13)})
