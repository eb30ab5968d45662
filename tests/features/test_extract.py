from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from conftest import MakeVideo
from torch import Tensor

from vidkit.encoders import Encoder, HashedText, LogMelAudio, PixelVisual, Precomputed, VisualRecipe
from vidkit.features import ExtractReport, FeatureStore, Progress, extract, find_videos
from vidkit.media.reader import open_video


class Motion(Encoder):
    """Mean over a window of overlapping frames at full size, as a recogniser of actions reads them."""

    modality = "visual"

    def __init__(self, clip_seconds: float | None = None) -> None:
        super().__init__()
        self.dim = 4
        self.recipe = VisualRecipe(num_frames=4, window_seconds=1.5, clip_seconds=clip_seconds)
        self.dropout = torch.nn.Dropout(0.5)

    def preprocess(self, clips: Tensor) -> Tensor:
        return clips.float().mean((2, 3, 4))

    def encode(self, inputs: Tensor) -> Tensor:
        return self.dropout(inputs)


def _listing(folder: Path) -> list[str]:
    """The features below, without what a job writes down beside them."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(file.as_posix() for file in files if not any(part.startswith(".") for part in file.parts))


@pytest.mark.parametrize(
    ("seconds", "clip_seconds"), [(3.0, 1.0), (2.5, 1.0), (0.1, 1.0), (1.3, 0.2), (3.7, 2.0)]
)
def test_there_is_a_row_for_every_begun_clip(
    make_video: MakeVideo, tmp_path: Path, seconds: float, clip_seconds: float
) -> None:
    video = make_video("a.mp4", seconds=seconds)
    report = extract(
        [video], encoders=[PixelVisual(), LogMelAudio()], out=tmp_path / "f", clip_seconds=clip_seconds
    )
    assert report == ExtractReport(done=[video])
    store = FeatureStore(tmp_path / "f")
    expected = math.ceil(round(seconds / clip_seconds, 6))
    assert store["PixelVisual"]["a"].shape == (expected, 576)
    assert store["LogMelAudio"]["a"].shape == (expected, 64)
    sidecar = store["PixelVisual"].sidecar("a")
    assert sidecar["duration_seconds"] == pytest.approx(seconds)
    assert sidecar["source"]["path"] == str(video)


def test_a_recipe_for_another_length_of_clips_is_told_before_the_work(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    video = make_video("a.mp4", seconds=1.0)
    with pytest.warns(UserWarning, match=r"Motion imitates features of clips of 2.0 s, got 1.0 s") as told:
        extract([video], encoders=[Motion(clip_seconds=2.0)], out=tmp_path / "f")
    assert sum("imitates" in str(warning.message) for warning in told) == 1


def test_pixels_are_those_of_the_frame_shown_in_the_middle_of_the_clip(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    video = make_video("a.mp4", seconds=3.0)
    extract([video], encoders=[PixelVisual()], out=tmp_path / "f", clip_seconds=0.7)
    with open_video(video) as reader:
        frames = reader.frames_at([0.35, 1.05, 1.75, 2.45, 3.0], size=(12, 16))
    expected = PixelVisual()(torch.from_numpy(frames.data)[:, None])
    np.testing.assert_array_equal(FeatureStore(tmp_path / "f")["PixelVisual"]["a"], expected.numpy())


def test_sound_is_that_round_the_middle_of_the_clip(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", seconds=2.5)
    extract([video], encoders=[LogMelAudio()], out=tmp_path / "f", clip_seconds=0.2)
    with open_video(video) as reader:
        sound = np.concatenate([np.zeros(1600), reader.audio(16000), np.zeros(6400)]).astype(np.float32)
    windows = np.stack([sound[i * 3200 : i * 3200 + 6400] for i in range(13)])  # 0.4 s round 0.1, 0.3, ...
    expected = LogMelAudio()(torch.from_numpy(windows)).numpy()
    np.testing.assert_allclose(FeatureStore(tmp_path / "f")["LogMelAudio"]["a"], expected, atol=1e-4)


def test_encoders_that_share_a_pass_get_what_they_get_alone(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", seconds=4.0)
    encoders: list[Encoder] = [PixelVisual(), PixelVisual(size=(9, 5)), Motion(), LogMelAudio()]
    extract([video], encoders=encoders, out=tmp_path / "together", clip_seconds=0.3)
    for encoder in encoders:
        extract([video], encoders=[encoder], out=tmp_path / "alone", clip_seconds=0.3, batch_size=3)
        name = encoder.store_name
        np.testing.assert_allclose(
            FeatureStore(tmp_path / "together")[name]["a"],
            FeatureStore(tmp_path / "alone")[name]["a"],
            atol=1e-5,
        )


def test_captions_are_encoded_per_clip(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", seconds=4.0)
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\na goal\n\n")
    extract([video], encoders=[HashedText()], out=tmp_path / "f")
    expected = HashedText()(["a goal", "a goal", "", ""]).numpy()
    np.testing.assert_array_equal(FeatureStore(tmp_path / "f")["HashedText"]["a"], expected)


def test_an_empty_caption_file_says_that_nobody_speaks(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", seconds=2.0)
    (tmp_path / "a.srt").write_text("")
    assert extract([video], encoders=[HashedText()], out=tmp_path / "f").done == [video]
    assert not FeatureStore(tmp_path / "f")["HashedText"]["a"].any()


def test_a_video_that_lacks_an_input_fails_and_its_other_features_are_written(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    video = make_video("a.mp4", sample_rate_hz=None)
    report = extract([video], encoders=[PixelVisual(), LogMelAudio(), HashedText()], out=tmp_path / "f")
    assert "no sound track, which LogMelAudio would read; leave the audio encoder out" in report.failed[video]
    assert "no captions, which HashedText would read; put a.srt beside it" in report.failed[video]
    assert FeatureStore(tmp_path / "f").encoders() == ["PixelVisual"]


def test_one_bad_video_does_not_stop_the_others(make_video: MakeVideo, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    videos = [make_video(f"in/{name}.mp4", seconds=1.0) for name in "abcd"]
    corrupt = folder / "ca.mp4"
    corrupt.write_bytes(videos[0].read_bytes()[:3000])
    text = folder / "text.mp4"
    text.write_text("I am no video.\n" * 100)
    empty = folder / "void.mp4"
    empty.touch()
    report = extract(find_videos([folder]), encoders=[PixelVisual(), LogMelAudio()], out=tmp_path / "f")
    assert report.done == videos
    assert set(report.failed) == {corrupt, text, empty}
    assert "ca.mp4" in report.failed[corrupt]
    assert "is not a video" in report.failed[text]
    assert "is empty" in report.failed[empty]
    assert FeatureStore(tmp_path / "f")["PixelVisual"].video_ids() == ["a", "b", "c", "d"]
    assert len(_listing(tmp_path / "f")) == 4 * 2 * 2


def test_a_missing_video_is_one_that_failed(make_video: MakeVideo, tmp_path: Path) -> None:
    report = extract(
        [tmp_path / "none.mp4", make_video("a.mp4")], encoders=[PixelVisual()], out=tmp_path / "f"
    )
    assert len(report.done) == 1
    assert "no such video" in report.failed[tmp_path / "none.mp4"]


def test_an_encoder_that_breaks_is_told_with_its_kind(make_video: MakeVideo, tmp_path: Path) -> None:
    class Broken(PixelVisual):
        def encode(self, inputs: Tensor) -> Tensor:
            raise IndexError("row 7")

    video = make_video("a.mp4")
    report = extract([video], encoders=[Broken()], out=tmp_path / "f")
    assert report.failed == {video: "IndexError: row 7"}
    assert _listing(tmp_path / "f") == []


def test_what_is_there_is_skipped_and_what_is_not_is_added(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video("a.mp4"), make_video("b.mp4")]
    out = tmp_path / "f"
    assert extract(videos[:1], encoders=[PixelVisual()], out=out).done == videos[:1]
    before = (out / "PixelVisual/a.npy").stat().st_mtime_ns
    assert extract(videos, encoders=[PixelVisual()], out=out) == ExtractReport([videos[1]], [videos[0]])
    assert extract(videos, encoders=[PixelVisual(), LogMelAudio()], out=out).done == videos
    assert (out / "PixelVisual/a.npy").stat().st_mtime_ns == before
    assert extract(videos, encoders=[PixelVisual()], out=out, overwrite=True).done == videos
    assert (out / "PixelVisual/a.npy").stat().st_mtime_ns > before


def test_a_changed_video_is_extracted_again(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", seconds=2.0)
    extract([video], encoders=[PixelVisual()], out=tmp_path / "f")
    make_video("a.mp4", seconds=3.0)
    assert extract([video], encoders=[PixelVisual()], out=tmp_path / "f").done == [video]
    assert len(FeatureStore(tmp_path / "f")["PixelVisual"]["a"]) == 3


def test_a_video_that_has_moved_is_still_the_same(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4")
    extract([video], encoders=[PixelVisual()], out=tmp_path / "f")
    moved = tmp_path / "elsewhere" / "a.mp4"
    moved.parent.mkdir()
    video.rename(moved)
    assert extract([moved], encoders=[PixelVisual()], out=tmp_path / "f").skipped == [moved]


def test_another_video_of_the_same_name_does_not_replace_the_first(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    first, second = make_video("x/a.mp4", seconds=2.0), make_video("y/a.mp4", seconds=3.0)
    extract([first], encoders=[PixelVisual()], out=tmp_path / "f")
    report = extract([second], encoders=[PixelVisual()], out=tmp_path / "f")
    assert "features of 'a' made from another file" in report.failed[second]
    assert len(FeatureStore(tmp_path / "f")["PixelVisual"]["a"]) == 2


def test_two_videos_of_the_same_name_are_refused_at_once(make_video: MakeVideo, tmp_path: Path) -> None:
    videos = [make_video("x/a.mp4"), make_video("y/a.mp4")]
    with pytest.raises(
        ValueError, match=r"two videos have the id 'a': .*x/a\.mp4 and .*y/a\.mp4; rename one"
    ):
        extract(videos, encoders=[PixelVisual()], out=tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_video_given_twice_is_extracted_once(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4")
    beside = video.parent / "." / "a.mp4"
    assert extract([video, str(beside), video], encoders=[PixelVisual()], out=tmp_path / "f").done == [video]


def test_another_clip_length_or_recipe_in_the_store_is_refused_at_once(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    video = make_video("a.mp4")
    extract([video], encoders=[PixelVisual()], out=tmp_path / "f")
    with pytest.raises(
        ValueError, match=r"holds features made with another recipe.*clip_seconds 0.5 instead"
    ):
        extract([video], encoders=[PixelVisual()], out=tmp_path / "f", clip_seconds=0.5)
    with pytest.raises(ValueError, match=r"holds features made with another recipe.*--overwrite"):
        extract([video], encoders={"PixelVisual": PixelVisual(size=(8, 8))}, out=tmp_path / "f")
    report = extract([video], encoders=[PixelVisual()], out=tmp_path / "f", clip_seconds=0.5, overwrite=True)
    assert report.done == [video]
    assert len(FeatureStore(tmp_path / "f")["PixelVisual"]["a"]) == 6


def test_encoders_come_back_in_the_mode_and_place_they_had(make_video: MakeVideo, tmp_path: Path) -> None:
    encoder = Motion().train()
    encoder.dropout.eval()
    extract([make_video("a.mp4")], encoders=[encoder], out=tmp_path / "f", device="cpu")
    assert encoder.training
    assert not encoder.dropout.training
    training = Motion().train()
    extract([make_video("a.mp4")], encoders=[training], out=tmp_path / "g")
    np.testing.assert_array_equal(
        FeatureStore(tmp_path / "f")["Motion"]["a"], FeatureStore(tmp_path / "g")["Motion"]["a"]
    )


def test_progress_climbs_to_the_end(make_video: MakeVideo, tmp_path: Path) -> None:
    seen: list[Progress] = []
    videos = [make_video("a.mp4"), make_video("b.mp4"), tmp_path / "none.mp4"]
    extract(videos, encoders=[PixelVisual(), LogMelAudio()], out=tmp_path / "f", on_progress=seen.append)
    assert all(0 <= progress.fraction <= 1 for progress in seen)
    totals = [progress.total for progress in seen]
    assert totals == sorted(totals)
    assert totals[-1] == 1.0
    assert len(set(totals)) > 4
    assert (seen[-1].num_finished, seen[-1].num_videos) == (3, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(workers=-1), "workers must be >= 0"),
        (dict(batch_size=0), "batch_size must be at least 1, got 0"),
        (dict(clip_seconds=0.0), "clip_seconds must be a number > 0"),
        (dict(encoders=[]), "no encoders are given"),
        (dict(encoders=[PixelVisual(), PixelVisual()]), "an encoder stands twice"),
        (dict(encoders=[Precomputed(4, name="x")]), "Precomputed .'x'. reads features that exist"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        extract([tmp_path / "a.mp4"], **{"encoders": [PixelVisual()], "out": tmp_path / "f", **options})
    assert not (tmp_path / "f").exists()


def test_a_file_in_the_place_of_the_folder_is_told(make_video: MakeVideo, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f/PixelVisual").write_text("no folder")
    with pytest.raises(FileExistsError, match=r"cannot write features to .*: a file is in the way"):
        extract([make_video("a.mp4")], encoders=[PixelVisual()], out=tmp_path / "f")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_told(make_video: MakeVideo, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f").chmod(0o500)
    with pytest.raises(PermissionError, match="f"):
        extract([make_video("a.mp4")], encoders=[PixelVisual()], out=tmp_path / "f")


def test_a_folder_that_the_system_refuses_is_told(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    with pytest.raises(PermissionError, match=r"cannot write features to .*PixelVisual: not writable"):
        extract([make_video("a.mp4")], encoders=[PixelVisual()], out=tmp_path / "f")


def test_real_videos_of_every_kind_give_their_clips(real_data: Path, tmp_path: Path) -> None:
    videos = find_videos([real_data / "videos"])
    report = extract(videos, encoders=[PixelVisual(), LogMelAudio()], out=tmp_path / "f", clip_seconds=0.5)
    store = FeatureStore(tmp_path / "f")
    assert store["PixelVisual"].video_ids() == sorted(video.stem for video in videos)
    assert all("no sound track" in message for message in report.failed.values())
    assert sorted(store["LogMelAudio"]) == sorted(video.stem for video in report.done)
    assert len(report.done) == 3
    for video in videos:
        with open_video(video) as reader:
            num_clips = max(1, math.ceil(reader.info.duration_seconds / 0.5 - 1e-6))
        features = store["PixelVisual"][video.stem]
        assert len(features) == num_clips
        assert np.isfinite(features).all()
        assert features.std() > 0.1


def test_sound_alone_still_gives_the_features_of_its_sound(tmp_path: Path) -> None:
    sound = tmp_path / "sound.m4a"
    with av.open(str(sound), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 32_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    report = extract([sound], encoders=[PixelVisual(), LogMelAudio()], out=tmp_path / "out")
    assert "no moving pictures, which PixelVisual would read" in report.failed[sound]
    assert FeatureStore(tmp_path / "out")["LogMelAudio"].video_ids() == ["sound"]
