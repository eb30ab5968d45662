"""UMT, and what all models of the task share."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from vidkit.data import VideoSample
from vidkit.encoders import HashedText, Precomputed
from vidkit.encoders.joined import JoinedFeatures
from vidkit.tasks.moment_retrieval.loss import UMTLoss
from vidkit.tasks.moment_retrieval.model import UMT, MomentOutputs

Tensors = dict[str, Tensor]
TABLES = 5
HIGHLIGHTS = dict(center=None, window=None, offset=None)


def _precomputed(dim: int, modality: Any) -> Precomputed:
    return Precomputed(dim, modality=modality)


def small_model(streams: str = "va", words: bool = True, loss: Any = None, **settings: Any) -> UMT:
    torch.manual_seed(0)
    sizes = dict(dim=16, num_heads=2, num_decoder_layers=2, num_window_clips=8, **settings)
    return UMT(
        visual_encoder=_precomputed(6, "visual") if "v" in streams else None,
        audio_encoder=_precomputed(5, "audio") if "a" in streams else None,
        text_encoder=_precomputed(4, "text") if words else None,
        loss=UMTLoss(**loss or {}),
        **sizes,
    )


def batch(lengths: tuple[int, ...], words: tuple[int, ...], pad: int = 0) -> tuple[Tensors, Tensors]:
    """Random features, the same for a sample whatever it is padded with: noise, where others have zeros."""
    inputs, masks = {}, {}
    for name, dim, sizes in (("visual", 6, lengths), ("audio", 5, lengths), ("text", 4, words)):
        generator = torch.Generator().manual_seed(dim)
        rows = [torch.randn(size, dim, generator=generator) for size in sizes]
        x = torch.randn(len(sizes), max(sizes) + pad, dim, generator=torch.Generator().manual_seed(99))
        for row, values in zip(x, rows):
            row[: len(values)] = values
        inputs[name], masks[name] = x, torch.arange(x.shape[1]) < torch.tensor(sizes)[:, None]
    return inputs, masks


def samples_of(lengths: tuple[int, ...]) -> list[VideoSample]:
    samples = []
    for row, length in enumerate(lengths):
        meta = dict(video_id=str(row), duration_seconds=2.0 * length, clip_seconds=2.0)
        sample = VideoSample(metainfo=meta)
        sample.gt_segments = torch.tensor([[2.0, 2.0 * length], [0.0, 2.0]])[: row + 1]
        sample.gt_saliency = torch.rand(length, generator=torch.Generator().manual_seed(row))
        samples.append(sample)
    return samples


def assert_same(some: list[MomentOutputs], others: list[MomentOutputs], atol: float = 1e-5) -> None:
    for a, b in zip(some, others, strict=True):
        for name in ("saliency", "scores", "moments"):
            torch.testing.assert_close(getattr(a, name), getattr(b, name), atol=atol, rtol=0)


@pytest.mark.parametrize(
    ("dims", "num_decoder_layers", "loss", "published"),
    [
        ((2816, 2048, 512), 3, {}, 14_890_244),
        ((4096, 2048, 300), 3, dict(saliency=None), 15_163_395),
        ((4096, 4096, 300), 3, dict(saliency=None), 15_687_683),
        ((2048, 2048, 512), 1, HIGHLIGHTS, 12_585_985),
        ((2048, 2048, None), 1, HIGHLIGHTS, 12_191_233),
    ],
    ids=["QVHighlights", "Charades V+A", "Charades V+O", "TVSum", "YouTube"],
)
def test_it_has_the_published_parameters_but_for_the_tables(
    dims: tuple[int, int, int | None], num_decoder_layers: int, loss: dict[str, Any], published: int
) -> None:
    visual, audio, text = dims
    model = UMT(
        visual_encoder=_precomputed(visual, "visual"),
        audio_encoder=_precomputed(audio, "audio"),
        text_encoder=None if text is None else _precomputed(text, "text"),
        loss=UMTLoss(**loss),
        num_decoder_layers=num_decoder_layers,
        num_window_clips=75,
    )
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == published - TABLES * 5000 * 256 + TABLES * 75 * 256


@pytest.mark.parametrize("streams", ["va", "v", "a"])
@pytest.mark.parametrize("words", [True, False])
def test_no_result_depends_on_padding(streams: str, words: bool) -> None:
    model = small_model(streams, words).eval()
    lengths = (11, 8, 5, 1)  # the tables of positions have 8 rows
    inputs, masks = batch(lengths, (3, 7, 1, 2), pad=4)
    together = model(inputs, masks=masks)
    inputs, masks = batch(lengths, (3, 7, 1, 2))
    alone = []
    for row, length in enumerate(lengths):
        own = {name: x[row : row + 1, masks[name][row]] for name, x in inputs.items()}
        alone += model(own)
        assert alone[-1].saliency.shape == (length,)
    assert_same(together, alone)


def test_the_loss_does_not_depend_on_padding() -> None:
    model = small_model().eval()
    lengths = (9, 4)
    losses = [
        model(inputs, samples_of(lengths), mode="loss", masks=masks)
        for inputs, masks in (batch(lengths, (3, 5)), batch(lengths, (3, 5), pad=20))
    ]
    torch.testing.assert_close(losses[0], losses[1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("streams", ["va", "v", "a"])
@pytest.mark.parametrize("loss", [{}, dict(saliency=None), HIGHLIGHTS], ids=["both", "moments", "highlights"])
def test_every_parameter_learns(streams: str, loss: dict[str, Any]) -> None:
    model = small_model(streams, loss=loss, dropout=0.0, input_dropout=0.0, word_dropout=0.0)
    lengths = (11, 8)
    inputs, masks = batch(lengths, (3, 5))
    losses = model(inputs, samples_of(lengths), mode="loss", masks=masks)
    sum(losses.values()).backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-7]
    assert not still


def test_a_model_without_query_reads_clips_alone() -> None:
    model = small_model(words=False).eval()
    inputs, masks = batch((6, 4), (3, 5))
    assert "generate_queries" not in dict(model.named_children())
    assert_same(model(inputs, masks=masks), model({k: inputs[k] for k in ("visual", "audio")}, masks=masks))


def test_in_a_sample_without_words_a_clip_is_its_own_query() -> None:
    model = small_model().eval()
    inputs, masks = batch((6, 6), (3, 5))
    masks["text"][1] = False
    mixed = model(inputs, masks=masks)
    without = model({name: inputs[name] for name in ("visual", "audio")}, masks=masks)
    assert_same(mixed[1:], without[1:])
    assert not torch.allclose(mixed[0].saliency, without[0].saliency)


@pytest.mark.parametrize("length", [1, 5, 1800])
def test_it_reads_any_number_of_clips(length: int) -> None:
    model = small_model().eval()
    inputs, masks = batch((length,), (3,))
    with torch.no_grad():
        (outputs,) = model(inputs, masks=masks)
    assert outputs.saliency.shape == (length,)
    assert outputs.moments.shape == (min(100, length), 2)
    assert outputs.moments.min() >= 0
    assert outputs.moments.max() <= 2.0 * length
    assert (outputs.moments[:, 0] < outputs.moments[:, 1]).all()
    assert all(torch.isfinite(x).all() for x in (outputs.saliency, outputs.scores, outputs.moments))


def test_the_heads_follow_the_loss() -> None:
    inputs, masks = batch((6,), (3,))
    (moments,) = small_model(loss=dict(saliency=None)).eval()(inputs, masks=masks)
    torch.testing.assert_close(moments.saliency.sort(descending=True).values, moments.scores)
    (highlights,) = small_model(loss=HIGHLIGHTS).eval()(inputs, masks=masks)
    assert highlights.moments.shape == (0, 2)
    assert highlights.scores.shape == (0,)
    assert highlights.saliency.shape == (6,)
    assert len(small_model(num_moments=3).eval()(inputs, masks=masks)[0].scores) == 3


def test_predictions_are_sorted_and_within_the_video() -> None:
    lengths = (9, 4)
    inputs, masks = batch(lengths, (3, 5))
    samples = samples_of(lengths)
    samples[0].set_metainfo(dict(duration_seconds=17.5))
    predicted = small_model().eval()(inputs, samples, mode="predict", masks=masks)
    for sample, length in zip(predicted, lengths):
        assert sample.pred_segments.shape == (length, 2)
        assert sample.pred_scores.tolist() == sorted(sample.pred_scores.tolist(), reverse=True)
        assert sample.pred_saliency.shape == (length,)
        assert sample.pred_segments.max() <= sample.duration_seconds


def test_weights_go_round_through_a_state_dict() -> None:
    model, other = small_model().eval(), small_model().eval()
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter)
    other.load_state_dict(model.state_dict())
    inputs, masks = batch((6, 3), (3, 5))
    assert_same(model(inputs, masks=masks), other(inputs, masks=masks), atol=0)


def test_weights_start_as_the_released_code_draws_them() -> None:
    model = UMT(visual_encoder=_precomputed(512, "visual"), loss=UMTLoss())
    layer = model.unimodal["visual"].layer
    for weight, fan in (
        (model.unimodal["visual"].project.weight, 512 + 256),
        (layer.attention.in_proj_weight, 256 + 256),  # each projection is drawn for itself
        (layer.attention.out_proj.weight, 256 + 256),
        (layer.feedforward.layers[0].weight, 256 + 1024),
    ):
        assert weight.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.03)
    assert layer.attention.in_proj_bias.abs().max() == layer.feedforward.layers[0].bias.abs().max() == 0


def test_an_encoder_keeps_the_weights_it_came_with() -> None:
    encoder = HashedText(dim=8)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    model = UMT(visual_encoder=_precomputed(6, "visual"), text_encoder=encoder, loss=UMTLoss())
    torch.testing.assert_close(dict(model.encoders()["text"].state_dict()), before)


def test_a_query_may_come_as_a_sentence() -> None:
    torch.manual_seed(0)
    encoder = HashedText(dim=8)
    model = UMT(visual_encoder=_precomputed(6, "visual"), text_encoder=encoder, loss=UMTLoss()).eval()
    sentences = ["a dog jumps", "the ball rolls down the hill"]
    words, mask = encoder.tokens(sentences)
    visual = torch.randn(2, 5, 6)
    masks = dict(visual=torch.ones(2, 5, dtype=torch.bool), text=mask)
    expected = model(dict(visual=visual, text=words), masks=masks)
    assert_same(model(dict(visual=visual, text=sentences)), expected)


def test_normalised_features_have_length_1() -> None:
    model = small_model(normalized=["visual", "text"]).eval()
    inputs, masks = batch((6,), (3,))
    scaled = {**inputs, "visual": 7 * inputs["visual"], "text": 0.3 * inputs["text"]}
    assert_same(model(inputs, masks=masks), model(scaled, masks=masks), atol=1e-4)
    louder = {**inputs, "audio": 7 * inputs["audio"]}
    assert not torch.allclose(model(inputs, masks=masks)[0].saliency, model(louder, masks=masks)[0].saliency)


def test_each_joined_stream_is_normalised_for_itself() -> None:
    torch.manual_seed(0)
    joined = JoinedFeatures(parts=[_precomputed(2, "visual"), _precomputed(4, "visual")])
    settings = dict(visual_encoder=joined, loss=UMTLoss(), dim=16, num_heads=2, normalized=["visual"])
    model = UMT(**settings).eval()
    visual = torch.randn(1, 5, 6)
    louder = visual * torch.tensor([9.0, 9.0, 0.5, 0.5, 0.5, 0.5])
    assert_same(model(dict(visual=visual)), model(dict(visual=louder)), atol=1e-4)


def test_a_batch_as_the_loader_gives_it_is_padded_and_predicted() -> None:
    model = small_model().eval()
    lengths = (6, 3)
    inputs, masks = batch(lengths, (3, 5))
    listed = {name: [x[i, masks[name][i]] for i in range(2)] for name, x in inputs.items()}
    samples = model.test_step(dict(inputs=listed, data_samples=samples_of(lengths)))
    expected = model(inputs, masks=masks)
    for sample, outputs in zip(samples, expected):
        torch.testing.assert_close(sample.pred_saliency, outputs.saliency, atol=1e-5, rtol=0)


def test_a_batch_of_empty_queries_is_one_without_query() -> None:
    model = small_model(dropout=0.0, input_dropout=0.0)
    inputs, masks = batch((6, 4), (3, 5))
    empty = {**inputs, "text": torch.zeros(2, 0, 4)}, {**masks, "text": torch.zeros(2, 0, dtype=torch.bool)}
    clips = {name: inputs[name] for name in ("visual", "audio")}
    assert_same(model(empty[0], masks=empty[1]), model(clips, masks=masks))
    losses = model(empty[0], samples_of((6, 4)), mode="loss", masks=empty[1])
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_mixed_precision_trains_with_finite_losses() -> None:
    model = small_model()
    inputs, masks = batch((11, 4), (3, 5))
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(inputs, samples_of((11, 4)), mode="loss", masks=masks)
    sum(losses.values()).backward()
    assert all(value.dtype == torch.float32 for value in losses.values())
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_what_does_not_fit_is_told() -> None:
    model = small_model()
    inputs, masks = batch((6,), (3,))
    with pytest.raises(ValueError, match="the model reads audio features, the batch has: visual, text"):
        model({name: inputs[name] for name in ("visual", "text")}, masks=masks)
    with pytest.raises(ValueError, match="as many clips of each modality, got 6 of visual and 5 of audio"):
        model({**inputs, "audio": inputs["audio"][:, :5]})
    with pytest.raises(ValueError, match="Precomputed gives 6 channels, the features that came have shape"):
        model({**inputs, "visual": inputs["audio"]})


def test_impossible_models_are_refused() -> None:
    visual, loss = _precomputed(6, "visual"), UMTLoss()
    with pytest.raises(ValueError, match="give a visual_encoder, an audio_encoder or both"):
        UMT(text_encoder=_precomputed(4, "text"), loss=loss)
    with pytest.raises(TypeError, match="audio_encoder must be an encoder, got Linear"):
        UMT(audio_encoder=torch.nn.Linear(2, 2), loss=loss)
    with pytest.raises(TypeError, match="loss must be UMTLoss, got Linear"):
        UMT(visual_encoder=visual, loss=torch.nn.Linear(2, 2))
    for wrong in ("visual", ["audio"]):
        with pytest.raises(ValueError, match="normalized lists some of visual, got"):
            UMT(visual_encoder=visual, loss=loss, normalized=wrong)
    with pytest.raises(ValueError, match="clip_seconds, the length of a clip, must be above 0, got 0"):
        UMT(visual_encoder=visual, loss=loss, clip_seconds=0)
    for name in ("num_window_clips", "num_tokens", "num_decoder_layers", "num_moments"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
            UMT(visual_encoder=visual, loss=loss, **{name: 0})
