"""vidkit transcribe: speech or screen text of videos into caption files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidkit.commands.frame import SOME_FAILED, Quiet, command, progress, say, sentence

if TYPE_CHECKING:
    from vidkit.media import Caption

_Read = Callable[[Path, Callable[[float], None]], "list[Caption]"]


@command
def transcribe(
    videos: Annotated[list[Path], typer.Argument(help="Video files, folders, or .txt lists of paths.")],
    source: Annotated[
        Literal["speech", "screen"], typer.Option("--source", help="What is said, or what is written.")
    ] = "speech",
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="Of speech: folder, size or hub name of a Whisper model; small by default."
        ),
    ] = None,
    engine: Annotated[
        Literal["rapidocr", "easyocr"] | None,
        typer.Option("--engine", help="Of screen: the program that reads; rapidocr by default."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="Code such as en; of easyocr also several with commas."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the .srt files; else beside the videos.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write anew what is there.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write what is said or shown in videos into .srt files; run it again to continue.

    Example: vidkit transcribe talks --source speech --model small --language en

    Prints a line for each video. Exit code 1 if some videos could not be read; the others are done.
    """
    from vidkit.features import find_videos
    from vidkit.media.captions import write_srt

    if source == "screen" and model is not None:
        raise ValueError(f"--model is of --source speech, got --model {model} with --source screen")
    if source == "speech" and engine is not None:
        raise ValueError(f"--engine is of --source screen, got --engine {engine} with --source speech")
    targets = _targets(find_videos(videos), out)
    waiting = {video: target for video, target in targets.items() if overwrite or not target.exists()}
    for video in targets:
        if video not in waiting:
            print(f"skipped\t{video}\t{targets[video]} exists")
    if not waiting:
        return
    read = _speech_reader(model, language) if source == "speech" else _screen_reader(engine, language)
    failed = 0
    with progress("transcribe", quiet=quiet) as tell:
        for number, (video, target) in enumerate(waiting.items()):

            def told(share: float, number: int = number, name: str = video.name) -> None:
                tell((number + share) / len(waiting), name)

            try:
                captions = read(video, told)
                write_srt(target, captions)
            except (ValueError, OSError) as error:
                failed += 1
                reason = sentence(error)
                say(f"failed: {reason}" if str(video) in reason else f"failed: {video}: {reason}")
            else:
                print(f"done\t{video}\t{len(captions)} captions in {target}", flush=True)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _targets(videos: list[Path], out: Path | None) -> dict[Path, Path]:
    """Return the caption file of each video.

    Raises:
        ValueError: If two videos would write the same file.
    """
    targets: dict[Path, Path] = {}
    taken: dict[Path, Path] = {}
    for video in videos:
        target = (video.parent if out is None else out) / f"{video.stem}.srt"
        other = taken.setdefault(target, video)
        if other != video:
            raise ValueError(
                f"{other} and {video} would both write {target}; rename one, or use two --out folders"
            )
        targets[video] = target
    return targets


def _speech_reader(model: str | None, language: str | None) -> _Read:
    from vidkit.encoders.weights import is_offline
    from vidkit.media import speech

    whisper = speech.load_whisper(model or speech.DEFAULT_MODEL, offline=is_offline())
    speech.check_language(whisper, language)
    return lambda video, told: speech.transcribe(video, model=whisper, language=language, on_progress=told)


def _screen_reader(engine: Literal["rapidocr", "easyocr"] | None, language: str | None) -> _Read:
    from vidkit.media import ocr, screen_text

    program = ocr.load_ocr(engine or "rapidocr", languages=language.split(",") if language else ())
    return lambda video, told: screen_text.read_screen_text(video, engine=program, on_progress=told)
