"""Sentences asked of videos: lengths, targets, words, and what is said of features that do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from vidkit.data import PadSequences, TokenFiles
from vidkit.encoders import Encoder, HashedText, JoinedFeatures, PixelVisual, Precomputed
from vidkit.features import FeatureStore, make_sidecar
from vidkit.files import write_json_lines
from vidkit.tasks.moment_retrieval import UMT, MomentQueries, UMTLoss

VISUAL = JoinedFeatures(parts=[Precomputed(3, name="slowfast"), Precomputed(2, name="clip")])
AUDIO = Precomputed(4, modality="audio", name="pann")
WORDS = Precomputed(5, modality="text", name="clip_text")
ENCODERS: dict[str, Encoder] = {"visual": VISUAL, "audio": AUDIO, "text": WORDS}
LONG = " ".join(f"word{n}" for n in range(200))
OTHER_SCRIPT = "\u043a\u043e\u0448\u043a\u0430 \u732b\u304c\u8df3\u3076"


def _features(root: Path, video_id: str, num_clips: int, **others: int) -> None:
    """Write features as the benchmarks are passed on, of other lengths for the streams named."""
    for name, dim in (("slowfast", 3), ("clip", 2), ("pann", 4)):
        count = others.get(name, num_clips)
        rows = np.repeat(np.arange(count, dtype=np.float32)[:, None] + 1, dim, axis=1)
        (root / name).mkdir(parents=True, exist_ok=True)
        if name == "pann":
            np.save(root / name / f"{video_id}.npy", rows)
        else:
            np.savez(root / name / f"{video_id}.npz", features=rows)


def _words(root: Path, name: int | str, rows: np.ndarray | int) -> None:
    (root / "clip_text").mkdir(parents=True, exist_ok=True)
    rows = np.ones((rows, 5), np.float32) if isinstance(rows, int) else rows
    np.savez(root / "clip_text" / f"qid{name}.npz", last_hidden_state=rows, pooler_output=rows[0])


def _row(qid: int | str, vid: str = "v", duration: float = 20, **others: Any) -> dict[str, Any]:
    row = dict(qid=qid, query=f"a person number {qid} sings", vid=vid, duration=duration)
    return {**row, "relevant_windows": [[2, 6]], **others}


def _queries(tmp_path: Path, *rows: dict[str, Any], **changes: Any) -> MomentQueries:
    write_json_lines(tmp_path / "a.jsonl", rows)
    settings: dict[str, Any] = dict(
        annotations=tmp_path / "a.jsonl", features=tmp_path / "f", encoders=ENCODERS
    )
    return MomentQueries(**{**settings, **changes})


def test_a_sample_has_joined_clips_words_moments_and_mean_judgements(tmp_path: Path) -> None:
    _features(tmp_path / "f", "v", 10)
    _words(tmp_path / "f", 7, 6)
    row = _row(7, relevant_clip_ids=[1, 2], saliency_scores=[[4, 4, 4], [0, 2, 1]])
    data = _queries(tmp_path, row)
    item = data[0]
    assert {name: tuple(x.shape) for name, x in item["inputs"].items()} == {
        "visual": (10, 5),
        "audio": (10, 4),
        "text": (6, 5),
    }
    assert {x.dtype for x in item["inputs"].values()} == {torch.float32}
    sample = item["data_samples"]
    assert (sample.video_id, sample.query_id, sample.query) == ("v", 7, "a person number 7 sings")
    assert (sample.duration_seconds, sample.clip_seconds) == (20.0, 2.0)
    assert sample.gt_segments.tolist() == [[2.0, 6.0]]
    assert sample.gt_saliency.tolist() == [0, 1, 0.25, 0, 0, 0, 0, 0, 0, 0]
    assert sample.annotation.saliency.shape == (10, 3)
    assert data.metainfo == dict(task="moment_retrieval", protocol="qvhighlights")


def test_without_judgements_or_windows_nothing_is_taught_of_them(tmp_path: Path) -> None:
    _features(tmp_path / "f", "v", 10)
    data = _queries(tmp_path, _row(1), _row(2, relevant_windows=None), encoders={"visual": VISUAL})
    assert "gt_saliency" not in data[0]["data_samples"]
    assert "gt_segments" not in data[1]["data_samples"]
    assert list(data[0]["inputs"]) == ["visual"]


def test_one_clip_more_or_less_is_cut(tmp_path: Path) -> None:
    _features(tmp_path / "f", "short", 10, pann=9)
    _features(tmp_path / "f", "long", 11)
    rows = [
        _row(1, "short", relevant_windows=[[14, 20]], relevant_clip_ids=[9], saliency_scores=[[4, 4, 4]]),
        _row(2, "long", relevant_windows=[[0, 2], [18, 20]]),
        _row(3, "short", relevant_windows=[[18, 20]]),
    ]
    with pytest.warns(UserWarning, match="1 moments lie beyond the features of their video"):
        data = _queries(tmp_path, *rows, encoders={"visual": VISUAL, "audio": AUDIO})
    assert data.lengths() == [9, 10, 9]
    first = data[0]["data_samples"]
    assert first.gt_segments.tolist() == [[14.0, 18.0]]
    assert first.gt_saliency.tolist() == [0.0] * 9
    assert first.duration_seconds == 20.0
    assert data[2]["data_samples"].gt_segments.shape == (0, 2)


@pytest.mark.parametrize(
    ("num_clips", "others", "message"),
    [
        (9, dict(pann=8, clip=10), r"differ in length: audio has 8 clips of 2 s, visual \(clip\) has 10"),
        (9, dict(slowfast=8, clip=10), r"visual \(slowfast\) has 8 clips of 2 s, visual \(clip\) has 10"),
        (7, {}, "have 7 clips of 2 s, which are 14 s; its annotation says at least 18 s"),
        (20, {}, "have 20 clips of 2 s, which are 40 s; its annotation says 18 s"),
    ],
)
def test_more_than_one_clip_is_refused_with_both_lengths(
    tmp_path: Path, num_clips: int, others: dict[str, int], message: str
) -> None:
    _features(tmp_path / "f", "v", num_clips, **others)
    with pytest.raises(ValueError, match=message):
        _queries(tmp_path, _row(1, duration=18), encoders={"visual": VISUAL, "audio": AUDIO})


def test_clips_of_another_length_get_the_judgement_at_their_middle(tmp_path: Path) -> None:
    rows = np.zeros((7, 2), np.float32)
    (tmp_path / "f" / "clip").mkdir(parents=True)
    np.save(tmp_path / "f" / "clip" / "v.npy", rows)
    row = _row(1, duration=6.5, relevant_clip_ids=[1], saliency_scores=[[2, 4]], relevant_windows=[[2, 4]])
    encoders = {"visual": Precomputed(2, name="clip")}
    data = _queries(tmp_path, row, encoders=encoders, clip_seconds=1.0)
    assert data[0]["data_samples"].gt_saliency.tolist() == [0, 0, 0.75, 0.75, 0, 0, 0]


def test_a_video_shorter_than_a_clip_has_one(tmp_path: Path) -> None:
    _features(tmp_path / "f", "v", 1)
    row = _row(1, duration=1.2, relevant_windows=[[0.1, 0.8]], relevant_clip_ids=[], saliency_scores=None)
    item = _queries(tmp_path, row, encoders={"visual": VISUAL})[0]
    assert item["inputs"]["visual"].shape == (1, 5)
    np.testing.assert_allclose(item["data_samples"].gt_segments, [[0.1, 0.8]])


def test_the_text_of_umt_is_read_and_its_videos_are_as_long_as_their_features(tmp_path: Path) -> None:
    (tmp_path / "f" / "clip").mkdir(parents=True)
    np.save(tmp_path / "f" / "clip" / "AB12.npy", np.zeros((60, 2), np.float32))
    (tmp_path / "a.txt").write_text("AB12 1.0 4.5##a person eats.\nAB12 8.0 14.0##he sits down.\n")
    data = MomentQueries(
        annotations=tmp_path / "a.txt",
        features=tmp_path / "f",
        encoders={"visual": Precomputed(2, name="clip"), "text": HashedText()},
        protocol="charades_sta",
        clip_seconds=1 / 6,
    )
    assert data.lengths() == [60, 60]
    assert data[0]["inputs"]["text"] == "a person eats."
    assert data[1]["data_samples"].duration_seconds == pytest.approx(10.0)
    np.testing.assert_allclose(data[1]["data_samples"].gt_segments, [[8.0, 10.0]])


def test_sentences_for_an_encoder_stay_sentences_in_a_batch(tmp_path: Path) -> None:
    _features(tmp_path / "f", "v", 10)
    _features(tmp_path / "f", "w", 7)
    encoders = {"visual": VISUAL, "text": HashedText(dim=8)}
    queries = ["a cat.", LONG, OTHER_SCRIPT, "..."]
    rows = [_row(n, "vw"[n % 2], 20 - 6 * (n % 2), query=query) for n, query in enumerate(queries)]
    data = _queries(tmp_path, *rows, encoders=encoders)
    batch = PadSequences()(pseudo_collate([data[n] for n in range(4)]))
    assert batch["inputs"]["text"] == queries
    assert batch["masks"]["visual"].sum(dim=1).tolist() == [10, 7, 10, 7]
    assert "text" not in batch["masks"]
    model = UMT(
        visual_encoder=VISUAL,
        text_encoder=encoders["text"],
        loss=UMTLoss(),
        dim=8,
        num_heads=2,
        num_decoder_layers=1,
    ).eval()
    for outputs in model(**batch, mode="tensor"):
        assert torch.isfinite(outputs.scores).all()
    losses = model(**batch, mode="loss")
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_missing_videos_and_words_are_left_out_with_a_warning_each(tmp_path: Path) -> None:
    _features(tmp_path / "f", "v", 10)
    _words(tmp_path / "f", 1, 4)
    _words(tmp_path / "f", 3, 4)
    rows = [_row(1), _row(2), _row(3, "lost")]
    with pytest.warns(UserWarning, match="left out") as caught:
        data = _queries(tmp_path, *rows)
    assert [sample["data_samples"].query_id for sample in data] == [1]  # type: ignore[attr-defined]
    told = [str(warning.message) for warning in caught]
    assert any("1 of 2 videos are left out, for lack of features in" in text for text in told)
    assert any("1 of 3 sentences, first 2, have no file in" in text for text in told)
    with pytest.raises(FileNotFoundError, match=r"1 of 2 videos, first 'lost', have no visual \(slowfast\)"):
        _queries(tmp_path, *rows, missing="error")
    with pytest.raises(FileNotFoundError, match="1 of 2 sentences, first 2, have no file in"):
        _queries(tmp_path, *rows[:2], missing="error")
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(FileNotFoundError, match="no sample has both clips and words"),
    ):
        _queries(tmp_path, rows[1], rows[2])


def test_features_named_by_other_ids_are_told_with_one_of_each(tmp_path: Path) -> None:
    _features(tmp_path / "f", "v_0.0_150.0", 10)
    with pytest.raises(FileNotFoundError, match=r"has 1 other ids, such as 'v_0.0_150.0'; wanted 'v'\)"):
        _queries(tmp_path, _row(1), encoders={"visual": VISUAL})
    _features(tmp_path / "f", "v", 10)
    _words(tmp_path / "f", "v_1", 4)
    with pytest.raises(
        FileNotFoundError, match=r"1 of 1 sentences, first 1, .* where 'qidv_1' is; make a file"
    ):
        _queries(tmp_path, _row(1))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            np.ones((1, 5), np.float32),
            "holds 1 vectors for the sentence 'a person number 1 sings': the vector of",
        ),
        (np.ones(5, np.float32), r"must hold a vector for each word, \(L, 5\): .* of shape \(5,\)"),
        (np.ones((0, 5), np.float32), "holds 0 vectors for the sentence"),
        (np.ones((4, 6), np.float32), "has 6 channels, the text encoder has 5; set its dim to 6"),
        (np.full((4, 5), np.nan, np.float32), "holds numbers that are not finite"),
        (
            np.ones((1, 4, 5), np.float32),
            r"must hold a vector for each word, \(L, 5\): .* of shape \(1, 4, 5\)",
        ),
    ],
)
def test_words_that_are_none_are_told(tmp_path: Path, rows: np.ndarray, message: str) -> None:
    _features(tmp_path / "f", "v", 10)
    (tmp_path / "f" / "clip_text").mkdir()
    np.savez(tmp_path / "f" / "clip_text" / "qid1.npz", last_hidden_state=rows)
    with pytest.raises(ValueError, match=message):
        _queries(tmp_path, _row(1))


def test_words_are_found_by_id_in_either_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "clip_text").mkdir()
    np.save(tmp_path / "clip_text" / "one.npy", np.ones((1, 5), np.float16))
    np.savez(tmp_path / "clip_text" / "two.npz", token=np.ones((3, 5)))
    files = TokenFiles(tmp_path, WORDS)
    assert files.read("one", "dancing").dtype == torch.float32
    assert len(files.read("two")) == 3
    assert files.missing(["one", "three", "three"]) == ["three"]
    with pytest.raises(FileNotFoundError, match="no file of sentence 'three' in"):
        files.read("three")
    with pytest.raises(ValueError, match="the text encoder joins 1 encoders"):
        TokenFiles(tmp_path, JoinedFeatures(parts=[WORDS]))


def test_own_features_of_encoders_are_joined_too(tmp_path: Path) -> None:
    parts = [PixelVisual(), PixelVisual(size=(2, 2))]
    for part in parts:
        sidecar = make_sidecar(part, clip_seconds=2.0, duration_seconds=20.0)
        FeatureStore(tmp_path / "f").encoder(part).put("v", np.ones((10, part.dim), np.float32), sidecar)
    data = _queries(tmp_path, _row(1), encoders={"visual": JoinedFeatures(parts=parts)})
    assert data[0]["inputs"]["visual"].shape == (10, sum(part.dim for part in parts))
    with pytest.raises(ValueError, match=r"clip_seconds 2.0 instead of 1.0"):
        _queries(tmp_path, _row(1), encoders={"visual": JoinedFeatures(parts=parts)}, clip_seconds=1.0)


def test_several_files_are_one_data_set_in_which_a_qid_stands_once(tmp_path: Path) -> None:
    _features(tmp_path / "f", "v", 10)
    write_json_lines(tmp_path / "b.jsonl", [_row(2)])
    both = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    assert len(_queries(tmp_path, _row(1), annotations=both, encoders={"visual": VISUAL})) == 2
    with pytest.raises(ValueError, match=r"qid 2 stands in .*a.jsonl and in .*b.jsonl"):
        _queries(tmp_path, _row(2), annotations=both)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(protocol="tvsum"), "unknown protocol 'tvsum'; known: qvhighlights, charades_sta"),
        (dict(missing="skip"), "missing must be"),
        (dict(annotations=[]), "has no query; give annotations of at least one"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _queries(tmp_path, _row(1), **changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(qid=None), "line 1: qid is None; it must be an integer or a text"),
        (dict(query=" "), "line 1: query is ' '; it must be a sentence"),
        (dict(relevant_windows=[[6, 2]]), r"line 1: the window \[6, 2\] is inverted or empty"),
        (
            dict(relevant_windows=[[2, 26]]),
            r"line 1: the window \[2, 26\] leaves the video, which lasts 20 s",
        ),
        (dict(relevant_clip_ids=[1], saliency_scores=[[9, 1]]), "saliency_scores go from 0"),
        (dict(relevant_windows=[[0, "NaN"]]), "relevant_windows must be a list of rows of finite"),
    ],
)
def test_a_wrong_line_is_told_with_its_number(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _queries(tmp_path, {**_row(1), **change})


def test_a_missing_qid_and_one_that_stands_twice_are_told(tmp_path: Path) -> None:
    row = _row(1)
    del row["qid"]
    with pytest.raises(ValueError, match="line 1: 'qid' missing; it has query, vid"):
        _queries(tmp_path, row)
    with pytest.raises(ValueError, match="line 2: qid '1' stands twice, first in line 1"):
        _queries(tmp_path, _row(1), _row("1"))


def _random_features(root: Path, needed: dict[str, float], clip_seconds: float, dim: int) -> None:
    random = np.random.default_rng(0)
    root.mkdir(parents=True)
    for video_id, seconds in needed.items():
        np.save(root / f"{video_id}.npy", random.random((round(seconds / clip_seconds), dim), np.float32))


def test_the_released_validation_queries_of_qvhighlights_are_read(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "qvhighlights" / "highlight_val_release.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    _random_features(tmp_path / "clip", {row["vid"]: row["duration"] for row in rows}, 2.0, 2)
    encoders = {"visual": Precomputed(2, name="clip"), "text": HashedText()}
    data = MomentQueries(annotations=path, features=tmp_path, encoders=encoders, missing="error")
    assert len(data) == 1550
    assert sum(data.lengths()) == sum(row["duration"] // 2 for row in rows)
    for row, index in zip(rows[::50], range(0, 1550, 50), strict=True):
        item = data[index]
        sample = item["data_samples"]
        expected = np.zeros(row["duration"] // 2)
        expected[row["relevant_clip_ids"]] = np.sum(row["saliency_scores"], axis=1) / 12
        np.testing.assert_allclose(sample.gt_saliency, expected, rtol=1e-6)
        assert sample.gt_segments.tolist() == row["relevant_windows"]
        assert item["inputs"]["text"] == row["query"].strip()


def test_the_released_test_queries_of_charades_are_read(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "charades_sta" / "charades_test_release.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    _random_features(tmp_path / "clip", {row["vid"]: row["duration"] for row in rows}, 1.0, 2)
    settings = dict(encoders={"visual": Precomputed(2, name="clip")}, protocol="charades_sta")
    data = MomentQueries(annotations=path, features=tmp_path, clip_seconds=1.0, **settings)
    assert (len(data), len(data.streams.videos.common_ids())) == (3720, 1334)
    sample = data[10]["data_samples"]
    np.testing.assert_allclose(sample.gt_segments, rows[10]["relevant_windows"], rtol=1e-6)
