"""The index: ids, removal, fingerprints, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vidkit.files import read_json, write_json
from vidkit.retrieval import Entry, Hit, Index

ENCODER = {"name": "MiniLM", "fingerprint": "aaaa"}


def vectors(number: int, dim: int = 8, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((number, dim)).astype(np.float32)


def entries(*names: str) -> list[Entry]:
    return [Entry(name, f"{name}.mp4", 1.0, 2.0, text=f"of {name}") for name in names]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    made = Index.create(tmp_path / "index", dim=8, encoder=ENCODER)
    made.add(vectors(3), entries("a", "b", "c"))
    return made


def test_an_answer_says_which_video_and_when(index: Index) -> None:
    (hit,) = index.search(5 * vectors(3)[1:2], 1)[0]
    assert hit == Hit("b", "b.mp4", 1.0, 2.0, "moment", "of b", 1, hit.score)
    assert hit.score == pytest.approx(1.0)
    assert set(hit.to_json()) == {"video_id", "path", "start", "end", "score", "text"}


def test_ids_count_on_and_are_never_given_twice(index: Index) -> None:
    index.remove([2])
    assert index.add(vectors(1, seed=1), entries("d")).tolist() == [3]
    index.remove([3])
    index.compact()
    assert index.add(vectors(1, seed=2), entries("e")).tolist() == [4]
    with Index.open(index.path) as again:
        assert [hit.id for hit in again.search(vectors(1), 9)[0]] == sorted(
            [0, 1, 4], key=lambda number: -_cosine(index, number)
        )


def _cosine(index: Index, number: int) -> float:
    scores, ids = index.nearest(vectors(1), 9)
    return float(scores[0][ids[0] == number][0])


def test_own_ids_in_any_order_stay_with_their_vectors(index: Index) -> None:
    new = vectors(3, seed=4)
    assert index.add(new, entries("x", "y", "z"), ids=[70, 2**40, 9]).tolist() == [70, 2**40, 9]
    np.testing.assert_array_equal(index.nearest(new, 1)[1][:, 0], [70, 2**40, 9])
    index.compact()
    found = [hits[0] for hits in index.search(new, 1)]
    assert [(hit.id, hit.video_id) for hit in found] == [(70, "x"), (2**40, "y"), (9, "z")]
    assert index.add(vectors(1, seed=5), entries("w")).tolist() == [2**40 + 1]


def test_removing_a_video_removes_all_of_it_and_nothing_else(tmp_path: Path) -> None:
    with Index.create(tmp_path / "i", dim=8, encoder=ENCODER) as made:
        made.add(vectors(5), entries("a", "b", "a", "c", "a"))
        assert made.remove_videos(["a", "never"]) == ["never"]
        assert len(made) == 2
        assert made.videos() == {"b": "b.mp4", "c": "c.mp4"}
        assert {hit.video_id for hit in made.search(vectors(1), 9)[0]} == {"b", "c"}
        assert made.remove_videos(["a"]) == ["a"]
        made.add(vectors(1), entries("a"))
        assert made.search(vectors(1), 1)[0][0].video_id == "a"


def test_a_video_can_be_replaced_in_one_step(index: Index) -> None:
    new = vectors(1, seed=9)
    assert index.add(new, entries("b"), replace_videos=True).tolist() == [3]
    assert len(index) == 3
    assert [hit.id for hit in index.search(vectors(3)[1:2], 9)[0]].count(1) == 0
    assert index.search(new, 1)[0][0].id == 3


def test_videos_and_moments_are_told_apart(tmp_path: Path) -> None:
    with Index.create(tmp_path / "i", dim=8, encoder=ENCODER) as made:
        both = [Entry("a", "a.mp4", 0, 9, "video"), Entry("a", "a.mp4", 3, 4, "moment")]
        made.add(np.repeat(vectors(1), 2, axis=0), both)
        assert [hit.kind for hit in made.search(vectors(1), 5)[0]] == ["video", "moment"]
        assert [hit.end for hit in made.search(vectors(1), 5, kind="video")[0]] == [9]
        assert [hit.end for hit in made.search(vectors(1), 5, kind="moment")[0]] == [4]
        made.remove([0])
        assert made.search(vectors(1), 5, kind="video") == [[]]
        assert made.info()["entries"] == {"video": 0, "moment": 1}


def test_many_small_additions_become_few_segments_with_the_same_answers(tmp_path: Path) -> None:
    rows = vectors(60)
    with Index.create(tmp_path / "i", dim=8, encoder=ENCODER) as made:
        for n in range(30):
            made.add(rows[2 * n : 2 * n + 2], entries(f"a{n}", f"b{n}"))
            if n % 7 == 3:
                made.remove([2 * n])
        assert len(made.info()["segments"]) <= 4
        gone = {2 * n for n in range(30) if n % 7 == 3}
        _, ids = made.nearest(rows, 1)
        kept = [n for n in range(60) if n not in gone]
        np.testing.assert_array_equal(ids[kept, 0], kept)
        assert len(made) == 60 - len(gone)


def test_an_empty_index_answers_with_nothing(tmp_path: Path) -> None:
    with Index.create(tmp_path / "i", dim=8, encoder=ENCODER) as made:
        assert made.search(vectors(2), 3) == [[], []]
        scores, ids = made.nearest(vectors(2), 3)
        assert (ids == -1).all()
        assert np.isneginf(scores).all()
        assert made.add(np.zeros((0, 8)), []).tolist() == []
        assert not made.compact()
        assert made.info()["videos"] == 0


def test_an_index_whose_last_vector_is_removed_is_empty(index: Index) -> None:
    index.remove([0, 1, 2])
    assert index.search(vectors(1), 2) == [[]]
    assert index.compact()
    assert len(index) == 0
    assert index.add(vectors(1), entries("d")).tolist() == [3]


@pytest.mark.parametrize("text", ["我们在海边看日落", "قطة على الشاطئ", "🎬 \x00 'a' \"b\" %", "x" * 10_000])
def test_text_in_any_script_and_of_any_length_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    with Index.create(tmp_path / "索引", dim=8, encoder=ENCODER) as made:
        made.add(vectors(1), [Entry(text[:9], f"{text[:9]}.mp4", 0, 1, text=text)])
        (hit,) = made.search(vectors(1), 1)[0]
        assert (hit.text, hit.video_id) == (text, text[:9])
        assert made.remove_videos([text[:9]]) == []


def test_another_encoder_is_refused(index: Index) -> None:
    other = {"name": "MiniLM", "fingerprint": "bbbb"}
    with pytest.raises(ValueError, match=r"made by MiniLM .* aaaa, .* fingerprint bbbb; use the"):
        Index.open(index.path, encoder=other)
    Index.open(index.path, encoder={**ENCODER, "name": "renamed"}).close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": [5, 5]}, "the id 5 stands twice"),
        ({"ids": [1, 8]}, "the id 1 is in the index"),
        ({"ids": [-1, 8]}, r"must be in 0 \.\. 2\*\*63 - 2, got -1"),
        ({"ids": [8, 2**63]}, r"must be in 0 \.\. 2\*\*63 - 2, got 9223372036854775808"),
        ({"ids": [1]}, "2 vectors need as many entries and ids, got 2 and 1"),
        ({"entries": entries("x")}, "2 vectors need as many entries, got 1"),
        ({"entries": entries("b", "x")}, "video 'b' is in the index .*; remove it first, or replace it"),
        ({"vectors": vectors(2, dim=9)}, r"vectors must have shape \(N, 8\), got \(2, 9\)"),
        ({"vectors": np.zeros((2, 8))}, "number 0 of the vectors has no direction"),
        ({"vectors": np.array([[1.0] * 8, [np.nan] * 8])}, "number 1 of the vectors has no direction"),
    ],
)
def test_bad_additions_are_refused_and_change_nothing(index: Index, arguments: dict, message: str) -> None:  # type: ignore[type-arg]
    given = {"vectors": vectors(2, seed=3), "entries": entries("x", "y"), **arguments}
    with pytest.raises(ValueError, match=message):
        index.add(given.pop("vectors"), given.pop("entries"), **given)
    assert len(Index.open(index.path)) == 3
    assert len(list((index.path / "segments").iterdir())) == 1
    assert index.add(vectors(1, seed=6), entries("new")).tolist() == [3]


def test_an_id_that_was_removed_is_not_given_again(index: Index) -> None:
    index.remove([1])
    with pytest.raises(ValueError, match="the id 1 was removed from the index"):
        index.add(vectors(1), entries("x"), ids=[1])
    with pytest.raises(KeyError, match="has no id 1; search tells the ids"):
        index.remove([0, 1])
    assert len(index) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"kind": "shot"}, "unknown kind 'shot'; known: video, moment"),
        ({"queries": vectors(1, dim=3)}, r"queries must have shape \(N, 8\), got \(1, 3\)"),
        ({"queries": np.full((1, 8), np.inf)}, "number 0 of the queries has no direction"),
    ],
)
def test_bad_questions_are_refused(index: Index, changes: dict, message: str) -> None:  # type: ignore[type-arg]
    given = {"queries": vectors(1), "k": 3, **changes}
    with pytest.raises(ValueError, match=message):
        index.search(given.pop("queries"), **given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": 0}, "dim must be at least 1, got 0"),
        ({"kind": "lsh"}, "unknown kind of index 'lsh'; known: auto, exact, ivf, ivf_pq, hnsw"),
        ({"target_recall": 1.5}, r"target_recall must be in \(0, 1\], got 1.5"),
        ({"encoder": {"name": "x"}}, "encoder needs a fingerprint"),
    ],
)
def test_an_index_of_nonsense_is_not_made(tmp_path: Path, changes: dict, message: str) -> None:  # type: ignore[type-arg]
    given = {"dim": 8, "encoder": ENCODER, **changes}
    with pytest.raises(ValueError, match=message):
        Index.create(tmp_path / "i", **given)
    assert not (tmp_path / "i" / "manifest.json").exists()


def test_a_folder_has_one_index(index: Index) -> None:
    with pytest.raises(FileExistsError, match="has an index; add to it, or give another folder"):
        Index.create(index.path, dim=8, encoder=ENCODER)
    with pytest.raises(ValueError, match="unknown kind of index 'lsh'"):
        index.compact(kind="lsh")  # type: ignore[arg-type]


def test_a_folder_without_an_index_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no index at .*; make one with: vidkit index build"):
        Index.open(tmp_path)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ((2, 1), "0 <= start <= end in seconds, got 2 to 1"),
        ((0, np.inf), "got 0 to inf"),
        ((-1, 1), "got -1 to"),
    ],
)
def test_times_of_nonsense_are_refused(times: tuple[float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Entry("a", "a.mp4", *times)


def test_an_entry_of_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind 'shot'; known: video, moment"):
        Entry("a", "a.mp4", 0, 1, kind="shot")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot be written as UTF-8; rename the file"):
        Entry("a", "\udcff.mp4", 0, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "manifest.json is damaged .*not valid JSON.*put back a copy of it, or build"),
        ("[]", "manifest.json is damaged; put back"),
        ('{"format": 9}', "has the format 9, this vidkit reads 1; update vidkit"),
        ('{"format": 1}', r"manifest.json is damaged \(no dim\)"),
    ],
)
def test_a_damaged_manifest_is_named(index: Index, content: str, message: str) -> None:
    (index.path / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        Index.open(index.path)


@pytest.mark.parametrize(("key", "value"), [("segments", [1]), ("dim", "8"), ("kind", "x"), ("removed", 3)])
def test_a_manifest_with_a_wrong_value_is_named(index: Index, key: str, value: object) -> None:
    path = index.path / "manifest.json"
    write_json(path, {**read_json(path), key: value})
    with pytest.raises(ValueError, match="a value is of the wrong type"):
        Index.open(index.path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vectors.npy", r"vectors\.npy is damaged"),
        ("ids.npy", r"ids\.npy is damaged"),
        ("entries.sqlite", r"entries\.sqlite is damaged"),
        ("segment.json", r"segment\.json"),
    ],
)
def test_a_damaged_or_absent_file_of_a_segment_is_named(index: Index, name: str, message: str) -> None:
    (file,) = index.path.glob(f"segments/*/{name}")
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(ValueError, match=message):
        Index.open(index.path)
    file.write_text("{}")
    with pytest.raises(ValueError, match="damaged"):
        Index.open(index.path)
    file.unlink()
    with pytest.raises(ValueError, match=r"is gone|damaged"):
        Index.open(index.path)


def test_vectors_of_another_shape_than_promised_are_named(index: Index) -> None:
    (file,) = index.path.glob("segments/*/vectors.npy")
    np.save(file, vectors(2))
    with pytest.raises(ValueError, match=r"it holds \(2, 8\), not \(3, 8\); build the index again"):
        Index.open(index.path)


def test_a_damaged_list_of_what_was_removed_is_named(index: Index) -> None:
    index.remove([0])
    (file,) = index.path.glob("removed-*.npy")
    file.write_bytes(b"x")
    with pytest.raises(ValueError, match=r"removed-\d+\.npy is damaged"):
        Index.open(index.path)


def test_vectors_are_mapped_from_the_disk_and_not_read(index: Index) -> None:
    with Index.open(index.path) as opened:
        (segment,) = opened._segments
        assert isinstance(segment.vectors, np.memmap)
        assert not segment.vectors.flags.writeable
