"""What a task says about videos, as files: prediction lines, clips and the report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from vidkit.data import VideoSample
from vidkit.export import Prediction, ReportItem, Segment, heading, write_predictions, write_report
from vidkit.media import Caption, cut_clips, find_captions

Tell = Callable[[float, str], None]
"""Called with the share of a job that is done, in [0, 1], and what is at work."""

PREDICTIONS, REPORT, CLIPS = "predictions.jsonl", "report.html", "clips"
"""Names of what stands in a folder of results."""

_FOLDER_LETTERS = 40  # of a query, in the name of the folder of its clips

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
            each segment), ``pred_modality_saliency``, ``pred_facts`` (further keys of the line) and
            ``pred_note`` where the task has them.
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
        extra={**(sample.get("pred_facts") or {}), **({} if note is None else {"note": note})},
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
        clips: Cut the segments into ``clips/*.mp4``, those of several queries each into a folder of its own,
            as ``clips/1-a-dog-jumps/*.mp4``. A segment's title, or else the query, is the title of its file.
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
    folders = _clip_folders(folder / CLIPS, predictions)
    cut: dict[int, list[Path]] = {}
    for index, prediction in enumerate(predictions if clips else ()):
        if tell is not None:
            tell(index / len(predictions), f"clips of {prediction.video_id}")
        segments = [(segment.start, segment.end) for segment in prediction.segments]
        titles = [segment.title or prediction.query for segment in prediction.segments]
        try:
            written = cut_clips(prediction.path, segments, folders[prediction.query], titles=titles)
        except ValueError as error:  # every MediaError is one
            failed[Path(prediction.path)] = f"its clips could not be cut: {error}"
        else:
            cut[index] = [clip.path for clip in written]
    if report:
        items = [
            ReportItem(
                prediction=prediction,
                captions=_captions(prediction, failed),
                curves=prediction.curves,
                clips=cut.get(index, ()),
            )
            for index, prediction in enumerate(predictions)
        ]
        write_report(folder / REPORT, items, title=title or heading(items))
    return failed


def _clip_folders(folder: Path, predictions: Sequence[Prediction]) -> dict[str | None, Path]:
    """Return where the clips of each query go: ``folder``, or a part of it if there are several queries.

    Example:
        >>> asked = [Prediction("a", "a.mp4", 9.0, "", 1.0, query=query) for query in ("A dog!", "Rain")]
        >>> [path.as_posix() for path in _clip_folders(Path("clips"), asked).values()]
        ['clips/1-a-dog', 'clips/2-rain']
    """
    queries = list(dict.fromkeys(prediction.query for prediction in predictions))
    if len(queries) < 2:
        return dict.fromkeys(queries, folder)
    words = ["-".join(re.findall(r"\w+", (query or "no query").casefold())) for query in queries]
    names = [f"{number}-{text[:_FOLDER_LETTERS].rstrip('-')}" for number, text in enumerate(words, start=1)]
    return {query: folder / name.rstrip("-") for query, name in zip(queries, names)}


def _captions(prediction: Prediction, failed: dict[Path, str]) -> Sequence[Caption]:
    """Return what the task has read, or what can be found; why it cannot be read goes into ``failed``."""
    if prediction.captions is not None:
        return prediction.captions
    try:
        return find_captions(prediction.path)
    except ValueError as error:
        failed[Path(prediction.path)] = f"its captions could not be read: {error}"
        return ()


class Part:
    """Tells the share of a whole job, from that of a part that goes from one share to another.

    Attributes:
        done: The share of the whole that is done after the part: nothing if the part told nothing.
    """

    def __init__(self, tell: Tell, first: float, last: float) -> None:
        self.done = first
        self._tell, self._first, self._last = tell, first, last

    def __call__(self, share: float, text: str) -> None:
        self.done = self._last
        self._tell(self._first + (self._last - self._first) * share, text)

    def of_video(self, share: float, video: Path) -> None:
        self(share, f"speech of {video.name}")
