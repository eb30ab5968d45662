"""Short videos as samples: frames and sound, chance, files that cannot be read, what a video lacks."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from numbered_videos import numbers, write_numbered
from torch.utils.data import DataLoader

from vidkit.data import ShortVideos, TrainingShortVideos
from vidkit.data.clip_sampling import RandomSound, SegmentFrames, SegmentMiddleFrames, UniformSound
from vidkit.data.crops import CenterCrop, MultiScaleCrop, ThreeCrop, WholeFrames
from vidkit.encoders import AudioRecipe, Encoder, HashedText, PixelVisual, Precomputed
from vidkit.files import write_json_lines
from vidkit.registry import DATASETS

LONG_TITLE = "标题 " * 3_000 + "عنوان"  # more than 10,000 letters
ROWS: list[dict[str, Any]] = [
    dict(path="whole.mp4", label="ocean", title="在海边的猫", subtitle="waves"),
    dict(path="silent.mp4", label="city", title="قطة في المدينة", subtitle=""),
    dict(path="tiny.mp4", label="ocean", title=LONG_TITLE),
    dict(path="cut.mp4", label="city", title="cut off"),
    dict(path="noise.mp4", label="city"),
    dict(path="other.mp4"),
]
BROKEN = ("cut", "noise")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("short_videos")
    write_numbered(folder / "whole.mp4", num_frames=100)
    write_numbered(folder / "silent.mp4", num_frames=75, has_sound=False)
    write_numbered(folder / "tiny.mp4", num_frames=3)
    write_numbered(folder / "other.mp4", num_frames=50)
    data = write_numbered(folder / "cut.mp4", num_frames=100).read_bytes()
    (folder / "cut.mp4").write_bytes(data[: len(data) // 2])
    (folder / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5_000))
    write_json_lines(folder / "videos.jsonl", ROWS)
    return folder


class TwoSeconds(Encoder):
    """Reads what the sound network of USV-1.0 reads."""

    modality = "audio"
    dim = 1
    recipe = AudioRecipe(16_000, 2.0)


def _encoders(*names: str) -> dict[str, Encoder]:
    every = dict(visual=PixelVisual(), audio=TwoSeconds(), text=HashedText())
    return {name: every[name] for name in names or every}


def _videos(folder: Path, kind: type[ShortVideos] = ShortVideos, **changed: Any) -> ShortVideos:
    settings: dict[str, Any] = dict(
        annotations=folder / "videos.jsonl",
        encoders=_encoders(),
        topics=["city", "ocean"],
        frames=SegmentMiddleFrames(8),
        crop=WholeFrames(),
        short_side=24,
        sound=UniformSound(2),
    )
    return kind(**{**settings, **changed})


def _training(folder: Path, **changed: Any) -> ShortVideos:
    own = dict(frames=SegmentFrames(8), crop=MultiScaleCrop(16), sound=RandomSound())
    return _videos(folder, TrainingShortVideos, **{**own, **changed})


def _by_id(data: ShortVideos) -> dict[str, dict[str, Any]]:
    samples = [data[index] for index in range(len(data))]
    return {sample["data_samples"].video_id: sample for sample in samples}


def test_a_sample_has_the_frames_that_the_sampler_names_at_the_size_that_is_asked_for(folder: Path) -> None:
    sample = _by_id(_videos(folder))["whole"]
    visual = sample["inputs"]["visual"]
    assert (visual.dtype, visual.shape) == (torch.uint8, (1, 8, 24, 40, 3))
    assert numbers(visual[0]) == [int((i + 0.5) * 100 / 8) for i in range(8)]


def test_a_video_of_three_frames_repeats_them(folder: Path) -> None:
    sample = _by_id(_videos(folder))["tiny"]
    assert numbers(sample["inputs"]["visual"][0]) == [0, 0, 0, 1, 1, 2, 2, 2]


def test_views_are_the_crops_of_every_clip_one_clip_after_the_other(folder: Path) -> None:
    sampler = DATASETS.build(
        dict(
            type="ShortVideos",
            annotations=str(folder / "videos.jsonl"),
            encoders=dict(visual=dict(type="PixelVisual")),
            frames=dict(type="UniformDenseFrames", clip_length=4, interval=2, num_clips=5),
            crop=dict(type="ThreeCrop", size=24),
            short_side=24,
        )
    )
    views = sampler[0]["inputs"]["visual"]
    assert views.shape == (15, 4, 24, 24, 3)
    single = _videos(folder, encoders=_encoders("visual"), frames=sampler.frames.frames)[0]["inputs"][
        "visual"
    ]
    assert [numbers(clip) for clip in single][-1] == [93, 95, 97, 99]
    for clip in range(5):
        crops = ThreeCrop(24)(single[clip], np.random.default_rng(0))
        assert torch.equal(views[3 * clip : 3 * clip + 3], crops)


def test_sound_comes_from_where_the_sampler_says_and_is_silent_behind_the_end(folder: Path) -> None:
    samples = _by_id(_videos(folder))
    sound = samples["whole"]["inputs"]["audio"]  # [0, 2) and [2, 4) of 4 s
    assert (sound.dtype, sound.shape) == (torch.float32, (2, 32_000))
    loud = sound.view(4, 16_000)[:, 4_000:12_000].abs().amax(1)
    torch.testing.assert_close(loud, torch.tensor([0.1, 0.2, 0.3, 0.4]), atol=0.02, rtol=0)
    short = samples["tiny"]["inputs"]["audio"]  # 0.12 s
    assert short[:, :1_500].abs().max() > 0.05
    assert not short[:, 1_920:].any()


def test_what_a_video_lacks_is_none_and_an_empty_subtitle_stays_empty(folder: Path) -> None:
    samples = _by_id(_videos(folder))
    assert samples["silent"]["inputs"]["audio"] is None
    assert [samples[name]["inputs"]["text"] for name in ("whole", "silent", "tiny")] == ["waves", "", None]


def test_only_what_the_encoders_read_is_read(folder: Path) -> None:
    samples = _by_id(_videos(folder, encoders=_encoders("text")))  # no file is opened, broken or not
    assert all(set(sample["inputs"]) == {"text"} for sample in samples.values())
    assert all(sample["data_samples"].fault is None for sample in samples.values())
    assert samples["cut"]["data_samples"].duration_seconds is None
    assert set(_by_id(_videos(folder, encoders=_encoders("audio")))["whole"]["inputs"]) == {"audio"}


def test_samples_tell_title_label_and_length(folder: Path) -> None:
    samples = {name: sample["data_samples"] for name, sample in _by_id(_videos(folder)).items()}
    assert [samples[name].title for name in ("whole", "silent", "other")] == [
        "在海边的猫",
        "قطة في المدينة",
        None,
    ]
    assert samples["tiny"].title == LONG_TITLE.strip()
    assert [samples[name].label_index for name in ("whole", "silent", "other")] == [1, 0, -1]
    assert [samples[name].label for name in ("whole", "silent", "other")] == ["ocean", "city", None]
    assert samples["whole"].duration_seconds == pytest.approx(4.0)


def test_a_broken_file_is_an_empty_sample_with_the_reason_at_test(folder: Path) -> None:
    samples = _by_id(_videos(folder))
    for name in BROKEN:
        assert set(samples[name]["inputs"].values()) == {None}
        assert f"{name}.mp4" in samples[name]["data_samples"].fault
    assert [n for n, s in samples.items() if s["data_samples"].fault is None] == [
        name for name in samples if name not in BROKEN
    ]


def test_a_file_that_is_cut_off_is_found_even_where_its_first_frames_would_do(folder: Path) -> None:
    data = (folder / "whole.mp4").read_bytes()
    start = folder / "start.mp4"
    start.write_bytes(data[: int(len(data) * 0.9)])  # the index of all frames stands first
    write_json_lines(folder / "start.jsonl", [dict(path="start.mp4")])
    videos = _videos(
        folder,
        annotations=folder / "start.jsonl",
        encoders=_encoders("visual"),
        frames=SegmentMiddleFrames(1),
    )
    assert "it ends early" in videos[0]["data_samples"].fault


def test_another_video_stands_in_the_place_of_a_broken_file_in_training(folder: Path) -> None:
    data = _training(folder)
    chosen = set()
    for epoch in range(8):
        data.set_epoch(seed=1, epoch=epoch)
        for index, row in enumerate(ROWS):
            sample = data[index]["data_samples"]
            own = Path(row["path"]).stem
            if own not in BROKEN:
                assert (sample.video_id, sample.replaces) == (own, ())
                continue
            assert sample.video_id not in BROKEN
            assert sample.replaces[0][0] == own
            assert f"{own}.mp4" in sample.replaces[0][1]
            assert data[index]["data_samples"].replaces == sample.replaces  # the same again
            chosen.add(sample.video_id)
    assert len(chosen) > 1


def test_files_that_are_all_broken_are_an_error(folder: Path) -> None:
    write_json_lines(folder / "broken.jsonl", [dict(path=f"{name}.mp4") for name in BROKEN])
    data = _training(folder, annotations=folder / "broken.jsonl")
    with pytest.raises(ValueError, match="20 videos in a row cannot be read, the last: "):
        data[0]


def _drawn(batches: Sequence[dict[str, Any]]) -> list[Any]:
    return [
        (sample.video_id, sample.get("replaces"), *(None if x is None else x.sum().item() for x in tensors))
        for batch in batches
        for sample, *tensors in zip(
            batch["data_samples"], batch["inputs"]["visual"], batch["inputs"]["audio"], strict=True
        )
    ]


def test_chance_depends_on_seed_epoch_and_video_and_not_on_workers_or_batches(folder: Path) -> None:
    def epochs(num_workers: int, batch_size: int, seed: int) -> list[list[Any]]:
        data = _training(folder)
        loader = DataLoader(
            data,
            batch_size=batch_size,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            collate_fn=pseudo_collate,
        )
        drawn = []
        for epoch in range(2):
            data.set_epoch(seed=seed, epoch=epoch)
            drawn.append(_drawn(list(loader)))
        return drawn

    alone = epochs(0, 1, seed=5)
    assert epochs(2, 4, seed=5) == alone  # workers that live on hear of the second epoch
    assert alone[0] != alone[1]
    assert epochs(0, 6, seed=6)[0] != alone[0]


def test_samples_of_two_purposes_do_not_share_their_chance(folder: Path) -> None:
    data = _training(folder, encoders=_encoders("visual"), crop=CenterCrop(16))
    with_sound = _training(folder, encoders=_encoders("visual", "audio"), crop=CenterCrop(16))
    assert torch.equal(data[0]["inputs"]["visual"], with_sound[0]["inputs"]["visual"])


def test_features_stand_in_the_place_of_raw_clips(folder: Path, tmp_path: Path) -> None:
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    (tmp_path / "pann").mkdir()
    np.save(tmp_path / "pann" / "noise.npy", rows)
    encoders: dict[str, Encoder] = dict(
        audio=Precomputed(2, modality="audio", name="pann"), text=HashedText()
    )
    samples = _by_id(_videos(folder, encoders=encoders, features=tmp_path))
    assert samples["noise"]["inputs"]["audio"].tolist() == rows.tolist()  # the video is not opened
    assert samples["whole"]["inputs"]["audio"] is None
    assert samples["whole"]["inputs"]["text"] == "waves"
    np.save(tmp_path / "pann" / "noise.npy", rows * np.nan)
    with pytest.raises(ValueError, match=r"audio features of 'noise' in .* are not finite"):
        _videos(folder, encoders=encoders, features=tmp_path)[4]


def test_screen_text_fills_in_where_the_table_has_no_subtitle(folder: Path, tmp_path: Path) -> None:
    cue = "{}\n00:00:0{},000 --> 00:00:0{},500\n{}\n\n"
    texts = ["Great", "Great", "cat", "Great"]
    srt = "".join(cue.format(n + 1, n, n, text) for n, text in enumerate(texts))
    for name in ("tiny", "whole"):
        (tmp_path / f"{name}.srt").write_text(srt, encoding="utf-8")
    samples = _by_id(_videos(folder, encoders=_encoders("text"), screen_text=tmp_path))
    assert [samples[name]["inputs"]["text"] for name in ("tiny", "whole", "silent", "other")] == [
        "Great cat Great",
        "waves",
        "",
        None,
    ]


def test_a_data_set_travels_to_another_process(folder: Path) -> None:
    data = _training(folder)
    data.set_epoch(seed=3, epoch=4)
    again = pickle.loads(pickle.dumps(data))
    assert torch.equal(again[0]["inputs"]["visual"], data[0]["inputs"]["visual"])


def test_videos_without_a_file_are_left_out_or_refused(folder: Path) -> None:
    rows = [*ROWS, dict(path="away.mp4")]
    write_json_lines(folder / "away.jsonl", rows)
    with pytest.warns(UserWarning, match=r"1 of 7 videos have no file, first .*away.mp4; they are left out"):
        assert len(_videos(folder, annotations=folder / "away.jsonl")) == 6
    with pytest.raises(FileNotFoundError, match=r"1 of 7 videos have no file, .* say by root"):
        _videos(folder, annotations=folder / "away.jsonl", missing="error")
    with pytest.raises(FileNotFoundError, match="6 of 6 videos have no file"):
        _videos(folder, root=folder / "elsewhere")


def test_wrong_settings_are_told(folder: Path, tmp_path: Path) -> None:
    for left_out, what in (("frames", "pictures"), ("crop", "pictures"), ("sound", "sound")):
        with pytest.raises(ValueError, match=f"the model reads {what}; give the data set {left_out}"):
            _videos(folder, **{left_out: None})
    with pytest.raises(ValueError, match="the model reads visual features; give the data set features"):
        _videos(folder, encoders=dict(visual=Precomputed(2)))
    with pytest.raises(ValueError, match="short_side, 24 pixels, must not be below the crop's 32"):
        _videos(folder, crop=CenterCrop(32))
    with pytest.raises(ValueError, match=r"line 1: unknown topic 'ocean'.* there are 2: city, sea"):
        _videos(folder, topics=["city", "sea"])
    (tmp_path / "empty.csv").write_text("path\n")
    with pytest.raises(ValueError, match="names no video; give a table of at least one"):
        _videos(folder, annotations=tmp_path / "empty.csv")
    (tmp_path / "twice.csv").write_text("path\na/x.mp4\nb/x.mp4\n")
    with pytest.raises(ValueError, match="video 'x' stands twice"):
        _videos(folder, annotations=tmp_path / "twice.csv")
