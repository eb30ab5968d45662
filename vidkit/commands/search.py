"""vidkit search: videos and times that answer a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidkit.commands.frame import Quiet, command, print_json

if TYPE_CHECKING:
    from vidkit.retrieval import Hit
    from vidkit.retrieval.entries import Kind


@command
def search(
    index: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the index.")],
    text: Annotated[str | None, typer.Argument(help="What is looked for.")] = None,
    k: Annotated[int, typer.Option("-k", "--top", help="How many answers.")] = 10,
    videos: Annotated[bool, typer.Option("--videos", help="Whole videos instead of moments.")] = False,
    example: Annotated[
        Path | None, typer.Option("--example", help="A video or picture to look for, instead of a sentence.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list on stdout.")] = False,
    quiet: Quiet = False,
) -> None:
    """Find the moments of an archive that answer a sentence, best first: score, video, time, what is said.

    Example: vidkit search archive "how to plant a rose" -k 5

    The score is the cosine of the two vectors, in [-1, 1].
    """
    from vidkit.archives import open_archive

    if (text is None) == (example is None):
        raise ValueError('give a sentence, vidkit search DIR "what to look for", or --example FILE')
    kind: Kind = "video" if videos else "moment"
    with open_archive(index) as archive:
        if text is not None:
            hits = archive.search(text, k, kind=kind)
        else:
            assert example is not None
            hits = archive.search_example(example, k, kind=kind)
    if as_json:
        print_json([hit.to_json() for hit in hits])
        return
    width = max((len(hit.video_id) for hit in hits), default=0)
    for rank, hit in enumerate(hits, start=1):
        print(f"{rank:3}  {hit.score:6.3f}  {hit.video_id:{width}}  {_times(hit)}  {hit.text}")


def _times(hit: Hit) -> str:
    return f"{_clock(hit.start)} - {_clock(hit.end)}"


def _clock(seconds: float) -> str:
    """Return seconds as a player shows them.

    Example:
        >>> _clock(75.25), _clock(3661)
        ('  1:15', '1:01:01')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:3d}:{rest:02d}"
