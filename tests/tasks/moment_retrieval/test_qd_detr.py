"""What QD-DETR has beside Moment-DETR: masks, other sentences, the global token."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from detr_cases import make_batch, make_model, make_sample
from detr_references import TEXT_DIM, VIDEO_DIM
from torch import Tensor

from vidkit.encoders import Precomputed
from vidkit.tasks.moment_retrieval import QDDETR, QDDETRLoss
from vidkit.tasks.moment_retrieval.loss.qd_detr import QDDETROutputs
from vidkit.tasks.moment_retrieval.model.qd_detr import TextToVideoLayer


def _attends(layer: TextToVideoLayer, word_mask: Tensor, num_clips: int) -> Tensor:
    """Return whether clip t of sample b moves when word l of it does, (B, T, L)."""
    generator = torch.Generator().manual_seed(0)
    count, num_words = word_mask.shape
    x, places = torch.randn(2, count, num_clips, 8, generator=generator)
    words = torch.randn(count, num_words, 8, generator=generator)
    before = layer(x, places, words, word_mask)
    moved = []
    for word in range(num_words):
        changed = words.clone()
        changed[:, word] += 1.0
        moved.append((layer(x, places, changed, word_mask) - before).abs().amax(dim=-1) > 1e-6)
    return torch.stack(moved, dim=-1)


def test_a_clip_attends_to_all_words_of_its_own_sample_and_to_no_padding() -> None:
    """The released code repeats its masks for (heads x samples), and reads them as (samples x heads).

    So head h of sample i gets the mask of sample (i x H + h) mod B: with 3 samples of which one is short, its
    mask hides words from late clips of the others.
    """
    torch.manual_seed(0)
    layer = TextToVideoLayer(8, num_heads=2, feedforward_dim=12, dropout=0.0)
    word_mask = torch.arange(5) < torch.tensor([[5], [2], [4]])
    attends = _attends(layer, word_mask, num_clips=6)
    assert torch.equal(attends, word_mask[:, None].expand(3, 6, 5))
    # The tiled mask of the released code fails this: 3 samples with 6, 2 and 4 clips.
    padded_clips = ~(torch.arange(6) < torch.tensor([[6], [2], [4]]))
    hidden = padded_clips[:, :, None] & ~word_mask[:, None]  # (B, T, L)
    tiled = hidden.repeat(2, 1, 1).unflatten(0, (3, 2)).any(dim=1)
    real = ~padded_clips[:, :, None] & word_mask[:, None]
    assert (tiled & real).any()


def test_a_text_layer_is_its_formula() -> None:
    torch.manual_seed(0)
    layer = TextToVideoLayer(8, num_heads=2, feedforward_dim=12, dropout=0.0).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    x, places = torch.randn(2, 2, 5, 8).double()
    words = torch.randn(2, 3, 8).double()
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.load_state_dict(layer.attention.state_dict())
    y = x + theirs(x + places, words, words)[0]
    a, b = layer.feedforward.layers
    hidden = layer.attention_norm(y) @ a.weight.T + a.bias
    hidden = torch.where(hidden > 0, hidden, layer.feedforward.activation.weight * hidden)
    expected = layer.feedforward_norm(y + hidden @ b.weight.T + b.bias)
    torch.testing.assert_close(layer(x, places, words, torch.ones(2, 3, dtype=torch.bool)), expected)


def _seen_by_the_loss(model: Any, batch: dict[str, Any]) -> QDDETROutputs:
    seen = []
    model.loss.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(**batch, mode="loss")
    (outputs,) = seen
    return outputs


QUERIES = ["a dog runs", "a cat sleeps", "a bird sings"]


def test_other_sentences_are_those_of_the_next_sample() -> None:
    model = make_model(QDDETR)
    samples = [make_sample(5, [], video_id=query, query=query) for query in QUERIES]
    batch = make_batch(model, [5, 3, 4], [2, 4, 3], [samples[0], make_sample(3, []), samples[2]])
    batch["data_samples"][1].set_metainfo(dict(query=QUERIES[1]))
    outputs = _seen_by_the_loss(model, batch)
    assert torch.equal(outputs.negative_mask, batch["masks"]["visual"])
    for row, (length, count) in enumerate([(5, 4), (3, 3), (4, 2)]):
        video = batch["inputs"]["visual"][row, :length]
        words = batch["inputs"]["text"][(row + 1) % 3, :count]
        (said,) = model(dict(visual=video[None], text=words[None]))
        torch.testing.assert_close(
            outputs.negative_saliency[row, :length], said.saliency, atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize(
    ("queries", "words", "expected"),
    [
        (["a", "b", "c"], [2, 2, 2], [True, True, True]),
        (["a", "a", "b"], [2, 2, 2], [False, True, True]),
        (["a", "b", "a"], [2, 2, 2], [True, True, False]),  # the first follows the last
        (["a", "a", "a"], [2, 2, 2], [False, False, False]),
        (["a", None, "b"], [2, 0, 2], [False, True, True]),  # no words to read
        (["a"], [2], [False]),
    ],
)
def test_there_is_no_other_sentence_in_the_same_one_or_in_none(
    queries: list[str | None], words: list[int], expected: list[bool]
) -> None:
    model = make_model(QDDETR)
    samples = [
        make_sample(4, [[0.0, 4.0]], video_id=str(row), query=query) for row, query in enumerate(queries)
    ]
    batch = make_batch(model, [4] * len(samples), words, samples)
    outputs = _seen_by_the_loss(model, batch)
    assert outputs.negative_mask.all(dim=1).tolist() == outputs.negative_mask.any(dim=1).tolist() == expected
    losses = model(**batch, mode="loss")
    assert (losses["loss_negative"].item() > 0) == any(expected)


@pytest.mark.parametrize(("mode", "passes"), [("loss", 2), ("predict", 1), ("tensor", 1)])
def test_other_sentences_are_read_in_training_alone(
    mode: Any, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(QDDETR)
    samples = [make_sample(4, [[0.0, 4.0]], video_id=query, query=query) for query in QUERIES[:2]]
    batch = make_batch(model, [4, 4], [2, 2], samples)
    calls = []
    monkeypatch.setattr(model, "_encode", lambda *args: calls.append(1) or QDDETR._encode(model, *args))
    model(**batch, mode=mode)
    assert len(calls) == passes


def test_without_query_there_are_no_other_sentences() -> None:
    model = make_model(QDDETR, with_text=False)
    samples = [make_sample(4, [[0.0, 4.0]], video_id=query, query=None) for query in QUERIES]
    losses = model(**make_batch(model, [4, 4, 4], None, samples), mode="loss")
    assert losses["loss_negative"].item() == 0.0
    assert losses["loss_rank"].item() > 0


def test_the_saliency_depends_on_the_query() -> None:
    model = make_model(QDDETR).eval()
    video = torch.randn(1, 6, VIDEO_DIM)
    said = [model(dict(visual=video, text=torch.randn(1, 3, TEXT_DIM)))[0].saliency for _ in range(2)]
    assert not torch.allclose(*said, atol=1e-3)


def test_references_begin_where_they_are_learnt_to() -> None:
    """A new model corrects nothing: both layers begin with the learned spans."""
    model = QDDETR(visual_encoder=Precomputed(VIDEO_DIM), loss=QDDETRLoss(), dim=8, num_heads=2)
    assert model.decoder.refine is not None
    assert not model.decoder.refine.layers[-1].weight.any()


def test_the_number_of_parameters_is_derived() -> None:
    d, f, k, video, text = 256, 1024, 10, 2816, 512
    norm, linear = 2 * d, d * d + d
    feedforward = 2 * d * f + d + f + 1  # the slope of PReLU
    inputs = sum(2 * dim + dim * d + d + norm + linear for dim in (video + 2, text))
    encoders = 4 * (4 * linear + feedforward + 2 * norm)
    layers = 2 * (12 * linear + feedforward + 3 * norm) + linear + norm
    spans = (2 * linear) + (2 * linear) + (linear + d + 1) + (2 * linear + 2 * d + 2) + 2 * k
    heads = (2 * d + 2) + (2 * linear + 2 * d + 2) + 2 * linear + 2 * d
    model = QDDETR(
        visual_encoder=Precomputed(video),
        text_encoder=Precomputed(text, modality="text"),
        loss=QDDETRLoss(),
    )
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == inputs + encoders + layers + spans + heads == 7_576_869


def test_text_layers_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="num_text_layers must be at least 1, got 0"):
        make_model(QDDETR, num_text_layers=0)
