"""VTCL: videos and their titles in one space.

Shapes: B videos, C channels of an encoder, D channels of the space, K topics.
Section, equation and table numbers are those of the paper (see README.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import torch
from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import Tensor, nn
from torch.nn import functional as F

from vidkit.data import VideoSample, topic_names
from vidkit.encoders import Encoder, Precomputed
from vidkit.encoders.frozen_texts import FrozenTexts
from vidkit.encoders.views import encode_views, mean_over_views
from vidkit.modules import MLP
from vidkit.registry import MODELS


@dataclass(frozen=True)
class Embeddings:
    """What VTCL makes of a batch, not yet of unit length.

    Args:
        videos: (B, D).
        titles: (B, D); zeros where there is none.
        is_pair: True where there is a title, and anything of the video, (B,).
    """

    videos: Tensor
    titles: Tensor
    is_pair: Tensor


@MODELS.register_module()
class VTCL(BaseModel):
    """Video-text contrastive learning: the features of up to three modalities against that of the title.

    Section 4.3 of "USV: Towards Understanding the User-generated Short-form Videos". The features of the
    encoders, each the mean over its views of a video, are concatenated and projected by two linear layers;
    the feature of the title is projected by two others. The language models are frozen and in eval mode,
    and read each text once (``FrozenTexts``); the encoders of pictures and sound are trained.

    The paper does not give D, nor the width between the two layers: both are 512 here. A modality that a
    video lacks, sound or text, counts as zeros: there is nothing to add to the first layer's sums. A video
    without a title, or without anything, trains nothing and is no negative.

    Args:
        visual_encoder: Reads frames, or is ``Precomputed``; None leaves the modality out.
        audio_encoder: Reads sound, or is ``Precomputed``; None leaves the modality out.
        text_encoder: Reads subtitles, or is ``Precomputed``; None leaves the modality out.
        title_encoder: Reads titles; None takes ``text_encoder``.
        loss: ``TitleContrast``, or ``SymmetricTitleContrast``.
        dim: D.
        normalized: Modalities of the video whose features are scaled to length 1 before they are joined; none
            in the paper. Features that are not learnt may differ in scale by far.
        topics: Names of classes, or where they stand (``vidkit.data.topic_names``): prediction compares each
            video with them (Table 7). None compares with none.
        data_preprocessor: Moves batches; mmengine's by default.

    Raises:
        ValueError: If there is no encoder of videos, none that reads titles, or one reads something else than
            its place says.
        TypeError: If an encoder is none.
    """

    query_modality: ClassVar[str] = "title"
    """What is read of the title and not of the video: nothing of this modality is extracted."""

    def __init__(
        self,
        *,
        visual_encoder: Encoder | None = None,
        audio_encoder: Encoder | None = None,
        text_encoder: Encoder | None = None,
        title_encoder: Encoder | None = None,
        loss: nn.Module,
        dim: int = 512,
        normalized: Collection[str] = (),
        topics: str | Sequence[str] | None = None,
        data_preprocessor: nn.Module | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor or BaseDataPreprocessor())
        places = dict(visual=visual_encoder, audio=audio_encoder, text=text_encoder)
        given = {name: encoder for name, encoder in places.items() if encoder is not None}
        reads_titles = title_encoder or text_encoder
        _check_encoders(given, reads_titles)
        assert reads_titles is not None
        self.feature_encoders = nn.ModuleDict(given)
        if title_encoder is not None:
            self.title_encoder = title_encoder
        self._titles = FrozenTexts(reads_titles)
        self._subtitles = (
            self._titles
            if text_encoder is reads_titles
            else FrozenTexts(text_encoder)
            if text_encoder is not None and not isinstance(text_encoder, Precomputed)
            else None
        )
        self.project_video = MLP(sum(encoder.dim for encoder in given.values()), dim, dim)
        self.project_title = MLP(reads_titles.dim, dim, dim)
        self.loss = loss
        self.dim = dim
        self.normalized = _checked_normalized(normalized, given)
        self.topics = () if topics is None else topic_names(topics)

    def encoders(self) -> dict[str, Encoder]:
        """Return the encoder of every modality of the video."""
        return {name: cast(Encoder, encoder) for name, encoder in self.feature_encoders.items()}

    def title_reader(self) -> Encoder:
        """Return the encoder of titles."""
        return self._titles.encoder

    def train(self, mode: bool = True) -> VTCL:
        """Set the mode of what is trained; the language models stay in eval mode."""
        super().train(mode)
        for texts in (self._titles, self._subtitles):
            if texts is not None:
                texts.encoder.eval()
        return self

    def forward(
        self,
        inputs: Mapping[str, Sequence[Any]],
        data_samples: list[VideoSample] | None = None,
        mode: Literal["tensor", "loss", "predict"] = "tensor",
    ) -> Any:
        """Return losses, predictions or embeddings.

        Args:
            inputs: By modality what each of the B videos has: raw views or features (V, ...), the subtitle
                as str, or None.
            data_samples: One per video, with its ``title``; "tensor" takes None for videos without titles.
            mode: "loss" gives a dict of one scalar; "predict" the samples with ``pred_embedding`` (D,), of
                unit length, ``pred_title_embedding`` (D,), None without a title, and where the model knows
                topics ``pred_label``, the cosine with each, (K,), and ``pred_topics``, their names; "tensor"
                gives ``Embeddings``.
        """
        videos, is_there = self.embed_videos(inputs)
        samples: list[VideoSample] = data_samples or [VideoSample() for _ in is_there]
        titles, is_titled = self._embed_known([sample.get("title") for sample in samples], videos)
        embeddings = Embeddings(videos, titles, is_there & is_titled)
        if mode == "tensor":
            return embeddings
        assert data_samples is not None
        if mode == "loss":
            return {"loss_contrast": self.loss(videos, titles, embeddings.is_pair)}
        videos, titles = F.normalize(videos, dim=-1), F.normalize(titles, dim=-1)
        topics = self.embed_topics()
        for row, sample in enumerate(samples):
            sample.pred_embedding = videos[row].cpu()
            sample.set_field(titles[row].cpu() if is_titled[row] else None, "pred_title_embedding")
            if topics is not None:
                sample.pred_label = (topics @ videos[row]).cpu()
                sample.pred_topics = self.topics
        return samples

    def embed_videos(self, inputs: Mapping[str, Sequence[Any]]) -> tuple[Tensor, Tensor]:
        """Return the embeddings F_v of videos, (B, D), and which of them have anything to read, (B,)."""
        features, present = [], []
        for name, encoder in self.encoders().items():
            if name not in inputs:
                raise ValueError(f"the model reads {name}, the batch has: {', '.join(inputs) or 'nothing'}")
            means, has_views = self._features(name, encoder, inputs[name])
            features.append(F.normalize(means, dim=-1) if name in self.normalized else means)
            present.append(has_views)
        return self.project_video(torch.cat(features, dim=1)), torch.stack(present).any(dim=0)

    def embed_titles(self, titles: Sequence[str]) -> Tensor:
        """Return the embeddings F_t of N titles, or names of topics, (N, D)."""
        embeddings: Tensor = self.project_title(self._titles(titles).to(self._device()))
        return embeddings

    def embed_topics(self) -> Tensor | None:
        """Return the embeddings of the topics, of unit length, (K, D); None without any."""
        return F.normalize(self.embed_titles(self.topics), dim=-1) if self.topics else None

    def _features(self, name: str, encoder: Encoder, clips: Sequence[Any]) -> tuple[Tensor, Tensor]:
        """Return what an encoder says of each video, (B, C), zeros where it lacks the modality, and where."""
        device = self._device()
        if name == "text" and self._subtitles is not None:
            rows = [row for row, text in enumerate(clips) if text is not None]
            values = self._subtitles([clips[row] for row in rows]).to(device)
            return mean_over_views(values, torch.tensor(rows, dtype=torch.int64, device=device), len(clips))
        views = encode_views(encoder, clips)
        means, present = mean_over_views(views.features.float(), views.owners, len(clips))
        if self.training and not len(views.owners):
            # Several processes wait for a gradient of every weight, also where there was nothing to read.
            learning = [weight.sum() for weight in encoder.parameters() if weight.requires_grad]
            means = means.to(device) + 0.0 * sum(learning, torch.zeros((), device=device))
        return means.to(device), present.to(device)

    def _device(self) -> torch.device:
        return next(self.project_video.parameters()).device

    def _embed_known(self, titles: Sequence[str | None], videos: Tensor) -> tuple[Tensor, Tensor]:
        """Return the embeddings of titles, (B, D), zeros where there is none or it is empty, and where."""
        rows = [row for row, title in enumerate(titles) if title]
        place = torch.tensor(rows, dtype=torch.int64, device=videos.device)
        known = self.embed_titles([cast(str, titles[row]) for row in rows])
        is_titled = torch.zeros(len(titles), dtype=torch.bool, device=videos.device)
        is_titled[place] = True
        return known.new_zeros(len(titles), self.dim).index_copy(0, place, known), is_titled


def _check_encoders(given: Mapping[str, Encoder], reads_titles: Encoder | None) -> None:
    if not given:
        raise ValueError("give a visual_encoder, an audio_encoder, a text_encoder, or several of them")
    for name, encoder in [*given.items(), ("title", reads_titles)]:
        if encoder is not None and not isinstance(encoder, Encoder):
            raise TypeError(f"{name}_encoder must be an encoder, got {type(encoder).__name__}")
    for name, encoder in given.items():
        if encoder.modality != name:
            raise ValueError(f"{name}_encoder: {type(encoder).__name__} reads {encoder.modality}, not {name}")
    if reads_titles is None or isinstance(reads_titles, Precomputed):
        raise ValueError(
            "titles are read by title_encoder, or else by text_encoder, and there is "
            f"{'none' if reads_titles is None else 'only features'}; give title_encoder a text encoder"
        )


def _checked_normalized(normalized: Collection[str], given: Mapping[str, Encoder]) -> frozenset[str]:
    if isinstance(normalized, str) or not set(normalized) <= set(given):
        raise ValueError(f"normalized lists some of {', '.join(given)}, got {normalized!r}")
    return frozenset(normalized)
