"""Two tasks in one model and data set: shared encoders, weights of losses, samples of each task, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor, nn

from vidkit.data import VideoSample
from vidkit.encoders import AdaptedFeatures, Encoder, HashedText, Precomputed
from vidkit.encoders.base import VisualRecipe, encode_clips
from vidkit.engine.runner import build_dataset
from vidkit.multi_task import MixedTasks, MultiTask, TaskMetric, TasksInTurn, task_weights
from vidkit.registry import DATASETS
from vidkit.tasks.topic_recognition import TopicBranch
from vidkit.tasks.video_text_retrieval import VTCL, TitleContrast


class Colour(Encoder):
    """A trained layer on the mean colour of a view."""

    modality = "visual"

    def __init__(self, dim: int = 5) -> None:
        super().__init__()
        self.dim, self.recipe = dim, VisualRecipe(2)
        self.layer = nn.Linear(3, dim)

    def encode(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs.float().mean((1, 2, 3)) / 255)

    def arguments(self) -> dict[str, Any]:
        return {"dim": self.dim}


def _models() -> dict[str, Any]:
    torch.manual_seed(0)
    return dict(
        topics=TopicBranch(Colour(), topics=["a", "b"]),
        retrieval=VTCL(visual_encoder=Colour(), title_encoder=HashedText(), loss=TitleContrast(), dim=4),
    )


def _batch(seed: int, num: int = 4) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    visual = [
        torch.randint(0, 256, (1, 2, 3, 3, 3), generator=generator, dtype=torch.uint8) for _ in range(num)
    ]
    samples = [
        VideoSample(metainfo=dict(video_id=f"v{n}", title=f"title {n}", label="ab"[n % 2], label_index=n % 2))
        for n in range(num)
    ]
    return dict(inputs=dict(visual=visual), data_samples=samples)


def test_models_share_the_first_ones_encoder_and_both_train_it() -> None:
    models = _models()
    first = models["topics"].encoders()["visual"]
    model = MultiTask(tasks=models, shared=["visual"])
    assert models["retrieval"].encoders()["visual"] is first
    assert len(list(model.parameters())) == len({id(weight) for weight in model.parameters()})
    grads = {}
    for name in models:
        model.zero_grad()
        sum(model(**{name: _batch(0)}, mode="loss").values()).backward()
        assert first.layer.weight.grad is not None
        grads[name] = first.layer.weight.grad.clone()
        assert grads[name].abs().max() > 0
    model.zero_grad()
    sum(model(topics=_batch(0), retrieval=_batch(0), mode="loss").values()).backward()
    torch.testing.assert_close(first.layer.weight.grad, grads["topics"] + grads["retrieval"])


def test_without_sharing_each_task_keeps_its_encoder() -> None:
    models = _models()
    MultiTask(tasks=models, shared=[])
    assert models["retrieval"].encoders()["visual"] is not models["topics"].encoders()["visual"]


def test_losses_are_those_of_the_tasks_times_their_weights() -> None:
    models = _models()
    model = MultiTask(tasks=models, weights=dict(retrieval=0.25)).train()
    losses = model(topics=_batch(0), retrieval=_batch(1), mode="loss")
    alone = {name: models[name](**_batch(seed), mode="loss") for seed, name in enumerate(models)}
    expected = {f"topics/{key}": value for key, value in alone["topics"].items()}
    expected |= {f"retrieval/{key}": 0.25 * value for key, value in alone["retrieval"].items()}
    assert losses.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(losses[key], value)


def test_a_step_of_training_moves_all_tasks() -> None:
    from mmengine.optim import OptimWrapper

    model = MultiTask(tasks=_models())
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    values = model.train_step(dict(topics=_batch(0), retrieval=_batch(1)), optimizer)
    assert set(values) >= {"loss", "topics/loss_visual", "retrieval/loss_contrast"}
    moved = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    assert {"tasks.topics.encoder.layer.weight", "tasks.topics.classifier.weight"} <= moved
    assert any(name.startswith("tasks.retrieval.project_video") for name in moved)


def test_predictions_tell_their_task_and_outputs_stand_by_task() -> None:
    model = MultiTask(tasks=_models()).eval()
    found = model.val_step(dict(topics=_batch(0, 2), retrieval=_batch(1, 3)))
    assert [sample.task for sample in found] == ["topics"] * 2 + ["retrieval"] * 3
    assert set(model(topics=_batch(0), mode="tensor")) == {"topics"}


def test_the_weights_of_one_task_load_into_its_own_model() -> None:
    model = MultiTask(tasks=_models())
    for name, own in _models().items():
        own.load_state_dict(task_weights(model.state_dict(), name))
    with pytest.raises(ValueError, match="no task 'clips' in this checkpoint; it has: retrieval, topics"):
        task_weights(model.state_dict(), "clips")


def test_what_cannot_be_shared_is_told() -> None:
    with pytest.raises(ValueError, match="shared is of visual, audio, got 'text'"):
        MultiTask(tasks=_models(), shared=["text"])
    with pytest.raises(ValueError, match=r"audio is shared by \[\]; two tasks must read audio"):
        MultiTask(tasks=_models(), shared=["audio"])
    with pytest.raises(ValueError, match="tasks are at least two models by names without dots"):
        MultiTask(tasks=dict(topics=_models()["topics"]))
    with pytest.raises(ValueError, match="weights has 'topic', which is no task; the tasks are topics, ret"):
        MultiTask(tasks=_models(), weights=dict(topic=1.0))
    other = {**_models(), "topics": TopicBranch(Colour(6), topics=["a", "b"])}
    with pytest.raises(ValueError, match=r"topics and retrieval share an encoder, so both configs must have"):
        MultiTask(tasks=other)
    with pytest.raises(ValueError, match="a batch of 'clips'; the tasks are topics, retrieval"):
        MultiTask(tasks=_models())(clips=_batch(0))


class Numbers:
    """A data set of numbers that hears of epochs."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self.metainfo = dict(kind="numbers")
        self.heard: tuple[int, int] | None = None

    def set_epoch(self, *, seed: int, epoch: int) -> None:
        self.heard = (seed, epoch)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> int:
        return self.numbers[index]


def test_mixed_tasks_have_a_sample_of_each_and_small_data_sets_begin_again() -> None:
    data = MixedTasks(datasets=dict(large=Numbers(range(10)), small=Numbers(range(100, 104))))
    assert len(data) == 10
    orders = []
    for epoch in range(2):
        data.set_epoch(seed=1, epoch=epoch)
        samples = [data[index] for index in range(10)]
        assert [sample["large"] for sample in samples] == list(range(10))
        small = [sample["small"] for sample in samples]
        assert sorted(small[:4]) == sorted(small[4:8]) == [100, 101, 102, 103]
        assert len(set(small[8:])) == 2
        assert [data[index]["small"] for index in reversed(range(10))] == small[::-1]
        orders += [small[:4], small[4:8]]
    assert len({tuple(order) for order in orders}) > 1
    assert data.datasets["small"].heard == (1, 1)


def test_tasks_in_turn_have_every_sample_once() -> None:
    data = TasksInTurn(datasets=dict(a=Numbers([1, 2]), b=Numbers([3, 4, 5])))
    assert [data[index] for index in range(len(data))] == [{"a": 1}, {"a": 2}, {"b": 3}, {"b": 4}, {"b": 5}]
    assert data.metainfo["sizes"] == {"a": 2, "b": 3}
    assert data.metainfo["tasks"]["a"] == dict(kind="numbers")
    with pytest.raises(ValueError, match="datasets has no sample of b"):
        TasksInTurn(datasets=dict(a=Numbers([1]), b=Numbers([])))
    with pytest.raises(ValueError, match="datasets has no task"):
        TasksInTurn(datasets={})


def test_a_batch_holds_a_batch_of_each_task_that_is_in_it() -> None:
    data = TasksInTurn(datasets=dict(a=Numbers([1]), b=Numbers([2])))
    sample = dict(inputs=dict(x=torch.zeros(2)), data_samples=VideoSample())
    assert list(data.collate([dict(b=sample)])) == ["b"]
    both = data.collate([dict(a=sample), dict(b=sample), dict(b=sample)])
    assert {name: len(batch["inputs"]["x"]) for name, batch in both.items()} == {"a": 1, "b": 2}


class Count(BaseMetric):
    """How many samples came."""

    default_prefix = ""

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results += [sample["value"] for sample in data_samples]

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        return dict(num=len(results), total=float(sum(results)))


def test_a_metric_reads_the_samples_of_its_task_alone() -> None:
    metric = TaskMetric(task="a", metric=Count())
    metric.dataset_meta = dict(sizes=dict(a=2, b=9), tasks=dict(a=dict(kind="x")))
    metric.process(None, [dict(task="a", value=1), dict(task="b", value=10), dict(task="a", value=2)])
    assert metric.evaluate(11) == {"a/num": 2, "a/total": 3.0}
    assert metric.metric.dataset_meta == dict(kind="x")


def test_each_data_set_gets_the_encoders_of_its_tasks_model() -> None:
    model = MultiTask(tasks=_models())

    @DATASETS.register_module(name="SeenEncoders", force=True)
    class SeenEncoders(Numbers):
        reads_raw_clips = True

        def __init__(self, *, encoders: Any) -> None:
            super().__init__([1])
            self.encoders = encoders

    settings = dict(type="MixedTasks", datasets={name: dict(type="SeenEncoders") for name in model.weights})
    data = build_dataset(settings, model, path="train_dataloader.dataset")
    for name, own in data.datasets.items():
        assert own.encoders["visual"] is model.tasks[name].encoders()["visual"]
    DATASETS.module_dict.pop("SeenEncoders")


def test_adapted_features_are_trained_and_what_they_adapt_is_not() -> None:
    encoder = AdaptedFeatures(parts=[Precomputed(3, name="a"), Precomputed(4, name="b")], dim=6)
    encoder.freeze_extracted()
    ready = torch.rand(2, 5, 7, generator=torch.Generator().manual_seed(0))
    vectors = encode_clips(encoder, ready)
    assert vectors.shape == (2, 5, 6)
    expected = ready @ encoder.layer.weight.T + encoder.layer.bias
    expected = expected - expected.mean(-1, keepdim=True)
    expected = expected / (expected.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(vectors, expected)
    (vectors * torch.arange(6)).sum().backward()
    assert encoder.layer.weight.grad is not None
    np.testing.assert_equal(encoder.arguments()["dim"], 6)
    with pytest.raises(ValueError, match=r"features to adapt must have shape \(N, 7\), got \(2, 6\)"):
        encoder(torch.zeros(2, 6))
    with pytest.raises(ValueError, match="dim must be at least 2, got 1"):
        AdaptedFeatures(parts=[Precomputed(3)], dim=1)
