"""One sample, as data sets yield it and models fill it in."""

from __future__ import annotations

from collections.abc import Mapping, Sized

from mmengine.structures import BaseDataElement


class VideoSample(BaseDataElement):
    """What is known and predicted of one stretch of video.

    Meta information (``VideoSample(metainfo=dict(...))``): ``video_id``, ``duration_seconds``,
    ``clip_seconds`` and what a task adds. Fields, absent where they do not apply:

    ==============================  =========================================================
    ``gt_segments, pred_segments``  (N, 2) float, start and end in seconds
    ``gt_scores, pred_scores``      (N,) float, one per segment
    ``gt_saliency, pred_saliency``  (T,) float, one per clip
    ``gt_label, pred_label``        a class index, or scores (K,)
    ``pred_embedding``              (D,) float
    ``query``                       the sentence that is asked for
    ``pred_modality_saliency``      a dict of (T,) float, the saliency by one modality alone
    ``pred_details``                a list of dicts, what else is said of each predicted segment
    ``pred_modality_scores``        a dict of (K,) float, the scores of classes by one modality alone
    ``pred_topics``                 the names of the K classes
    ``pred_facts``                  a dict, what else is said of the video
    ``pred_note``                   a sentence, such as why there is no segment
    ==============================  =========================================================

    Example:
        >>> import torch
        >>> sample = VideoSample(metainfo=dict(video_id="cat", duration_seconds=3.0, clip_seconds=1.0))
        >>> sample.gt_saliency = torch.tensor([0.0, 1.0, 0.0])
        >>> sample.video_id, sample.gt_saliency.argmax().item()
        ('cat', 1)
    """


def sample_of_features(
    features: Mapping[str, Sized], *, video_id: str, duration_seconds: float, clip_seconds: float
) -> VideoSample:
    """Return the sample of a whole video that is to be predicted from its features.

    Args:
        features: (T, D) by name, of one T.
        video_id: Name of the video.
        duration_seconds: Its length.
        clip_seconds: Length of a clip.

    Raises:
        ValueError: If the features differ in T.
    """
    lengths = {name: len(rows) for name, rows in features.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"features of {video_id} differ in their number of rows: {told}; extract them again")
    return VideoSample(
        metainfo=dict(video_id=video_id, duration_seconds=duration_seconds, clip_seconds=clip_seconds)
    )
