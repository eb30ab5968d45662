"""Moment-DETR, and what QD-DETR shares with it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from detr_cases import CLIP_SECONDS, MODELS, make_batch, make_model, make_sample
from detr_references import (
    TEXT_DIM,
    VIDEO_DIM,
    moment_detr,
    moment_detr_weights,
    qd_detr,
    qd_detr_weights,
)

from vidkit.checkpoints import load_weights
from vidkit.encoders import Precomputed
from vidkit.registry import MODELS as REGISTRY
from vidkit.tasks.moment_retrieval import (
    QDDETR,
    MomentDETR,
    MomentDETRLayout,
    MomentDETRLoss,
    MomentOutputs,
    QDDETRLayout,
    QDDETRLoss,
)
from vidkit.tasks.moment_retrieval.loss.detr import DETROutputs
from vidkit.tasks.moment_retrieval.model.detr_parts import DETRModel

REFERENCES: list[Any] = [
    (MomentDETRLayout, moment_detr_weights(), moment_detr),
    (QDDETRLayout, qd_detr_weights(), qd_detr),
]


@pytest.mark.parametrize("with_words", [True, False])
@pytest.mark.parametrize(("layout", "weights", "reference"), REFERENCES)
def test_a_model_is_its_definition(layout: Any, weights: Any, reference: Any, with_words: bool) -> None:
    config, ours = layout.convert(weights)
    model = REGISTRY.build(config).double().eval()
    load_weights(model, ours, source="the reference")
    video, words = torch.randn(7, VIDEO_DIM).double(), torch.randn(3, TEXT_DIM).double()
    inputs = dict(visual=video[None]) | (dict(text=words[None]) if with_words else {})
    (said,) = model(inputs)
    expected = reference(weights, video, words if with_words else None)
    center, width = expected.spans[-1].unbind(dim=-1)
    seconds = 7 * CLIP_SECONDS * torch.stack([center - width / 2, center + width / 2], dim=-1)
    torch.testing.assert_close(said.moments, seconds, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(said.scores, expected.logits[-1].softmax(dim=-1)[:, 0], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(said.saliency, expected.saliency, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("kind", MODELS)
def test_padding_of_clips_and_words_has_no_influence(kind: type[DETRModel]) -> None:
    model = make_model(kind).eval()
    lengths, words = [7, 3, 5], [2, 6, 1]
    batch = make_batch(model, lengths, words)
    together = model(batch["inputs"], masks=batch["masks"])
    for row, (said, length, count) in enumerate(zip(together, lengths, words, strict=True)):
        alone = dict(visual=batch["inputs"]["visual"][row : row + 1, :length])
        alone["text"] = batch["inputs"]["text"][row : row + 1, :count]
        (expected,) = model(alone)
        for name in ("moments", "scores", "saliency"):
            torch.testing.assert_close(getattr(said, name), getattr(expected, name), atol=1e-5, rtol=1e-5)
        assert said.saliency.shape == (length,)


@pytest.mark.parametrize("kind", MODELS)
def test_what_padding_holds_has_no_influence_on_losses(kind: type[DETRModel]) -> None:
    model = make_model(kind)
    samples = [
        make_sample(4, [[0.0, 4.0]], [0.2, 0.9, 0.1, 0.0]),
        make_sample(2, [[2.0, 4.0]], [0.0, 0.5], video_id="b", query="a cat sleeps"),
    ]
    batch = make_batch(model, [4, 2], [3, 2], samples)
    before = model(**batch, mode="loss")
    for name, mask in batch["masks"].items():
        batch["inputs"][name][~mask] = 100.0
    after = model(**batch, mode="loss")
    for name, loss in before.items():
        torch.testing.assert_close(after[name], loss, atol=1e-5, rtol=1e-5, msg=name)


@pytest.mark.parametrize("with_text", [True, False])
@pytest.mark.parametrize("kind", MODELS)
def test_every_parameter_has_a_gradient(kind: type[DETRModel], with_text: bool) -> None:
    model = make_model(kind, with_text=with_text)
    samples = [
        make_sample(5, [[0.0, 4.0], [6.0, 10.0]], [0.2, 0.9, 0.0, 0.4, 0.7]),
        make_sample(4, [[2.0, 6.0]], [0.0, 0.5, 0.7, 0.0], video_id="b", query="a cat sleeps"),
    ]
    batch = make_batch(model, [5, 4], [3, 2] if with_text else None, samples)
    sum(model(**batch, mode="loss").values()).backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    untaught = {name for name, gradient in gradients.items() if not gradient.any()}
    # The first decoder layer begins with zeros, so what it compares is alike; a hinge sees differences alone.
    allowed = "saliency.bias" if kind is MomentDETR else "decoder.layers.0.attend."
    assert all(name.startswith(allowed) for name in untaught)


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_without_query_has_no_parts_for_words(kind: type[DETRModel]) -> None:
    model = make_model(kind, with_text=False)
    assert not [name for name, _ in model.named_parameters() if "word" in name or "text" in name]
    batch = make_batch(model, [5, 3], None, [make_sample(5), make_sample(3, query=None)])
    predicted = model(**batch, mode="predict")
    assert [sample.pred_saliency.shape for sample in predicted] == [(5,), (3,)]


@pytest.mark.parametrize("kind", MODELS)
def test_a_sample_without_query_is_read_alike_in_any_batch(kind: type[DETRModel]) -> None:
    model = make_model(kind).eval()
    batch = make_batch(model, [5, 5], [3, 0])
    together = model(batch["inputs"], masks=batch["masks"])[1]
    (alone,) = model(dict(visual=batch["inputs"]["visual"][1:]))
    torch.testing.assert_close(together.moments, alone.moments, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together.saliency, alone.saliency, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_sound_is_read_beside_pictures(kind: type[DETRModel]) -> None:
    model = make_model(kind, audio_encoder=Precomputed(3, modality="audio")).eval()
    visual, audio, text = torch.randn(1, 4, VIDEO_DIM), torch.randn(1, 4, 3), torch.randn(1, 2, TEXT_DIM)
    (said,) = model(dict(visual=visual, audio=audio, text=text))
    (other,) = model(dict(visual=visual, audio=audio.flip(1), text=text))
    assert not torch.allclose(said.saliency, other.saliency)
    assert model.project_clips[0].normalized_shape == (VIDEO_DIM + 2 + 3 + 2,)  # endpoints with both


@pytest.mark.parametrize("kind", MODELS)
def test_vectors_are_scaled_unless_a_modality_is_left_out(kind: type[DETRModel]) -> None:
    inputs = dict(visual=torch.randn(1, 4, VIDEO_DIM), text=torch.randn(1, 2, TEXT_DIM))
    longer = dict(inputs, visual=inputs["visual"] * 7)
    scaled, raw = make_model(kind).eval(), make_model(kind, normalized=["text"]).eval()
    assert torch.allclose(scaled(inputs)[0].saliency, scaled(longer)[0].saliency, atol=1e-3)
    assert not torch.allclose(raw(inputs)[0].saliency, raw(longer)[0].saliency, atol=1e-3)


def test_moments_end_within_the_video_best_first_and_keep_their_precision() -> None:
    model = make_model(MomentDETR)
    outputs = MomentOutputs(
        torch.tensor([[-1.0, 3.3], [2.9, 99.0]]), torch.tensor([0.25, 0.75]), torch.tensor([-9.87654321])
    )
    sample = model.decode(make_sample(5), outputs)
    torch.testing.assert_close(sample.pred_segments, torch.tensor([[2.9, 10.0], [0.0, 3.3]]))
    assert sample.pred_scores.tolist() == [0.75, 0.25]
    assert torch.equal(sample.pred_saliency, outputs.saliency)


def test_rounded_moments_are_whole_clips_of_the_video() -> None:
    model = make_model(MomentDETR, round_to_clips=True)
    moments = torch.tensor([[-1.0, 3.3], [2.9, 99.0], [1.0, 3.0], [4.1, 4.3]])
    outputs = MomentOutputs(moments, torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.zeros(1))
    sample = make_sample(5)
    sample.set_metainfo(dict(duration_seconds=9.5))  # half a clip is missing
    model.decode(sample, outputs)
    assert sample.pred_segments.tolist() == [[0, 4], [2, 9.5], [0, 4], [4, 4]]  # 1 and 3 go to the even clip
    assert torch.equal(outputs.moments, moments)


def test_what_is_learnt_as_a_share_of_the_clips_is_predicted_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A video of 9 s has 5 clips of 2 s, of which the last one has half; its second lies at 0.8 to 0.9."""
    sample = make_sample(5, [[8.0, 9.0]])
    sample.set_metainfo(dict(duration_seconds=9.0))
    mask = torch.ones(1, 5, dtype=torch.bool)
    spans = MomentDETRLoss().targets([sample], mask, clip_seconds=CLIP_SECONDS).spans
    torch.testing.assert_close(spans, torch.tensor([[[0.85, 0.1]]]))
    said = DETROutputs(torch.zeros(1, 1, 1, 2), spans[None], torch.zeros(1, 5), mask)
    model = make_model(MomentDETR)
    monkeypatch.setattr(model, "outputs", lambda features: said)
    (outputs,) = model(dict(visual=torch.zeros(1, 5, VIDEO_DIM)))
    torch.testing.assert_close(outputs.moments, torch.tensor([[8.0, 9.0]]))


def _linear(a: int, b: int) -> int:
    return a * b + b


@pytest.mark.parametrize(("video", "text"), [(2304 + 512, 512), (512, 300)])
def test_the_number_of_parameters_is_derived(video: int, text: int) -> None:
    d, f, k = 256, 1024, 10
    norm, attention, feedforward = 2 * d, 4 * _linear(d, d), _linear(d, f) + _linear(f, d)
    inputs = sum(2 * dim + _linear(dim, d) + norm + _linear(d, d) for dim in (video + 2, text))
    encoder = 2 * (attention + feedforward + 2 * norm)
    decoder = 2 * (2 * attention + feedforward + 3 * norm) + norm
    heads = _linear(d, 2) + 2 * _linear(d, d) + _linear(d, 2) + _linear(d, 1)
    model = MomentDETR(
        visual_encoder=Precomputed(video),
        text_encoder=Precomputed(text, modality="text"),
        loss=MomentDETRLoss(),
    )
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == inputs + encoder + decoder + heads + k * d
    if video == 2304 + 512:
        assert count == 4_814_601  # the paper says 4.8 million


@pytest.mark.parametrize("kind", MODELS)
def test_matrices_of_the_transformer_begin_in_glorots_range(kind: type[DETRModel]) -> None:
    model = make_model(kind, dim=64)
    fresh = kind(
        visual_encoder=Precomputed(VIDEO_DIM), loss=model.loss, dim=64, num_heads=2, feedforward_dim=100
    )
    matrix = fresh.encoder[0].feedforward.layers[0].weight
    bound = (6 / (64 + 100)) ** 0.5
    assert 0.98 * bound < matrix.abs().max() <= bound
    queries = fresh.decoder.references if kind is QDDETR else fresh.queries
    assert queries.std() > 0.7  # learned queries are drawn from N(0, 1)


@pytest.mark.parametrize("kind", MODELS)
def test_weights_come_back_from_a_state_dict(kind: type[DETRModel]) -> None:
    model, other = make_model(kind).eval(), make_model(kind).eval()
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)
    other.load_state_dict(model.state_dict())
    inputs = dict(visual=torch.randn(1, 4, VIDEO_DIM), text=torch.randn(1, 2, TEXT_DIM))
    assert torch.equal(model(inputs)[0].moments, other(inputs)[0].moments)


@pytest.mark.parametrize("kind", MODELS)
def test_half_precision_keeps_outputs_in_float32(kind: type[DETRModel]) -> None:
    model = make_model(kind).eval()
    inputs = dict(visual=torch.randn(2, 4, VIDEO_DIM), text=torch.randn(2, 2, TEXT_DIM))
    with torch.autocast("cpu", torch.bfloat16):
        said = model(inputs)[0]
    assert {said.moments.dtype, said.scores.dtype, said.saliency.dtype} == {torch.float32}
    torch.testing.assert_close(said.scores, model(inputs)[0].scores, atol=0.05, rtol=0.0)


@pytest.mark.parametrize("kind", MODELS)
def test_a_loss_of_another_model_is_refused(kind: type[DETRModel]) -> None:
    other: Any = MomentDETRLoss() if kind is QDDETR else QDDETRLoss()
    with pytest.raises(TypeError, match=f"loss must be {kind.__name__}Loss, got {type(other).__name__}"):
        make_model(kind, loss=other)


@pytest.mark.parametrize("name", ["num_encoder_layers", "num_decoder_layers", "num_moments"])
@pytest.mark.parametrize("kind", MODELS)
def test_numbers_below_one_are_refused(kind: type[DETRModel], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        make_model(kind, **{name: 0})


@pytest.mark.parametrize(("layers", "expected"), [(1, 4), (2, 7), (3, 10)])
def test_every_decoder_layer_has_losses_of_moments_and_one_saliency_serves_all(
    layers: int, expected: int
) -> None:
    model = make_model(MomentDETR, num_decoder_layers=layers)
    batch = make_batch(model, [4], [2], [make_sample(4, [[0.0, 4.0]], [0.1, 0.2, 0.0, 0.0])])
    assert len(model(**batch, mode="loss")) == expected
