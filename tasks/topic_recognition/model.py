"""MMF-Net: the late fusion of a branch for each modality.

Shapes: B videos, K topics.
Section and equation numbers are those of the paper (see README.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from vidkit.data import VideoSample
from vidkit.encoders import Encoder
from vidkit.registry import MODELS
from vidkit.tasks.topic_recognition.branch import (
    Inputs,
    TopicBranch,
    TopicModel,
    TopicScores,
    label_of,
)
from vidkit.tasks.topic_recognition.fusion import checked_weights, fit_weights, fuse
from vidkit.tasks.topic_recognition.loss import NO_LABEL, FusedTopicLoss


@MODELS.register_module()
class MMFNet(TopicModel):
    """Multi-modality fusion network: the weighted mean of what trained branches say.

    Equation 4 of the paper, which sets the weights by hand. The branches come trained, by their ``weights``;
    they are frozen and in eval mode. A modality that a video lacks gives its weight to the others.

    Args:
        branches: ``TopicBranch`` by modality; None leaves one out.
        weights: Of the branches, by modality; those that are not given are the paper's: 1 for pictures, 0.5
            for sound and for text.
        data_preprocessor: Moves batches; mmengine's by default.

    Raises:
        TypeError: If a branch is none.
        ValueError: If there is no branch, their topics differ, a branch reads something else than its name
            says, or weights are wrong.
    """

    weights: Tensor
    needs_trained_branches: ClassVar[bool] = True

    def __init__(
        self,
        branches: Mapping[str, TopicBranch | None],
        *,
        weights: Mapping[str, float] | None = None,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor or BaseDataPreprocessor())
        given = {name: branch for name, branch in branches.items() if branch is not None}
        self.topics = _common_topics(given)
        self.branches = nn.ModuleDict(cast("dict[str, nn.Module]", given))
        # In no checkpoint: the config says them.
        self.register_buffer("weights", torch.tensor(checked_weights(weights, given)), persistent=False)
        self._freeze()

    def init_weights(self) -> None:
        """Load the checkpoints of the branches; mmengine calls this where a training starts.

        Raises:
            FileNotFoundError: If one is missing.
            ValueError: If a branch has none, or it is of other topics or another encoder.
        """
        for name, branch in self._branches().items():
            if branch.weights is None and self.needs_trained_branches:
                raise ValueError(
                    f"{type(self).__name__} fuses trained branches, and {name} has no weights; give its "
                    f"checkpoint: --cfg-options model.branches.{name}.weights=FILE"
                )
            branch.init_weights()

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoder of every branch."""
        return {name: branch.encoder for name, branch in self._branches().items()}

    def modality_weights(self) -> dict[str, float]:
        """Return the weight of every branch."""
        return dict(zip(self.branches, self.weights.tolist()))

    def train(self, mode: bool = True) -> MMFNet:
        """Keep the branches in eval mode."""
        super().train(mode)
        self.branches.eval()
        return self

    def scores(self, inputs: Inputs) -> TopicScores:
        """Return the scores of a batch: Equations 3 and 4."""
        found = [branch.scores(inputs) for branch in self._branches().values()]
        return self._fused(
            {name: scores for each in found for name, scores in each.branches.items()},
            {name: present for each in found for name, present in each.present.items()},
        )

    def losses(self, inputs: Inputs, labels: Tensor) -> dict[str, Tensor]:
        """Refuse: the branches are trained already.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"{type(self).__name__} has no steps to train: its branches are trained alone, or together by "
            "JointMMFNet; put it together with train_cfg=dict(type='FitLoop')"
        )

    def _fused(self, branches: dict[str, Tensor], present: dict[str, Tensor]) -> TopicScores:
        fused = fuse(torch.stack([*branches.values()]), torch.stack([*present.values()]), self.weights)
        return TopicScores(fused, branches, present)

    def _branches(self) -> dict[str, TopicBranch]:
        return {name: cast(TopicBranch, branch) for name, branch in self.branches.items()}

    def _freeze(self) -> None:
        self.branches.requires_grad_(False).eval()


@MODELS.register_module()
class FittedMMFNet(MMFNet):
    """MMF-Net whose weights of the branches are those of the highest mean class accuracy on some videos.

    ``vidkit train`` with ``train_cfg=dict(type="FitLoop")`` reads the videos of ``train_dataloader`` once,
    which must be others than the branches were trained on. The checkpoint holds the weights. Arguments are
    those of ``MMFNet``.
    """

    def __init__(
        self,
        branches: Mapping[str, TopicBranch | None],
        *,
        weights: Mapping[str, float] | None = None,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(branches, weights=weights, data_preprocessor=data_preprocessor)
        self.register_buffer("weights", self.weights)

    def fit(self, samples: Sequence[VideoSample]) -> str:
        """Set the weights by the predictions of videos, and return in words what they are.

        Raises:
            ValueError: If no video has a topic.
        """
        known = [sample for sample in samples if label_of(sample) != NO_LABEL]
        scores = np.zeros((len(self.branches), len(known), len(self.topics)), np.float32)
        present = np.zeros(scores.shape[:2], bool)
        for row, sample in enumerate(known):
            for place, name in enumerate(self.branches):
                if name in sample.pred_modality_scores:
                    scores[place, row] = sample.pred_modality_scores[name].numpy()
                    present[place, row] = True
        found = fit_weights(scores, present, np.array([label_of(sample) for sample in known], np.int64))
        self.weights.copy_(torch.tensor(found))
        told = ", ".join(f"{name} {weight:g}" for name, weight in zip(self.branches, found))
        return f"weights of the branches, fitted to {len(known)} videos: {told}"


@MODELS.register_module()
class JointMMFNet(MMFNet):
    """MMF-Net whose branches are trained at once, each by its own loss, and by that of the fused scores.

    Without the fused loss every branch learns what it would learn alone, in one run instead of three. Other
    arguments are those of ``MMFNet``.

    Args:
        fused_loss: Weight of the loss of the fused scores, >= 0, beside 1 for that of each branch; 0 leaves
            it out.

    Raises:
        ValueError: If ``fused_loss`` is negative, or as in ``MMFNet``.
    """

    needs_trained_branches = False

    def __init__(
        self,
        branches: Mapping[str, TopicBranch | None],
        *,
        weights: Mapping[str, float] | None = None,
        fused_loss: float = 1.0,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(branches, weights=weights, data_preprocessor=data_preprocessor)
        if not fused_loss >= 0:
            raise ValueError(f"fused_loss weighs a loss and must be at least 0, got {fused_loss}")
        self.fused_loss = fused_loss
        self.loss = FusedTopicLoss()

    def train(self, mode: bool = True) -> JointMMFNet:
        """Set the mode of the branches, too."""
        nn.Module.train(self, mode)
        return self

    def losses(self, inputs: Inputs, labels: Tensor) -> dict[str, Tensor]:
        """Return the loss of each branch, and of the fused scores."""
        losses: dict[str, Tensor] = {}
        scores, present = {}, {}
        for name, branch in self._branches().items():
            logits, views = branch.view_logits(inputs[name])
            losses[f"loss_{name}"] = branch.view_loss(logits, views, labels)
            scores[name], present[name] = branch.mean_scores(logits, views, len(labels))
        if self.fused_loss:
            losses["loss_fused"] = self.fused_loss * self.loss(self._fused(scores, present).fused, labels)
        return losses

    def _freeze(self) -> None:
        pass


def _common_topics(branches: Mapping[str, TopicBranch]) -> tuple[str, ...]:
    if not branches:
        raise ValueError("give a branch of pictures, sound or text, or several of them")
    for name, branch in branches.items():
        if not isinstance(branch, TopicBranch):
            raise TypeError(f"branch {name} must be a TopicBranch, got {type(branch).__name__}")
        if branch.modality != name:
            raise ValueError(
                f"branch {name}: {type(branch.encoder).__name__} reads {branch.modality}, not {name}"
            )
    first, *others = branches.items()
    for name, branch in others:
        if branch.topics != first[1].topics:
            raise ValueError(
                f"branches {first[0]} and {name} have different topics; give them the same, in one order"
            )
    return first[1].topics
