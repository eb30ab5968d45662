"""vidkit index: build and change an archive of videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidkit.commands.frame import SOME_FAILED, CfgOptions, Quiet, command, print_json, progress, say
from vidkit.commands.videos import Videos, finish

if TYPE_CHECKING:
    from vidkit.retrieval import Archive, Embedder

index_app = typer.Typer(help="Build and change what vidkit search looks into.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the index.")]
ModelAndVideos = Annotated[
    list[Path],
    typer.Argument(
        metavar="[CONFIG CHECKPOINT] VIDEO...",
        help="Config and checkpoint of a model, left out with --text-only; then videos, folders, or lists.",
    ),
]
Kind = Annotated[
    Literal["auto", "exact", "ivf", "ivf_pq", "hnsw"],
    typer.Option("--kind", help="Of the index; auto goes by size and memory."),
]


@index_app.command("build")
@command
def index_build(
    videos: ModelAndVideos,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the index.")],
    text_only: Annotated[
        bool,
        typer.Option("--text-only", help="By what the videos say: their captions."),
    ] = False,
    encoder: Annotated[
        str | None, typer.Option("--encoder", metavar="SPEC", help="Text encoder; MiniLM by default.")
    ] = None,
    window_seconds: Annotated[
        float,
        typer.Option(
            "--window-seconds",
            help="Longest moment of several sentences, 0: one each; window of a model.",
        ),
    ] = 10.0,
    screen: Annotated[
        bool, typer.Option("--screen", help="Read text in the picture, too; needs the extra ocr.")
    ] = False,
    cfg_options: CfgOptions = None,
    kind: Kind = "auto",
    quiet: Quiet = False,
) -> None:
    """Index videos, so that vidkit search finds them by a sentence; run it again to continue.

    Example: vidkit index build --text-only --out archive videos

    Example: vidkit index build --out archive video_text_retrieval/vtcl_videos runs/vtcl/best.pth videos

    Without --text-only a trained model of video-text retrieval reads pictures, sound and captions.

    Exit code 1 if some videos could not be read or say nothing; the others are done.
    """
    from vidkit.features import find_videos
    from vidkit.retrieval import Archive, TextEmbedder
    from vidkit.retrieval.text_embedder import DEFAULT_ENCODER

    embedder: Embedder
    if text_only:
        if cfg_options:
            raise ValueError("--cfg-options changes the config of a model, and --text-only has none")
        found = find_videos(videos)
        embedder = TextEmbedder(
            encoder=encoder or DEFAULT_ENCODER, window_seconds=window_seconds, screen=screen
        )
    else:
        from vidkit.archives import ModelEmbedder

        if len(videos) < 3:
            raise ValueError(
                "what the videos are indexed by is not given; say CONFIG CHECKPOINT VIDEO..., by a trained "
                "model, or --text-only VIDEO..., by their captions"
            )
        if encoder is not None:
            raise ValueError("--encoder is of --text-only; a model has its own")
        config, checkpoint, *rest = videos
        found = find_videos(rest)
        ocr = ["inference.ocr=rapidocr"] if screen else []
        embedder = ModelEmbedder(
            str(config), checkpoint, options=[*(cfg_options or ()), *ocr], window_seconds=window_seconds
        )
    with Archive.build(out, embedder, kind=kind) as archive:
        _add(archive, found, replace_videos=False, compact=True, quiet=quiet)


@index_app.command("add")
@command
def index_add(
    index: Folder,
    videos: Videos,
    replace: Annotated[
        bool, typer.Option("--replace", help="Read videos anew that are in the index.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Add videos to an index, with the encoder that it was built with.

    Example: vidkit index add archive new_videos

    Exit code 1 if some videos could not be read or say nothing; the others are done.
    """
    from vidkit.archives import open_archive
    from vidkit.features import find_videos

    found = find_videos(videos)
    with open_archive(index) as archive:
        _add(archive, found, replace_videos=replace, compact=False, quiet=quiet)


@index_app.command("remove")
@command
def index_remove(
    index: Folder,
    video_ids: Annotated[list[str], typer.Argument(metavar="VIDEO_ID...", help="Stems of the videos.")],
    quiet: Quiet = False,
) -> None:
    """Remove videos from an index; the files stay.

    Example: vidkit index remove archive talk walk

    Exit code 1 if some are not there; the others are removed.
    """
    from vidkit.retrieval import Index

    with Index.open(index) as opened:
        absent = opened.remove_videos(video_ids)
    print(f"removed\t{len(set(video_ids)) - len(absent)}")
    for video_id in absent:
        say(f"failed: no video {video_id!r} in {index}; vidkit index info {index} --videos names them")
    if absent:
        raise typer.Exit(SOME_FAILED)


@index_app.command("info")
@command
def index_info(
    index: Folder,
    videos: Annotated[bool, typer.Option("--videos", help="Name the videos, too.")] = False,
    quiet: Quiet = False,
) -> None:
    """Print what an index holds, as JSON: numbers, encoder, kind of each part, its measured recall.

    Example: vidkit index info archive
    """
    from vidkit.retrieval import Index

    with Index.open(index) as opened:
        told = opened.info()
        print_json({**told, "paths": opened.videos()} if videos else told)


@index_app.command("compact")
@command
def index_compact(
    index: Folder,
    kind: Annotated[
        Literal["auto", "exact", "ivf", "ivf_pq", "hnsw"] | None,
        typer.Option("--kind", help="Of the index from now on; else it stays what it is."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Put what was added and removed into one part, and make a large index anew.

    Example: vidkit index compact archive
    """
    from vidkit.retrieval import Index

    with Index.open(index) as opened, progress("compact", quiet=quiet) as tell:
        changed = opened.compact(kind=kind, tell=tell)
    print("compacted" if changed else "nothing to do")


def _add(archive: Archive, videos: list[Path], *, replace_videos: bool, compact: bool, quiet: bool) -> None:
    """Add videos and tell what became of them."""
    with progress("index", quiet=quiet) as tell:
        report = archive.add(videos, replace_videos=replace_videos, tell=tell)
    if compact:
        with progress("compact", quiet=quiet) as tell:
            archive.index.compact(tell=tell)
    print(f"done\t{len(report.done)}")
    print(f"skipped\t{len(report.skipped)}")
    print(f"failed\t{len(report.failed)}")
    finish(report.failed)
