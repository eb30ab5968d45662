"""One branch of MMF-Net: a classifier on the encoder of one modality.

Shapes: B videos, N views of all of them, C channels of an encoder, K topics.
Section and equation numbers are those of the paper (see README.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import Tensor, nn

from vidkit.checkpoints import load_weights, read_checkpoint, state_dict_of
from vidkit.data import VideoSample, topic_names
from vidkit.encoders import Encoder
from vidkit.encoders.base import FeatureRecipe
from vidkit.encoders.frozen_texts import FrozenTexts
from vidkit.encoders.views import Views, encode_views, mean_over_views
from vidkit.registry import MODELS
from vidkit.tasks.topic_recognition.loss import NO_LABEL, TopicCrossEntropy

Mode = Literal["tensor", "loss", "predict"]
Inputs = Mapping[str, Sequence[Tensor | str | None]]
_DIGEST_BYTES = 16
_INITIAL_STD = 0.01  # of the classifiers of TSN and SlowFast in mmaction2


@dataclass(frozen=True)
class TopicScores:
    """What is said of a batch.

    Args:
        fused: Probabilities of the topics, (B, K); every topic has 1 / K where nothing is known of a video.
        branches: Those of every modality, zeros where a video lacks it, (B, K) each.
        present: Where a video has the modality, (B,) each.
    """

    fused: Tensor
    branches: dict[str, Tensor]
    present: dict[str, Tensor]


class TopicModel(BaseModel):
    """What a branch and the fused network share: prediction, and the names of the topics."""

    topics: tuple[str, ...]

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoder of every modality."""
        raise NotImplementedError

    def modality_weights(self) -> dict[str, float]:
        """Return how much each modality weighs in the fused scores."""
        return dict.fromkeys(self.encoders(), 1.0)

    def scores(self, inputs: Inputs) -> TopicScores:
        """Return the scores of a batch."""
        raise NotImplementedError

    def losses(self, inputs: Inputs, labels: Tensor) -> dict[str, Tensor]:
        """Return the losses of a batch with labels (B,)."""
        raise NotImplementedError

    def forward(
        self, inputs: Inputs, data_samples: list[VideoSample] | None = None, mode: Mode = "tensor"
    ) -> Any:
        """Return losses, predictions or scores.

        Args:
            inputs: By modality what each of the B videos has: raw views or features (V, ...), text, or None.
            data_samples: One per video, with ``label_index``, -1 or None where the topic is not known; None
                for "tensor".
            mode: "loss" gives a dict of scalars; "predict" the samples with ``pred_label``, probabilities
                (K,), ``pred_modality_scores``, those of the modalities that the video has,
                ``pred_modality_weights``, how much each weighs, and ``pred_topics``, the names; "tensor"
                gives ``TopicScores``.

        Raises:
            ValueError: If the batch lacks a modality that the model reads.
        """
        for name in self.encoders():
            if name not in inputs:
                raise ValueError(f"the model reads {name}, the batch has: {', '.join(inputs) or 'nothing'}")
        if mode == "loss":
            assert data_samples is not None
            return self.losses(inputs, _labels(data_samples, self._device()))
        found = self.scores(inputs)
        if mode == "tensor":
            return found
        assert data_samples is not None
        weights = self.modality_weights()
        for row, sample in enumerate(data_samples):
            sample.pred_label = found.fused[row].cpu()
            sample.pred_modality_scores = {
                name: scores[row].cpu() for name, scores in found.branches.items() if found.present[name][row]
            }
            sample.pred_modality_weights = weights
            sample.pred_topics = self.topics
        return data_samples

    def _device(self) -> torch.device:
        device: torch.device = next(self.parameters()).device
        return device


@MODELS.register_module()
class TopicBranch(TopicModel):
    """One branch of MMF-Net: a linear classifier on the encoder of one modality.

    Section 4.2 of "USV: Towards Understanding the User-generated Short-form Videos". The scores of a video
    are the mean over its views of the softmax over topics (Equation 3); appendix A.2 averages the logits of
    sound clips instead, where one view that is very sure outvotes the others. Training: Equations 5 and 6.

    Args:
        encoder: Of any modality, or ``Precomputed``.
        topics: Their names, or where they stand (``vidkit.data.topic_names``).
        dropout: Share of the encoder's channels that training drops, in [0, 1).
        freeze_encoder: Whether the encoder stays as it is, in eval mode and without gradients, and the
            classifier alone learns; a text is then encoded once.
        weights: A checkpoint of this branch, FILE or FILE#PREFIX, that is read when a training starts: what
            that leaves needs it no more. None leaves the encoder as it is and the classifier random.
        data_preprocessor: Moves batches; mmengine's by default.

    Raises:
        TypeError: If ``encoder`` is none.
        ValueError: If there are fewer than two topics.
    """

    topics_digest: Tensor

    def __init__(
        self,
        encoder: Encoder,
        *,
        topics: str | Sequence[str],
        dropout: float = 0.0,
        freeze_encoder: bool = False,
        weights: str | None = None,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor or BaseDataPreprocessor())
        if not isinstance(encoder, Encoder):
            raise TypeError(f"encoder must be an encoder, got {type(encoder).__name__}")
        self.topics = topic_names(topics)
        if len(self.topics) < 2:
            raise ValueError(f"a classifier needs at least two topics, got {list(self.topics)}")
        self.encoder = encoder
        self.freeze_encoder = freeze_encoder
        if freeze_encoder:
            encoder.requires_grad_(False).eval()
        reads_texts = encoder.modality == "text" and not isinstance(encoder.recipe, FeatureRecipe)
        self._texts = FrozenTexts(encoder) if freeze_encoder and reads_texts else None
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(encoder.dim, len(self.topics))
        nn.init.normal_(self.classifier.weight, std=_INITIAL_STD)
        nn.init.zeros_(self.classifier.bias)
        self.loss = TopicCrossEntropy()
        self.register_buffer("topics_digest", _digest(self.topics))
        self.weights = weights

    def init_weights(self) -> None:
        """Load the checkpoint; mmengine calls this where a training starts, before it resumes.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is of other topics or another encoder.
        """
        if self.weights is not None:
            path, _, prefix = self.weights.partition("#")
            load_weights(self, state_dict_of(read_checkpoint(path), prefix=prefix), source=self.weights)

    @property
    def modality(self) -> str:
        """What the encoder reads."""
        return self.encoder.modality

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoder, by its modality."""
        return {self.modality: self.encoder}

    def train(self, mode: bool = True) -> TopicBranch:
        """Set the mode of what is trained; a frozen encoder stays in eval mode."""
        super().train(mode)
        if self.freeze_encoder:
            self.encoder.eval()
        return self

    def view_logits(self, clips: Sequence[Tensor | str | None]) -> tuple[Tensor, Views]:
        """Return the logits of all views of a batch, (N, K), and the views."""
        if self._texts is not None:
            rows = [row for row, text in enumerate(clips) if text is not None]
            features = self._texts([cast(str, clips[row]) for row in rows])
            views = Views(features, torch.tensor(rows, dtype=torch.int64))
        else:
            with torch.no_grad() if self.freeze_encoder else nullcontext():
                views = encode_views(self.encoder, clips)
        features = views.features.to(self.classifier.weight)
        return self.classifier(self.dropout(features)), views

    def scores(self, inputs: Inputs) -> TopicScores:
        """Return the scores of a batch: Equation 3."""
        clips = inputs[self.modality]
        logits, views = self.view_logits(clips)
        scores, present = self.mean_scores(logits, views, len(clips))
        fused = torch.where(present[:, None], scores, 1 / len(self.topics))
        return TopicScores(fused, {self.modality: scores}, {self.modality: present})

    def losses(self, inputs: Inputs, labels: Tensor) -> dict[str, Tensor]:
        """Return the cross-entropy: Equations 5 and 6."""
        logits, views = self.view_logits(inputs[self.modality])
        return {f"loss_{self.modality}": self.view_loss(logits, views, labels)}

    def mean_scores(self, logits: Tensor, views: Views, num_videos: int) -> tuple[Tensor, Tensor]:
        """Return the mean softmax over the views of each video, (B, K), and which have any, (B,)."""
        return mean_over_views(logits.float().softmax(dim=-1), views.owners.to(logits.device), num_videos)

    def view_loss(self, logits: Tensor, views: Views, labels: Tensor) -> Tensor:
        """Return the cross-entropy of views."""
        loss: Tensor = self.loss(logits, views.owners.to(logits.device), labels)
        return loss + self._nothing(views)

    def _nothing(self, views: Views) -> Tensor:
        """Return 0; without views with a gradient of 0 for every weight, for which several processes wait."""
        zero = torch.zeros((), device=self._device())
        if len(views.owners):
            return zero
        learning = [weight.sum() for weight in self.encoder.parameters() if weight.requires_grad]
        return zero + 0.0 * sum(learning, zero)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Load the own buffers; a checkpoint of other topics would name the wrong ones.

        Raises:
            ValueError: If it is of other topics.
        """
        found = state_dict.get(f"{prefix}topics_digest")
        if found is not None and not torch.equal(found.cpu(), _digest(self.topics)):
            raise ValueError(
                f"the checkpoint was trained on other topics than these {len(self.topics)}, or in another "
                f"order: {', '.join(self.topics[:5])}, ...; give the topics of its config"
            )
        super()._load_from_state_dict(state_dict, prefix, *args)


def _labels(samples: Sequence[VideoSample], device: torch.device) -> Tensor:
    return torch.tensor([label_of(sample) for sample in samples], dtype=torch.int64, device=device)


def label_of(sample: VideoSample) -> int:
    index = sample.get("label_index")
    return NO_LABEL if index is None else int(index)


def _digest(topics: Sequence[str]) -> Tensor:
    text = "\n".join(topics).encode("utf-8")
    return torch.tensor(list(hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()), dtype=torch.uint8)
