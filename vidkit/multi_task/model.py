"""A model of several tasks whose models share encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import Tensor, nn

from vidkit.data import VideoSample
from vidkit.encoders import Encoder
from vidkit.registry import MODELS

_PREFIX = "tasks."
_CAN_BE_SHARED = ("visual", "audio")


@MODELS.register_module()
class MultiTask(BaseModel):
    """Trains the models of several tasks at once: the sum of their losses, each times a weight.

    Of a modality that is shared, all models that read it use one encoder, that of the first. A batch holds a
    batch of each task (``MixedTasks``), or of some.

    Args:
        tasks: By name, the models. Each has ``encoders()`` and mmengine's modes.
        shared: Modalities, "visual", "audio" or both. Encoders of text are not shared: one task may fine-tune
            what another one keeps as it is.
        weights: Of the losses, by task; 1 where none is given.

    Raises:
        ValueError: If there are fewer than two tasks, a name is unknown, a modality is read by fewer than two
            tasks, or their encoders differ by more than their weights.
    """

    def __init__(
        self,
        *,
        tasks: Mapping[str, nn.Module],
        shared: Sequence[str] = ("visual",),
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=_EachOwn(tasks))
        if len(tasks) < 2 or any("." in name for name in tasks):
            raise ValueError(f"tasks are at least two models by names without dots, got {list(tasks)}")
        weights = dict(weights or {})
        if unknown := sorted(set(weights) - set(tasks)):
            raise ValueError(
                f"weights has {unknown[0]!r}, which is no task; the tasks are {', '.join(tasks)}"
            )
        self.tasks = nn.ModuleDict(dict(tasks))
        self.weights = {name: weights.get(name, 1.0) for name in tasks}
        for modality in shared:
            _share(tasks, modality)

    def forward(self, mode: Literal["tensor", "loss", "predict"] = "tensor", **batches: Any) -> Any:
        """Return losses, predictions or raw outputs.

        Args:
            mode: "loss" gives the losses of all tasks under "<task>/<name>", times the weights; "predict" the
                samples of all tasks with their ``task``; "tensor" the outputs by task.
            batches: By task, a batch as its model takes it.

        Raises:
            ValueError: If a batch is of no task.
        """
        if unknown := sorted(set(batches) - set(self.weights)):
            raise ValueError(f"a batch of {unknown[0]!r}; the tasks are {', '.join(self.weights)}")
        found = {name: self.tasks[name](**batch, mode=mode) for name, batch in batches.items()}
        if mode == "tensor":
            return found
        if mode == "loss":
            return {
                f"{name}/{key}": value * self.weights[name]
                for name, losses in found.items()
                for key, value in losses.items()
            }
        samples: list[VideoSample] = []
        for name, predicted in found.items():
            for sample in predicted:
                sample.set_metainfo(dict(task=name))
                samples.append(sample)
        return samples


class _EachOwn(BaseDataPreprocessor):
    """Gives each task's batch to that task's own preprocessor."""

    def __init__(self, tasks: Mapping[str, Any]) -> None:
        super().__init__()
        self._own = {
            name: model.data_preprocessor for name, model in tasks.items()
        }  # they belong to the models

    def forward(self, data: Mapping[str, Any], training: bool = False) -> dict[str, Any]:
        """Return the batches by task, prepared and on their device."""
        return {name: self._own[name](batch, training) for name, batch in data.items()}


def task_weights(weights: Mapping[str, Tensor], task: str) -> dict[str, Tensor]:
    """Return the weights of the model of one task, out of those of ``MultiTask``.

    Args:
        weights: Of a checkpoint of ``MultiTask`` (its ``state_dict``).
        task: Which.

    Raises:
        ValueError: If there is no such task in it.

    Example:
        >>> import torch
        >>> list(task_weights({"tasks.a.head.bias": torch.zeros(1), "tasks.b.x": torch.zeros(1)}, "a"))
        ['head.bias']
    """
    start = f"{_PREFIX}{task}."
    own = {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}
    if not own:
        there = {name.split(".")[1] for name in weights if name.startswith(_PREFIX)}
        raise ValueError(f"no task {task!r} in this checkpoint; it has: {', '.join(sorted(there)) or 'none'}")
    return own


def _share(tasks: Mapping[str, Any], modality: str) -> None:
    """Put the first task's encoder of a modality in the place of those of the others."""
    if modality not in _CAN_BE_SHARED:
        raise ValueError(f"shared is of {', '.join(_CAN_BE_SHARED)}, got {modality!r}")
    readers = {name: model.encoders() for name, model in tasks.items()}
    readers = {name: encoders for name, encoders in readers.items() if modality in encoders}
    if len(readers) < 2:
        raise ValueError(
            f"the encoder of {modality} is shared by {list(readers)}; two tasks must read {modality}"
        )
    (first, encoders), *others = readers.items()
    encoder = encoders[modality]
    for name, own in others:
        _check_alike(first, encoder, name, own[modality])
        _replace(tasks[name], own[modality], encoder)


def _check_alike(first: str, encoder: Encoder, name: str, other: Encoder) -> None:
    said, told = ({"type": type(one).__name__, **one.arguments()} for one in (encoder, other))
    if said != told:
        raise ValueError(
            f"{first} and {name} share an encoder, so both configs must have the same; got {said} and {told}"
        )


def _replace(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for module in model.modules():
        for name, child in module.named_children():
            if child is old:
                setattr(module, name, new)
