"""What a task says about videos, as files: prediction lines, clips and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vidkit.data import VideoSample
from vidkit.export import Prediction, ReportItem, Segment, heading, write_predictions, write_report
from vidkit.media import Caption, cut_clips, find_captions

Tell = Callable[[float, str], None]
"""Called with the share of a job that is done, in [0, 1], and what is at work."""

PREDICTIONS, REPORT, CLIPS = "predictions.jsonl", "report.html", "clips"
"""Names of what stands in a folder of results."""

_DIGITS = 4  # of the numbers of curves, one per clip and modality: probabilities


def prediction_of(
    sample: VideoSample,
    *,
    path: Path,
    task: str,
    query: str | None,
    captions: Sequence[Caption] | None = None,
) -> Prediction:
    """Return what goes into files and reports of a sample with predicted segments and saliency.

    Args:
        sample: With ``pred_segments``, ``pred_scores`` and ``pred_saliency``; ``pred_details`` (a dict for
            each segment), ``pred_modality_saliency`` and ``pred_note`` where the task has them.
        path: The video.
        task: Name of the task.
        query: The sentence that was asked for.
        captions: What is said, where the task reads it.
    """
    segments, scores = sample.pred_segments.tolist(), sample.pred_scores.tolist()
    details = sample.get("pred_details") or [{}] * len(segments)
    curves = sample.get("pred_modality_saliency") or {}
    note = sample.get("pred_note")
    return Prediction(
        video_id=sample.video_id,
        path=str(path),
        duration=sample.duration_seconds,
        task=task,
        clip_seconds=sample.clip_seconds,
        segments=tuple(
            Segment(start, end, score, extra)
            for (start, end), score, extra in zip(segments, scores, details, strict=True)
        ),
        saliency=tuple(sample.pred_saliency.tolist()),
        query=query,
        captions=None if captions is None else tuple(captions),
        curves={
            name: tuple(round(score, _DIGITS) for score in scores.tolist()) for name, scores in curves.items()
        },
        extra={} if note is None else {"note": note},
    )


def write_results(
    predictions: Sequence[Prediction],
    *,
    out: str | Path,
    clips: bool = False,
    report: bool = False,
    title: str | None = None,
    tell: Tell | None = None,
) -> dict[Path, str]:
    """Write predictions into a folder: ``predictions.jsonl``, and what else is asked for.

    Args:
        predictions: Of videos that are still where they were.
        out: The folder; made if absent.
        clips: Cut the segments into ``clips/*.mp4``; a segment's title is the title of its file.
        report: Write the page ``report.html``.
        title: Heading of the page; None for what the task finds, "Highlights" or "Clips".
        tell: Called with the share that is done and what is at work.

    Returns:
        Videos of which a clip or the captions failed, and why; their other results are there.

    Raises:
        OSError: If the folder cannot be written or the disk is full; what is whole stays.
    """
    failed: dict[Path, str] = {}
    folder = Path(out)
    write_predictions(folder / PREDICTIONS, predictions)
    cut: dict[str, list[Path]] = {}
    for index, prediction in enumerate(predictions if clips else ()):
        if tell is not None:
            tell(index / len(predictions), f"clips of {prediction.video_id}")
        segments = [(segment.start, segment.end) for segment in prediction.segments]
        titles = [segment.title for segment in prediction.segments]
        try:
            written = cut_clips(prediction.path, segments, folder / CLIPS, titles=titles)
        except ValueError as error:  # every MediaError is one
            failed[Path(prediction.path)] = f"its clips could not be cut: {error}"
        else:
            cut[prediction.video_id] = [clip.path for clip in written]
    if report:
        items = [
            ReportItem(
                prediction=prediction,
                captions=_captions(prediction, failed),
                curves=prediction.curves,
                clips=cut.get(prediction.video_id, ()),
            )
            for prediction in predictions
        ]
        write_report(folder / REPORT, items, title=title or heading(items))
    return failed


def _captions(prediction: Prediction, failed: dict[Path, str]) -> Sequence[Caption]:
    """Return what the task has read, or what can be found; why it cannot be read goes into ``failed``."""
    if prediction.captions is not None:
        return prediction.captions
    try:
        return find_captions(prediction.path)
    except ValueError as error:
        failed[Path(prediction.path)] = f"its captions could not be read: {error}"
        return ()
