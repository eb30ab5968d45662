"""What a user writes on the command line -> encoders and videos."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vidkit.encoders.base import Encoder
from vidkit.registry import ENCODERS, ConfigError
from vidkit.registry.builder import check, signature_keys

# Suffixes by which videos in a folder are known; a file that is named itself may have any other.
_SUFFIXES = ".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv"
VIDEO_SUFFIXES = frozenset(_SUFFIXES.split(" "))

_FOLDER = "folder"  # the key that names the folder of the features, no argument of an encoder
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def parse_encoder_spec(spec: str) -> dict[str, Encoder]:
    """Return the encoders that ``SPEC[,SPEC]`` names, keyed by their folder in the feature store.

    SPEC is NAME or ``NAME:key=value;key=value``. ``folder=NAME`` names the folder; by default it is that of
    ``Encoder.store_name``. A value is a Python literal (``8``, ``(8, 8)``, ``None``,
    ``"text"``), else it is taken as text. Commas and semicolons inside brackets or quotes do not separate.

    Raises:
        ConfigError: If a name or key is unknown, or something stands twice; the message has the nearest
            right name.
        ValueError: If an encoder refuses a value.

    Example:
        >>> list(parse_encoder_spec("LogMelAudio,HashedText"))
        ['LogMelAudio', 'HashedText']
    """
    encoders: dict[str, Encoder] = {}
    for config in _configs(spec):
        name, folder = config["type"], config.pop(_FOLDER, None)
        encoder: Encoder = ENCODERS.build(config, path=f"encoder {name}")
        folder = encoder.store_name if folder is None else str(folder)
        if folder in encoders:
            raise ConfigError(f"encoder {name!r} stands twice in {spec!r}; name it once")
        encoders[folder] = encoder
    return encoders


def random_encoders(spec: str) -> list[str]:
    """Return the names of the encoders in ``SPEC[,SPEC]`` that could have weights and are given none.

    Nothing is built: names and keys are checked.

    Raises:
        ConfigError: If a name or key is unknown, or something stands twice.

    Example:
        >>> random_encoders("CNN14:variant=16k,LogMelAudio")
        ['CNN14']
    """
    names = []
    for config in _configs(spec):
        config.pop(_FOLDER, None)
        check(config, ENCODERS, path=f"encoder {config['type']}")
        if "weights" in signature_keys(ENCODERS.get(config["type"]))[0] and config.get("weights") is None:
            names.append(config["type"])
    return names


def _configs(spec: str) -> Iterator[dict[str, Any]]:
    for part in _split(spec, ","):
        name, colon, text = part.partition(":")
        if not name.strip() or (colon and not text.strip()):
            raise ConfigError(f"encoder {part!r} in {spec!r}: write NAME or NAME:key=value;key=value")
        yield {"type": name.strip(), **_parse_arguments(text, part)}


def find_videos(paths: Iterable[str | Path]) -> list[Path]:
    """Return the videos that files, folders and lists name, each once, in the order of ``paths``.

    A folder stands for all files in it and below with a video's suffix, sorted, hidden ones left out. A
    ``.txt`` file is a list with one path a line; ``#`` begins a comment line; a relative path counts from
    where the command runs, or from the list's folder if it is not there. What a list names need not exist:
    the job over it records what is missing.

    Raises:
        FileNotFoundError: If one of ``paths`` does not exist.
        ValueError: If a folder or a list holds no video, or nothing is given.
    """
    videos: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"no such file or folder: {path}; check the path")
        videos.update(dict.fromkeys(_videos_of(path)))
    if not videos:
        raise ValueError("no videos are given; name files, folders or .txt lists of paths")
    return list(videos)


def _videos_of(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(_walk(path))
        if not found:
            known = " ".join(sorted(VIDEO_SUFFIXES))
            raise ValueError(f"no videos in the folder {path}; known suffixes: {known}")
        return found
    if path.suffix.lower() != ".txt":
        return [path]
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no list of videos: it is not UTF-8 text ({error.reason})") from error
    found = []
    for line in lines:
        if line and not line.startswith("#"):
            entry = Path(line)
            beside = path.parent / entry
            entry = beside if not entry.exists() and beside.exists() else entry
            found += _videos_of(entry) if entry.is_dir() else [entry]
    if not found:
        raise ValueError(f"the list {path} names no videos; write one path a line")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in VIDEO_SUFFIXES:
                yield Path(place) / name


def _parse_arguments(text: str, part: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for item in _split(text, ";") if text.strip() else []:
        key, equals, value = (piece.strip() for piece in item.partition("="))
        if not (key.isidentifier() and equals):
            raise ConfigError(f"encoder {part!r}: {item.strip()!r} is not key=value")
        if key in arguments or key == "type":
            raise ConfigError(f"encoder {part!r}: {key!r} stands twice; give it once")
        arguments[key] = _parse_value(value)
    return arguments


def _parse_value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _split(text: str, separator: str) -> list[str]:
    """Split at the separators outside brackets and quotes.

    Example:
        >>> _split("a:x=(1,2),b:y='p,q'", ",")
        ['a:x=(1,2)', "b:y='p,q'"]
    """
    parts = [""]
    open_brackets: list[str] = []
    quote = ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in _BRACKETS.values():
            open_brackets.append(sign)
        elif open_brackets and _BRACKETS.get(sign) == open_brackets[-1]:
            open_brackets.pop()
        elif sign == separator and not open_brackets:
            parts.append("")
            continue
        parts[-1] += sign
    if quote or open_brackets:
        raise ConfigError(f"{text!r}: {(quote or open_brackets[-1])} is never closed")
    return parts
