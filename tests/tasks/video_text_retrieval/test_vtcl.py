"""VTCL: what goes into an embedding, what is trained, and what a batch cannot change."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel
from vtcl_cases import DIM, batch, vtcl

from vidkit.data import VideoSample
from vidkit.encoders import TSN, HashedText, LogMelAudio, MiniLM, PixelVisual, Precomputed
from vidkit.encoders.frozen_texts import FrozenTexts
from vidkit.tasks.video_text_retrieval import VTCL, TitleContrast


def _mlp(x: torch.Tensor, mlp: nn.Module) -> torch.Tensor:
    first, second = mlp.layers
    return second.weight @ torch.relu(first.weight @ x + first.bias) + second.bias


def test_a_video_is_two_layers_on_the_joined_means_of_its_views() -> None:
    model, given = vtcl(), batch()
    found = model(**given)
    inputs = given["inputs"]
    for row in range(6):
        words = HashedText(dim=24)([inputs["text"][row]])[0]
        joined = torch.cat([inputs["visual"][row].mean(0), inputs["audio"][row].mean(0), words])
        torch.testing.assert_close(found.videos[row], _mlp(joined, model.project_video))
        title = HashedText(dim=24)([given["data_samples"][row].title])[0]
        torch.testing.assert_close(found.titles[row], _mlp(title, model.project_title))


def test_features_that_are_to_be_normalised_have_length_1() -> None:
    model, given = vtcl("visual", normalized=["visual"]), batch()
    mean = given["inputs"]["visual"][0].mean(0)
    expected = _mlp(mean / mean.norm(), model.project_video)
    torch.testing.assert_close(model(**given).videos[0], expected)


@pytest.mark.parametrize("modalities", ["visual", "audio", "text", "visual audio", "visual audio text"])
def test_any_subset_of_modalities_gives_one_loss_and_gradients(modalities: str) -> None:
    model = vtcl(modalities)
    losses = model(**batch(), mode="loss")
    assert list(losses) == ["loss_contrast"]
    losses["loss_contrast"].backward()
    assert all((weight.grad != 0).any() for weight in model.parameters())


def test_predictions_have_unit_length_and_the_cosine_with_every_topic() -> None:
    model, given = vtcl(topics=["whale", "onion"]), batch()
    found = model(**given)
    samples = model.eval()(**given, mode="predict")
    topics = nn.functional.normalize(model.embed_titles(["whale", "onion"]), dim=-1)
    for row, sample in enumerate(samples):
        unit = found.videos[row] / found.videos[row].norm()
        torch.testing.assert_close(sample.pred_embedding, unit)
        torch.testing.assert_close(sample.pred_label, topics @ unit)
        assert sample.pred_topics == ("whale", "onion")
    title = found.titles[0] / found.titles[0].norm()
    torch.testing.assert_close(samples[0].pred_title_embedding, title)


def test_what_one_video_lacks_changes_no_other_video() -> None:
    model, given = vtcl(topics=["whale"]).eval(), batch()
    whole = model(**copy.deepcopy(given), mode="predict")
    given["inputs"]["audio"][2] = None
    given["inputs"]["text"][2] = None
    given["data_samples"][2].set_metainfo(dict(title=None))
    given["inputs"]["visual"][4] = given["inputs"]["visual"][4][:1]
    partly = model(**given, mode="predict")
    for row in (0, 1, 3, 5):
        torch.testing.assert_close(partly[row].pred_embedding, whole[row].pred_embedding)
        torch.testing.assert_close(partly[row].pred_title_embedding, whole[row].pred_title_embedding)
    assert partly[2].pred_title_embedding is None
    assert torch.isfinite(partly[2].pred_embedding).all()


def test_a_lacking_modality_counts_as_zeros() -> None:
    model, given = vtcl("visual audio"), batch()
    zeros = copy.deepcopy(given)
    given["inputs"]["audio"][0] = None
    zeros["inputs"]["audio"][0] = torch.zeros(1, 6)
    torch.testing.assert_close(model(**given).videos, model(**zeros).videos)


@pytest.mark.parametrize("title", [None, ""])
def test_a_video_without_title_is_no_pair(title: str | None) -> None:
    model, given = vtcl(), batch()
    given["data_samples"][1].set_metainfo(dict(title=title))
    loss = model(**given, mode="loss")["loss_contrast"]
    rest = [0, 2, 3, 4, 5]
    others = dict(
        inputs={name: [values[row] for row in rest] for name, values in given["inputs"].items()},
        data_samples=[given["data_samples"][row] for row in rest],
    )
    torch.testing.assert_close(loss, model(**others, mode="loss")["loss_contrast"])


def test_a_video_of_which_nothing_could_be_read_is_no_pair() -> None:
    model, given = vtcl(), batch()
    for values in given["inputs"].values():
        values[3] = None
    found = model(**given)
    assert found.is_pair.tolist() == [True, True, True, False, True, True]
    assert torch.isfinite(model(**given, mode="loss")["loss_contrast"])


def test_titles_of_any_script_and_of_10_000_characters_are_read() -> None:
    model, given = vtcl(), batch(4)
    titles = ["鯨魚在海裡游泳", "الحوت يسبح في البحر", "whale " * 1667, "half a character \ud800"]
    for sample, title in zip(given["data_samples"], titles):
        sample.set_metainfo(dict(title=title))
    found = model(**given)
    assert found.is_pair.all()
    assert torch.isfinite(found.titles).all()
    assert len({tuple(row.tolist()) for row in found.titles}) == 4


def test_the_language_models_are_frozen_in_eval_mode_and_read_a_text_once() -> None:
    given = batch()
    model = VTCL(visual_encoder=Precomputed(12), text_encoder=MiniLM(), loss=TitleContrast(), dim=DIM).train()
    reader = model.title_reader()
    assert reader is model.encoders()["text"]  # one of them for subtitles and titles
    assert not any(module.training for module in reader.modules())
    first = model(**given, mode="loss")["loss_contrast"]
    first.backward()
    assert all(weight.grad is None for weight in reader.parameters())
    assert model._titles.num_read == 12
    torch.testing.assert_close(model(**given, mode="loss")["loss_contrast"], first, rtol=0, atol=0)
    assert model._titles.num_read == 12


def test_what_was_read_is_forgotten_when_weights_are_loaded() -> None:
    encoder = MiniLM()
    texts = FrozenTexts(encoder)
    before = texts(["a whale"])
    encoder.load_state_dict({name: value + 0.01 for name, value in encoder.state_dict().items()})
    after = texts(["a whale"])
    assert not torch.allclose(before, after, atol=1e-3)
    torch.testing.assert_close(after, encoder(["a whale"]).detach())


def test_texts_are_read_in_any_order_and_number() -> None:
    encoder = MiniLM()
    texts = FrozenTexts(encoder)
    assert texts([]).shape == (0, 384)
    given = ["a", "a much longer text than the first one", "b", "a"]
    torch.testing.assert_close(texts(given), encoder(given).detach(), atol=1e-5, rtol=1e-4)
    assert texts.num_read == 3


def test_the_visual_encoder_is_trained_end_to_end() -> None:
    torch.manual_seed(0)
    model = VTCL(
        visual_encoder=TSN(backbone="resnet10t", num_segments=2, recipe="crops"),
        title_encoder=HashedText(dim=24),
        loss=TitleContrast(),
        dim=DIM,
    ).train()
    assert model.encoders()["visual"].training
    frames = [torch.randint(256, (1, 2, 32, 32, 3), dtype=torch.uint8) for _ in range(3)]
    samples = [VideoSample(metainfo=dict(title=title)) for title in ("a", "b", "c")]
    model(dict(visual=frames), samples, mode="loss")["loss_contrast"].backward()
    assert all(weight.grad is not None for weight in model.encoders()["visual"].parameters())


def test_a_batch_without_a_modality_has_zero_gradients_for_its_encoder() -> None:
    model = VTCL(
        visual_encoder=TSN(backbone="resnet10t", recipe="crops"),
        text_encoder=HashedText(dim=24),
        loss=TitleContrast(),
        dim=DIM,
    ).train()
    samples = [VideoSample(metainfo=dict(title=title)) for title in ("a", "b")]
    inputs: dict[str, Any] = dict(visual=[None, None], text=["a", "b"])
    model(inputs, samples, mode="loss")["loss_contrast"].backward()
    assert all(weight.grad is not None for weight in model.encoders()["visual"].parameters())


def test_what_a_model_cannot_be_made_of_is_told() -> None:
    loss = TitleContrast()
    with pytest.raises(ValueError, match="give a visual_encoder"):
        VTCL(title_encoder=HashedText(), loss=loss)
    with pytest.raises(ValueError, match="there is none; give title_encoder"):
        VTCL(visual_encoder=PixelVisual(), loss=loss)
    with pytest.raises(ValueError, match="only features; give title_encoder"):
        VTCL(text_encoder=Precomputed(4, modality="text"), loss=loss)
    with pytest.raises(ValueError, match="audio_encoder: PixelVisual reads visual, not audio"):
        VTCL(audio_encoder=PixelVisual(), title_encoder=HashedText(), loss=loss)
    with pytest.raises(ValueError, match="need a text encoder, got LogMelAudio"):
        VTCL(visual_encoder=PixelVisual(), title_encoder=LogMelAudio(), loss=loss)
    with pytest.raises(TypeError, match="visual_encoder must be an encoder, got Linear"):
        VTCL(visual_encoder=nn.Linear(2, 2), title_encoder=HashedText(), loss=loss)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="normalized lists some of visual, got 'visual'"):
        vtcl("visual", normalized="visual")
    with pytest.raises(ValueError, match="topics must be names, each once"):
        vtcl(topics=["a", "a"])
    with pytest.raises(ValueError, match="the model reads audio, the batch has: visual"):
        vtcl("visual audio")(dict(visual=[None]), None)


def _wide_model() -> VTCL:
    torch.manual_seed(0)
    model = VTCL(
        visual_encoder=TSN(backbone="resnet10t", num_segments=1, recipe="crops"),
        text_encoder=HashedText(dim=24),
        loss=TitleContrast(),
        dim=DIM,
    ).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return model


def _pixels_batch(rows: slice) -> dict[str, Any]:
    given = batch(4, seed=3)
    pixels = torch.randint(256, (4, 1, 1, 32, 32, 3), generator=torch.Generator().manual_seed(0))
    inputs: dict[str, Any] = dict(visual=list(pixels.to(torch.uint8)), text=given["inputs"]["text"])
    inputs["text"][0] = None
    samples = given["data_samples"]
    samples[2].set_metainfo(dict(title=None))
    return dict(inputs={name: each[rows] for name, each in inputs.items()}, data_samples=samples[rows])


def _gradients_of_half(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    model = _wide_model()
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    loss = wrapped(**_pixels_batch(slice(2 * rank, 2 * rank + 2)), mode="loss")["loss_contrast"]
    loss.backward()
    dist.all_reduce(loss)
    if rank == 0:
        gradients = {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}
        torch.save([loss.detach() / 2, gradients], f"{folder}/gradients.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_step_as_one_with_the_double_batch(tmp_path: Path) -> None:
    """Dropout is 0 and batch norm frozen: 64-bit agreement is not to be had, that of float32 is."""
    spawn(_gradients_of_half, args=(str(tmp_path),), nprocs=2)
    loss, gradients = torch.load(tmp_path / "gradients.pt")
    model = _wide_model()
    one = model(**_pixels_batch(slice(0, 4)), mode="loss")["loss_contrast"]
    one.backward()
    torch.testing.assert_close(loss, one.detach())
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            torch.testing.assert_close(gradients[name], weight.grad, atol=1e-5, rtol=1e-3)
