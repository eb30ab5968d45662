"""The films of tools/benchmark.py: a synthetic piece, coded as most videos are, over and over."""

from __future__ import annotations

from pathlib import Path

PIECE_SECONDS = 30.0
PAUSE_SECONDS = 0.2  # the coded sound of a piece is a little longer than its pictures
FILM_SIZE = (1280, 720)
FILMS = {"short": 120, "film": 600, "long": 3 * 3600}  # seconds


def make_film(path: Path, seconds: int) -> None:
    """Write H.264 in 720p with B-frames and a key frame every 250: a synthetic piece, over and over."""
    import av

    from vidkit.files import atomic_path

    source = make_piece(path.parent)
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as film:
        copies: dict[int, av.stream.Stream] = {}
        for number in range(round(seconds / PIECE_SECONDS)):
            with av.open(str(source)) as piece:
                for stream in piece.streams:
                    if number == 0:
                        copies[stream.index] = film.add_stream_from_template(stream)
                for packet in piece.demux():
                    if packet.dts is None or packet.pts is None:
                        continue
                    shift = round(number * (PIECE_SECONDS + PAUSE_SECONDS) / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = copies[packet.stream.index]
                    film.mux(packet)


def make_piece(folder: Path) -> Path:
    """Return 30 s of a synthetic video, coded as most videos are."""
    import av

    from vidkit.data.synth import generate
    from vidkit.files import atomic_path

    path = folder / "piece.mp4"
    if path.exists():
        return path
    generate(
        folder / "synthetic", num_videos=1, seconds=PIECE_SECONDS, width=FILM_SIZE[0], height=FILM_SIZE[1]
    )
    (source,) = (folder / "synthetic" / "videos").glob("*.mp4")
    with atomic_path(path) as temporary, av.open(str(source)) as old, av.open(str(temporary), "w") as new:
        video = new.add_stream("libx264", rate=old.streams.video[0].average_rate)
        video.width, video.height, video.pix_fmt = *FILM_SIZE, "yuv420p"
        video.options = {"g": "250", "bf": "3", "crf": "23"}
        sound = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                packet.stream = sound
                new.mux(packet)
            else:
                for frame in packet.decode():
                    frame.pict_type = av.video.frame.PictureType.NONE
                    new.mux(video.encode(frame))
        new.mux(video.encode(None))
    return path
