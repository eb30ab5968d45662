"""A task starts from the encoder that another task has trained, and from that of several tasks at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vidkit.encoders import TSN
from vidkit.multi_task import MultiTask
from vidkit.registry import ENCODERS
from vidkit.tasks.topic_recognition import TopicBranch
from vidkit.tasks.video_text_retrieval import VTCL, TitleContrast


def _encoder(weights: str | None = None) -> TSN:
    encoder: TSN = ENCODERS.build(
        dict(type="TSN", backbone="resnet10t", recipe="crops", weights=weights), path="encoder"
    )
    return encoder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, TSN]:
    """A checkpoint of one task, one of two, and the encoder in both, whose weights nobody else draws."""
    folder = tmp_path_factory.mktemp("runs")
    encoder = _encoder()
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.add_(0.1)
    topics = TopicBranch(encoder, topics=["a", "b"])
    torch.save(dict(state_dict=topics.state_dict(), meta={}), folder / "best.pth")
    retrieval = VTCL(
        visual_encoder=_encoder(), title_encoder=ENCODERS.build(dict(type="HashedText")), loss=TitleContrast()
    )
    both = MultiTask(tasks=dict(topics=topics, retrieval=retrieval))
    torch.save(dict(state_dict=both.state_dict(), meta={}), folder / "both.pth")
    return folder / "best.pth", folder / "both.pth", encoder


def test_an_encoder_of_topics_goes_into_retrieval(trained: tuple[Path, Path, TSN]) -> None:
    best, both, encoder = trained
    for weights in (f"{best}#encoder", str(best), f"{both}#tasks.retrieval.feature_encoders.visual"):
        model = VTCL(
            visual_encoder=_encoder(weights),
            title_encoder=ENCODERS.build(dict(type="HashedText")),
            loss=TitleContrast(),
        )
        loaded = model.encoders()["visual"].state_dict()
        for name, weight in encoder.state_dict().items():
            assert torch.equal(loaded[name], weight), (weights, name)
        assert all(weight.requires_grad for weight in model.encoders()["visual"].parameters())


def test_a_prefix_that_is_not_there_is_told(trained: tuple[Path, Path, TSN]) -> None:
    with pytest.raises(ValueError, match="visual_encoder"):
        _encoder(f"{trained[0]}#visual_encoder")
