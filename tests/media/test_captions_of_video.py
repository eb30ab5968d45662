"""Captions of a video: the files beside it and the tracks in it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vidkit.media.captions import (
    Caption,
    caption_file,
    find_captions,
)


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _video(path: Path, *, track: Path | None = None, offset: float = 0.0) -> Path:
    """Write 4 s of grey at 10 fps from ``offset`` on, with the text file ``track`` as a track."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        packets = []
        if track is not None:
            with av.open(str(track)) as source:
                text = container.add_stream_from_template(source.streams[0])
                packets = [packet for packet in source.demux() if packet.pts is not None]
        for index in range(40):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 99, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index + round(offset * 10), Fraction(1, 10)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for packet in packets:
            packet.stream = text
            packet.pts = packet.dts = packet.pts + round(offset / packet.time_base)
            container.mux(packet)
    return path


def test_the_first_of_the_files_beside_a_video_counts(tmp_path: Path) -> None:
    video = _video(tmp_path / "talk [a].mp4")
    assert find_captions(video) == []
    _write(tmp_path, "talk [a].json", '{"fps": 25}')
    _write(tmp_path, "talk [a] 2.srt", "broken")
    _write(tmp_path, "talk [a].forced subs.srt", "broken")
    assert find_captions(video) == []
    names = ["talk [a].de.srt", "talk [a].en-US.vtt", "talk [a].json", "talk [a].vtt", "talk [a].SRT"]
    for name in names:
        if name.endswith("json"):
            _write(tmp_path, name, json.dumps({"segments": [{"start": 0, "end": 1, "text": name}]}))
        else:
            head = "WEBVTT\n\n" if name.endswith("vtt") else ""
            _write(tmp_path, name, f"{head}00:00.000 --> 00:01.000\n{name}\n")
        assert find_captions(video) == [Caption(0, 1, name)]


def test_a_broken_file_beside_a_video_is_an_error(tmp_path: Path) -> None:
    video = _video(tmp_path / "a.mp4")
    broken = _write(tmp_path, "a.json", '{"segments": [{"start"')
    with pytest.raises(ValueError, match=r"a\.json, line 1: not valid JSON"):
        find_captions(video)
    broken.write_text("not json at all")
    assert find_captions(video) == []


@pytest.mark.parametrize("offset", [0.0, 2.0])
def test_text_tracks_are_read_relative_to_the_first_frame(tmp_path: Path, offset: float) -> None:
    text = "1\n00:00:00,500 --> 00:00:01,500\n<i>Hello</i>\n\n2\n00:00:02,000 --> 00:00:03,500\nKüsse\n"
    video = _video(tmp_path / "a.mkv", track=_write(tmp_path, "text.srt", text), offset=offset)
    assert find_captions(video) == [Caption(0.5, 1.5, "Hello"), Caption(2.0, 3.5, "Küsse")]


def test_overrides_and_drawings_of_ass_are_not_text(tmp_path: Path) -> None:
    text = r"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.50,0:00:01.50,Default,Ann,0,0,0,,{\an8\i1}Hello,\Nworld{\i0}
Dialogue: 0,0:00:01.50,0:00:02.50,Default,,0,0,0,,{\p1}m 0 0 l 100 0{\p0}
"""
    video = _video(tmp_path / "a.mkv", track=_write(tmp_path, "text.ass", text))
    assert find_captions(video) == [Caption(0.5, 1.5, "Hello, world")]


def test_the_text_track_of_a_real_mp4_is_read(real_data: Path) -> None:
    captions = find_captions(real_data / "videos" / "nasa_13013.mp4")
    assert [(caption.start, caption.end) for caption in captions] == [
        (0.21, 4.26),
        (4.26, 8.35),
        (8.35, 12.47),
        (12.47, 16.57),
    ]
    assert captions[2].text == "at NASA’s Goddard Space Flight Center in Greenbelt, Maryland."


def test_a_folder_of_captions_goes_before_what_lies_beside_the_video(tmp_path: Path) -> None:
    video, folder = _video(tmp_path / "talk.mp4"), tmp_path / "captions"
    folder.mkdir()
    beside = _write(tmp_path, "talk.srt", "00:00.000 --> 00:01.000\nbeside\n")
    assert find_captions(video, folder=folder) == [Caption(0, 1, "beside")]
    assert caption_file(video, folder=folder) == beside
    _write(folder, "other.srt", "00:00.000 --> 00:01.000\nother\n")
    _write(folder, "talk.json", '{"fps": 25}')
    assert find_captions(video, folder=folder) == [Caption(0, 1, "beside")]
    named = _write(folder, "talk.de.vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\ndrinnen\n")
    assert find_captions(video, folder=folder) == [Caption(0, 1, "drinnen")]
    assert caption_file(video, folder=folder) == named
    _write(folder, "talk.srt", "")
    assert find_captions(video, folder=folder) == []


def test_a_folder_of_captions_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder of captions at .*none"):
        find_captions(_video(tmp_path / "talk.mp4"), folder=tmp_path / "none")
