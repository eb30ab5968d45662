"""Annotations of QVHighlights: windows in seconds, and three judgements of every relevant clip of 2 s.

The annotations (https://github.com/jayleicn/moment_detr, folder data) are CC BY-NC-SA 4.0; vidkit ships none.
"""

from __future__ import annotations

from pathlib import Path

from vidkit.data.moments import MomentAnnotation, read_moment_lines

QVHIGHLIGHTS_CLIP_SECONDS = 2.0


def read_qvhighlights(path: str | Path) -> list[MomentAnnotation]:
    """Return the annotations of a QVHighlights file, or of own data in its form.

    The released test file has neither windows nor clips, that of transcripts (subs_train.jsonl) no saliency;
    what is absent is None.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As ``read_moment_lines``.
    """
    return read_moment_lines(path, clip_seconds=QVHIGHLIGHTS_CLIP_SECONDS)
