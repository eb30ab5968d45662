"""The topics that a model and its data know, in the order of a model's scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vidkit.data.short_videos import read_short_videos
from vidkit.data.synth.words import TOPIC_NAMES
from vidkit.data.usv_taxonomy import USV_TOPICS

_KNOWN = {"usv": USV_TOPICS, "synthetic": TOPIC_NAMES}


def topic_names(topics: str | Path | Sequence[str]) -> tuple[str, ...]:
    """Return the names of topics in order, each once.

    Args:
        topics: The names; "usv" for the 212 of USV-1.0, "synthetic" for those of `vidkit synth`; a text file
            with one a line; or a table of short videos, .csv or .jsonl, whose topics are sorted.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a name stands twice or is empty, or there is none.

    Example:
        >>> topic_names(["cats", "dogs"]), len(topic_names("usv"))
        (('cats', 'dogs'), 212)
    """
    if isinstance(topics, (str, Path)):
        names, source = _named(str(topics)), f"{topics}: "
    else:
        names, source = tuple(topics), ""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names or not all(isinstance(name, str) and name.strip() for name in names):
        wrong = f"{twice[0]!r} stands twice" if twice else f"got {list(names)[:5]}"
        raise ValueError(f"{source}topics must be names, each once, at least one; {wrong}")
    return names


def _named(source: str) -> tuple[str, ...]:
    if source in _KNOWN:
        return _KNOWN[source]
    path = Path(source)
    if path.suffix.lower() in (".csv", ".jsonl"):
        return tuple(sorted({video.topic for video in read_short_videos(path) if video.topic is not None}))
    if not path.is_file():
        raise FileNotFoundError(
            f"no topics {source!r}: there is no such file; known sets: {', '.join(_KNOWN)}; else give names, "
            "a text file with one a line, or a table of videos with their topics"
        )
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return tuple(line.strip() for line in lines if line.strip())
