"""A stretch of a video -> an mp4 file with the coded streams as they are, from a key frame on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import av.error
from av.container import OutputContainer

from vidkit.media.container import choose_stream, open_container
from vidkit.media.errors import DamagedError
from vidkit.media.span import SEEK_BACK_SECONDS, TAIL_SECONDS, Source
from vidkit.media.transcode import Transcoded, open_output, warn_if_short

_EPS_SECONDS = Fraction(1, 1_000_000)
_LONGEST_DELAY = 32  # frames between decoding and showing; H.264 allows 16


def copy_streams(
    source: Source, target: Path, *, start: float, end: float, title: str | None = None
) -> Transcoded:
    """Copy the coded pictures and sound from the last key frame at or before ``start`` until ``end``.

    Raises:
        ValueError: If mp4 cannot hold the streams as they are; the message says how to go on.
        MediaError: If there is no key frame to begin with.
        OSError: If the file cannot be written.
    """
    pictures = _pictures(source, start, Fraction(end))
    picture: Any = next(pictures, None)
    if picture is None:
        raise DamagedError(
            f"{source.path} has no key frame to begin with for {start:.3f} s; it may be cut off"
        )
    zero = _seconds(picture, source)
    sounds = _sounds(source, zero, Fraction(end))
    sound: Any = next(sounds, None)
    num_frames, last, has_audio = 0, zero, sound is not None
    with open_output(target, title=title) as container:
        video = _copied_stream(container, picture.stream, source)
        audio = _copied_stream(container, sound.stream, source) if has_audio else None
        while picture is not None or sound is not None:
            if sound is None or (picture is not None and _order(picture) <= _order(sound)):
                length = _length(picture, source)
                last = max(last, _seconds(picture, source) + length)
                # A transport stream stores no lengths; mp4 hides a last picture that has none.
                picture.duration = max(round(length / picture.time_base), 1)
                num_frames += 1
                _mux(container, picture, video, source.zero + zero)
                picture = next(pictures, None)
            else:
                _mux(container, sound, audio, source.zero + zero)
                sound = next(sounds, None)
    warn_if_short(source, end, last)
    return Transcoded(float(zero), float(last), num_frames, has_audio)


def _pictures(source: Source, start: float, end: Fraction) -> Iterator[Any]:
    """Yield packets in the order of coding, from the key frame on to the last one needed before ``end``."""
    beyond: list[Any] = []  # shown after the end, but a picture before it may be built on them
    key: Any = None
    for packet in _from_key_frame(source, start):
        key = key or packet
        if _order(packet) - source.zero >= end - _EPS_SECONDS:
            return
        if packet.pts < key.pts:  # needs pictures before the key frame
            continue
        beyond.append(packet)
        if _seconds(packet, source) < end - _EPS_SECONDS:
            yield from beyond
            beyond = []


def _from_key_frame(source: Source, start: float) -> Iterator[Any]:
    """Yield the packets from the last key frame at or before ``start`` on."""
    for seconds_back in (*SEEK_BACK_SECONDS, None):
        run: list[Any] = []  # from a key frame on: at most the pictures up to the next
        shown_until = Fraction(0)
        packets = _packets(source, "video", start, seconds_back)
        for packet in packets:
            if packet.pts is None:
                raise ValueError(f"{source.path}: pictures have no times of their own; use mode='accurate'")
            shown_until = max(shown_until, _seconds(packet, source) + _length(packet, source))
            if packet.is_keyframe and _seconds(packet, source) <= Fraction(start) + _EPS_SECONDS:
                run = []
            if packet.is_keyframe or run:
                run.append(packet)
            if packet.dts is None and len(run) > _LONGEST_DELAY:
                raise ValueError(f"{source.path} stores no decoding times; use mode='accurate'")
            if packet.dts is not None and _order(packet) - source.zero > Fraction(start) + _EPS_SECONDS:
                break  # no later key frame is shown before the start
        if run and shown_until + TAIL_SECONDS <= start:  # the file is cut off
            return
        if run and _seconds(run[0], source) <= Fraction(start) + _EPS_SECONDS:
            _fill_decoding_times(run, source)
            yield from run
            yield from packets
            return


def _sounds(source: Source, start: Fraction, end: Fraction) -> Iterator[Any]:
    """Yield the packets of sound that begin in [start, end)."""
    for seconds_back in (*SEEK_BACK_SECONDS, None):
        packets = (p for p in _packets(source, "audio", float(start), seconds_back) if p.pts is not None)
        head = next(packets, None)
        if seconds_back is not None and (head is None or _seconds(head, source) > start):
            continue
        packet = head
        while packet is not None and _seconds(packet, source) < end - _EPS_SECONDS:
            if _seconds(packet, source) >= start - _EPS_SECONDS:
                packet.dts = packet.pts if packet.dts is None else packet.dts
                yield packet
            packet = next(packets, None)
        return


def _packets(
    source: Source, kind: Literal["video", "audio"], start: float, seconds_back: int | None
) -> Iterator[Any]:
    """Yield the packets of a stream, from about ``seconds_back`` before ``start`` or from the first on."""
    with open_container(source.path) as container:
        stream = choose_stream(container, source.path, kind, None)
        if stream is None or (seconds_back is not None and start <= seconds_back):
            return
        if seconds_back is not None:
            target = source.zero + Fraction(start) - seconds_back
            try:
                container.seek(math.floor(target / stream.time_base), stream=stream)
            except av.error.FFmpegError:  # no way to seek in this file
                return
        yield from (packet for packet in container.demux(stream) if packet.size)


def _fill_decoding_times(run: list[Any], source: Source) -> None:
    """Give the first packets after a seek the decoding times that the container does not store."""
    known = next((number for number, packet in enumerate(run) if packet.dts is not None), None)
    if known is None:
        raise ValueError(f"{source.path} stores no decoding times; use mode='accurate'")
    for number in range(known - 1, -1, -1):
        packet = run[number]
        packet.dts = run[number + 1].dts - max(round(1 / source.fps / packet.time_base), 1)


def _copied_stream(container: OutputContainer, template: Any, source: Source) -> Any:
    try:
        return container.add_stream_from_template(template)
    except ValueError as error:
        raise ValueError(
            f"{source.path}: an mp4 file cannot hold its {template.codec_context.name} stream as it is; "
            "use mode='accurate'"
        ) from error


def _mux(container: OutputContainer, packet: Any, stream: Any, zero: Fraction) -> None:
    shift = round(zero / packet.time_base)
    packet.pts -= shift
    packet.dts -= shift
    packet.stream = stream
    container.mux(packet)


def _seconds(packet: Any, source: Source) -> Fraction:
    return Fraction(packet.pts * packet.time_base) - source.zero


def _length(packet: Any, source: Source) -> Fraction:
    return Fraction((packet.duration or 0) * packet.time_base) or 1 / source.fps


def _order(packet: Any) -> Fraction:
    return Fraction((packet.pts if packet.dts is None else packet.dts) * packet.time_base)
