"""Branches and their fusion against Equations 3 to 6, with parts frozen and modalities missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidkit.checkpoints import load_weights
from vidkit.data import VideoSample
from vidkit.encoders import Encoder, HashedText, Precomputed
from vidkit.encoders.base import VisualRecipe
from vidkit.tasks.topic_recognition import FittedMMFNet, JointMMFNet, MMFNet, TopicBranch

TOPICS = ["cooking", "travel", "music"]
Clips = list[Any]


class Net(Encoder):
    """A network of pictures with everything that differs between training and not."""

    modality = "visual"
    dim = 4

    def __init__(self) -> None:
        super().__init__()
        self.recipe = VisualRecipe()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))

    def encode(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs.float().mean((1, 2, 3)) / 255)


def _branch(modality: str = "audio", dim: int = 5, **options: Any) -> TopicBranch:
    torch.manual_seed(dim)
    branch = TopicBranch(Precomputed(dim, modality=modality), topics=TOPICS, **options)  # type: ignore[arg-type]
    nn.init.normal_(branch.classifier.weight)
    nn.init.normal_(branch.classifier.bias)
    return branch


def _branches() -> dict[str, TopicBranch]:
    return {
        "visual": TopicBranch(Net(), topics=TOPICS),
        "audio": _branch(),
        "text": TopicBranch(HashedText(dim=8), topics=TOPICS),
    }


def _inputs() -> dict[str, Clips]:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(256, (4, 1, 1, 6, 6, 3), generator=generator, dtype=torch.uint8)
    return {
        "visual": list(pictures),
        "audio": [torch.randn(views, 5, generator=generator) for views in (3, 1, 2, 4)],
        "text": ["a pan", "", "a song", "a train"],
    }


def _samples(labels: list[int]) -> list[VideoSample]:
    return [VideoSample(metainfo=dict(video_id=str(n), label_index=label)) for n, label in enumerate(labels)]


def test_the_scores_of_a_branch_are_equation_3() -> None:
    branch, clips = _branch(), _inputs()["audio"]
    found = branch({"audio": clips}).branches["audio"]
    for row, views in enumerate(clips):
        logits = views @ branch.classifier.weight.T + branch.classifier.bias
        torch.testing.assert_close(found[row], (logits.exp() / logits.exp().sum(1, keepdim=True)).mean(0))


def test_the_loss_of_a_branch_is_the_cross_entropy_of_one_view_a_video() -> None:
    branch, clips = _branch(), [views[:1] for views in _inputs()["audio"]]
    losses = branch({"audio": clips}, _samples([0, 2, 1, -1]), mode="loss")
    scores = branch({"audio": clips}).branches["audio"]
    torch.testing.assert_close(losses["loss_audio"], -scores[[0, 1, 2], [0, 2, 1]].log().mean())


def test_a_video_without_the_modality_is_as_likely_of_every_topic() -> None:
    (with_sound, without) = _branch()({"audio": [torch.ones(1, 5), None]}, _samples([0, 0]), mode="predict")
    assert without.pred_label.tolist() == pytest.approx([1 / 3] * 3)
    assert without.pred_modality_scores == {}
    assert with_sound.pred_modality_scores["audio"].tolist() == with_sound.pred_label.tolist()
    assert with_sound.pred_topics == tuple(TOPICS)


def test_the_scores_of_mmf_net_are_equation_4() -> None:
    net, inputs = MMFNet(_branches()), _inputs()
    found = net(inputs)
    expected = sum(
        weight * branch.eval()(inputs).fused for weight, branch in zip((1.0, 0.5, 0.5), net.branches.values())
    )
    torch.testing.assert_close(found.fused, expected / 2.0)


@pytest.mark.parametrize("kind", [MMFNet, JointMMFNet])
def test_a_missing_modality_never_changes_the_other_videos(kind: type[MMFNet]) -> None:
    net, inputs = kind(_branches()).eval(), _inputs()
    before = net(inputs)
    lacking = {
        name: [None if row == 1 else clip for row, clip in enumerate(clips)] for name, clips in inputs.items()
    }
    lacking["visual"][1] = inputs["visual"][1]
    after = net(lacking)
    others = [0, 2, 3]
    torch.testing.assert_close(after.fused[others], before.fused[others])
    for name, scores in before.branches.items():
        torch.testing.assert_close(after.branches[name][others], scores[others])
    torch.testing.assert_close(after.fused[1], before.branches["visual"][1])
    assert [bool(present[1]) for present in after.present.values()] == [True, False, False]


def test_the_branches_of_mmf_net_stay_frozen_and_in_eval_mode() -> None:
    net = MMFNet(_branches()).train()
    assert not any(module.training for module in net.branches.modules())
    assert not any(weight.requires_grad for weight in net.parameters())
    state = {name: value.clone() for name, value in net.state_dict().items()}
    net(_inputs())
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())


def test_a_frozen_encoder_gets_no_gradient_and_stays_in_eval_mode() -> None:
    branch = TopicBranch(Net(), topics=TOPICS, freeze_encoder=True).train()
    norm = branch.encoder.layers[1]
    before = norm.running_mean.clone()
    sum(branch(_inputs(), _samples([0, 1, 2, 0]), mode="loss").values()).backward()  # type: ignore[union-attr]
    assert not any(module.training for module in branch.encoder.modules())
    assert all(weight.grad is None for weight in branch.encoder.parameters())
    assert torch.equal(norm.running_mean, before)
    assert branch.classifier.weight.grad is not None
    assert branch.dropout.training


def test_a_frozen_encoder_reads_a_text_once() -> None:
    branch = TopicBranch(HashedText(dim=8), topics=TOPICS, freeze_encoder=True)
    free = TopicBranch(HashedText(dim=8), topics=TOPICS)
    load_weights(free, branch.state_dict(), source="the other")
    inputs = {"text": ["a pan", None, "", "a pan"]}
    for _ in range(2):
        torch.testing.assert_close(branch(inputs).fused, free(inputs).fused)
    assert branch._texts is not None
    assert branch._texts.num_read == 2


def test_an_encoder_that_is_not_frozen_learns() -> None:
    branch = TopicBranch(Net(), topics=TOPICS).train()
    before = branch.encoder.layers[1].running_mean.clone()
    sum(branch(_inputs(), _samples([0, 1, 2, 0]), mode="loss").values()).backward()  # type: ignore[union-attr]
    assert all(weight.grad is not None for weight in branch.parameters())
    assert not torch.equal(branch.encoder.layers[1].running_mean, before)


def test_branches_that_learn_together_without_the_fused_loss_learn_what_they_would_alone() -> None:
    samples = _samples([0, 2, 1, 0])
    together, alone = JointMMFNet(_branches(), fused_loss=0.0), _branches()
    for name, branch in alone.items():
        load_weights(together.branches[name], branch.state_dict(), source=name)
    losses = together.eval()(_inputs(), samples, mode="loss")
    assert sorted(losses) == ["loss_audio", "loss_text", "loss_visual"]
    sum(losses.values()).backward()
    for name, branch in alone.items():
        branch.eval()(_inputs(), samples, mode="loss")[f"loss_{name}"].backward()
        for key, weight in branch.named_parameters():
            torch.testing.assert_close(together.branches[name].get_parameter(key).grad, weight.grad)


def test_the_fused_loss_is_the_likelihood_of_the_fused_scores_and_reaches_every_branch() -> None:
    net, labels = JointMMFNet(_branches(), fused_loss=2.0).eval(), [0, 2, 1, 0]
    loss = net(_inputs(), _samples(labels), mode="loss")["loss_fused"]
    fused = net(_inputs()).fused
    torch.testing.assert_close(loss, -2.0 * fused[range(4), labels].log().mean())
    loss.backward()
    assert all(weight.grad is not None and bool(weight.grad.any()) for weight in net.parameters())


def test_a_batch_without_the_modality_gives_every_weight_a_gradient_of_zero() -> None:
    branch = TopicBranch(Net(), topics=TOPICS).train()
    loss = branch({"visual": [None, None]}, _samples([0, 1]), mode="loss")["loss_visual"]
    loss.backward()
    assert loss.item() == 0.0
    assert all(weight.grad is not None and not bool(weight.grad.any()) for weight in branch.parameters())


def test_mmf_net_takes_the_checkpoints_of_its_branches(tmp_path: Path) -> None:
    trained = _branches()
    for name, branch in trained.items():
        torch.save({"state_dict": branch.state_dict()}, tmp_path / f"{name}.pth")
    fresh = _branches()
    for name, branch in fresh.items():
        branch.weights = str(tmp_path / f"{name}.pth")
    net = MMFNet(fresh)
    net.init_weights()
    for name, branch in trained.items():
        for key, value in branch.state_dict().items():
            assert torch.equal(net.branches[name].state_dict()[key], value)
    torch.save({"state_dict": net.state_dict()}, tmp_path / "fused.pth")
    alone = _branch(weights=f"{tmp_path / 'fused.pth'}#branches.audio.")
    alone.init_weights()
    assert torch.equal(alone.classifier.weight, trained["audio"].classifier.weight)


def test_mmf_net_is_not_put_together_of_branches_that_nobody_trained() -> None:
    with pytest.raises(ValueError, match=r"visual has no weights; .* model.branches.visual.weights=FILE"):
        MMFNet(_branches()).init_weights()
    JointMMFNet(_branches()).init_weights()  # learns them


def test_a_checkpoint_of_other_topics_or_another_order_is_refused() -> None:
    state = _branch().state_dict()
    for topics in (["cooking", "travel", "sports"], ["travel", "cooking", "music"]):
        other = TopicBranch(Precomputed(5, modality="audio"), topics=topics)
        with pytest.raises(ValueError, match="trained on other topics than these 3, or in another order"):
            load_weights(other, state, source="run.pth")
    with pytest.raises(ValueError, match=r"run\.pth does not fit TopicBranch"):
        load_weights(_branch(dim=6), state, source="run.pth")


def test_fitted_weights_are_in_the_checkpoint_and_those_of_the_config_are_not() -> None:
    net = FittedMMFNet({"visual": _branch("visual", 4), "audio": _branch()})
    samples = _samples([0, 1, 2, -1])
    for sample in samples:
        label = sample.label_index
        sample.pred_modality_scores = {"visual": torch.tensor([0.4, 0.3, 0.3])}
        if label != 2:  # a video without sound
            sample.pred_modality_scores["audio"] = torch.eye(3)[label]
    told = net.fit(samples)
    assert net.weights.tolist() == [0.0, 1.0]  # the video without sound goes by its pictures all the same
    assert told.startswith("weights of the branches, fitted to 3 videos: visual ")
    again = FittedMMFNet({"visual": _branch("visual", 4), "audio": _branch()})
    load_weights(again, net.state_dict(), source="run.pth")
    assert torch.equal(again.weights, net.weights)
    assert "weights" not in MMFNet({"visual": _branch("visual", 4)}).state_dict()
    with pytest.raises(ValueError, match="fitted to videos with a topic, and there are none"):
        net.fit(samples[3:])


def test_a_branch_that_is_none_is_left_out() -> None:
    net = MMFNet({"visual": _branch("visual", 4), "audio": None})
    assert list(net.encoders()) == ["visual"]


def test_wrong_models_are_told() -> None:
    with pytest.raises(TypeError, match="encoder must be an encoder, got Linear"):
        TopicBranch(nn.Linear(2, 2), topics=TOPICS)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"needs at least two topics, got \['cooking'\]"):
        TopicBranch(Precomputed(2), topics=["cooking"])
    with pytest.raises(ValueError, match="give a branch of pictures, sound or text"):
        MMFNet({"visual": None})
    with pytest.raises(TypeError, match="branch audio must be a TopicBranch, got Precomputed"):
        MMFNet({"audio": Precomputed(2)})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="branch visual: Precomputed reads audio, not visual"):
        MMFNet({"visual": _branch()})
    with pytest.raises(ValueError, match="branches audio and visual have different topics"):
        MMFNet({"audio": _branch(), "visual": TopicBranch(Precomputed(2), topics=["a", "b"])})
    with pytest.raises(ValueError, match="fused_loss weighs a loss and must be at least 0, got -1"):
        JointMMFNet({"audio": _branch()}, fused_loss=-1)
    with pytest.raises(ValueError, match="MMFNet has no steps to train"):
        MMFNet({"audio": _branch()})(_inputs(), _samples([0] * 4), mode="loss")
    with pytest.raises(ValueError, match="the model reads audio, the batch has: text"):
        _branch()({"text": ["a"]})
