from __future__ import annotations

import copy
import json
import pickle
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from vidkit.encoders import GloVe
from vidkit.encoders.text.glove import split_glove_words
from vidkit.encoders.text.glove_file import GloveFile

WORDS = ["the", "person", "'s", "does", "n't", "t-shirt", "goal", "late", "runs", "way", "half", "."]
pytestmark = pytest.mark.filterwarnings("ignore:.*has no vector of")


def _vectors(num: int = len(WORDS), dim: int = 5) -> np.ndarray:
    return np.round(np.random.default_rng(0).normal(size=(num, dim)), 4)


def _write(path: Path, words: list[str], vectors: np.ndarray) -> Path:
    lines = [f"{word} {' '.join(map(str, row))}\n" for word, row in zip(words, vectors)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return _write(tmp_path / "glove.6B.5d.txt", WORDS, _vectors())


def _of(*words: str) -> np.ndarray:
    """The numbers of the file; 0 for a word that it lacks."""
    table = dict(zip(WORDS, _vectors()))
    return np.stack([table.get(word, np.zeros(5)) for word in words])


def test_tokens_are_the_vectors_of_the_words(file: Path) -> None:
    vectors, mask = GloVe(weights=str(file)).tokens(["The person RUNS!", "", "a late goal."])
    assert mask.tolist() == [[True] * 3, [False] * 3, [True] * 3]
    np.testing.assert_allclose(vectors[0], _of("the", "person", "runs"), atol=1e-7)
    np.testing.assert_allclose(vectors[2], _of("a", "late", "goal"), atol=1e-7)
    assert (vectors[1] == 0).all()


def test_a_text_is_the_mean_over_its_known_words(file: Path) -> None:
    features = GloVe(weights=str(file))(["a late goal.", "unheard", "", "[empty]", "Late"])
    expected = np.stack([_of("late", "goal").mean(0), *np.zeros((3, 5)), _of("late")[0]])
    np.testing.assert_allclose(features, expected, atol=1e-6)
    assert features.dtype == torch.float32


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the person's t-shirt doesn't fit.", ["the", "person", "'s", "t-shirt", "does", "n't", "fit"]),
        ("half-way, to (the) goal", ["half", "way", "to", "the", "goal"]),
        ("They\N{RIGHT SINGLE QUOTATION MARK}re late!?", ["They", "'re", "late"]),
        ('"quoted" snake_case 3.5', ["quoted", "snake", "case", "3", "5"]),
        (" ... ", []),
    ],
)
def test_punctuation_is_split_off(text: str, words: list[str]) -> None:
    assert split_glove_words(text, WORDS) == words


def test_no_query_of_charades_keeps_punctuation_at_its_end(real_data: Path) -> None:
    lines = (real_data / "charades_sta" / "charades_test_release.jsonl").read_text().splitlines()
    queries = [json.loads(line)["query"] for line in lines]
    words = [word for query in queries for word in split_glove_words(query.lower(), set())]
    assert len(queries) == 3720
    assert len(words) > 3720 * 5
    assert not [word for word in words if not word[-1].isalnum()]


def test_the_recipes_imitate_the_tools(file: Path) -> None:
    texts = ["person runs.", "person runs"]
    umt, _ = GloVe(weights=str(file), recipe="umt").tokens(texts)
    np.testing.assert_allclose(umt[0], _of("person", "runs"), atol=1e-7)
    np.testing.assert_allclose(umt[1], _of("person", "run"), atol=1e-7)  # a letter is lost, as there
    lighthouse, _ = GloVe(weights=str(file), recipe="lighthouse").tokens(texts)
    np.testing.assert_allclose(lighthouse[0], _of("person", "runs."), atol=1e-7)
    np.testing.assert_allclose(lighthouse[1], _of("person", "runs"), atol=1e-7)


def test_unknown_words_are_counted_and_told_once(file: Path) -> None:
    encoder = GloVe(weights=str(file))
    with pytest.warns(UserWarning, match=r"glove\.6B\.5d\.txt has no vector of 'striker', which is zero"):
        encoder.tokens(["striker runs", "a striker"])
    encoder(["striker"])
    assert encoder.unknown_words == {"striker": 3, "a": 1}


def test_case_counts_where_the_file_has_capital_letters(tmp_path: Path) -> None:
    file = _write(tmp_path / "cased.txt", ["Goal", "goal"], _vectors(2))
    upper, lower = GloVe(weights=str(file))(["Goal", "goal"])
    np.testing.assert_allclose(torch.stack([upper, lower]), _vectors(2), atol=1e-7)


def test_words_with_blanks_are_read(tmp_path: Path) -> None:
    file = GloveFile(_write(tmp_path / "glove.840B.txt", ["the", ". . .", "at name@domain.com"], _vectors(3)))
    np.testing.assert_allclose(file.vector(". . ."), _vectors(3)[1], atol=1e-7)
    assert (len(file), file.dim, "at name@domain.com" in file) == (3, 5, True)


def test_keeps_the_contract_of_encoders(file: Path, tmp_path: Path) -> None:
    encoder = GloVe(weights=str(file))
    description = json.loads(json.dumps(encoder.description()))
    assert (description["encoder"], description["dim"]) == ("GloVe", 5)
    again = GloVe(weights=str(file), **encoder.arguments())
    assert again.fingerprint() == encoder.fingerprint()
    other = _write(tmp_path / "other.txt", WORDS, _vectors() + 1)
    assert GloVe(weights=str(other)).fingerprint() != encoder.fingerprint()
    assert encoder([]).shape == (0, 5)
    for copied in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        assert copied(["late goal"]).equal(encoder(["late goal"]))
    words = encoder.tokens(["goal " * 600])[0]
    assert words.shape == (1, 512, 5)


@pytest.mark.slow
def test_400_000_words_open_in_seconds_and_in_little_memory(tmp_path: Path) -> None:
    row = " ".join(["-0.12345"] * 300)
    path = tmp_path / "large.txt"
    with path.open("w") as file:
        file.writelines(f"w{i} {row}\n" for i in range(400_000))
    start = time.perf_counter()
    words = GloveFile(path)
    assert time.perf_counter() - start < 10
    assert len(words) == 400_000
    np.testing.assert_allclose(words.vector("w399999"), -0.12345, rtol=1e-6)


def test_no_file_is_refused_with_the_one_to_get(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"GloVe has no vectors of its own: .*glove\.6B\.300d\.txt from"):
        GloVe()
    with pytest.raises(ValueError, match=r"'some/name' is no file: .*glove\.6B\.300d\.txt"):
        GloVe(weights="some/name")
    with pytest.raises(FileNotFoundError, match="no weights at"):
        GloVe(weights=str(tmp_path / "glove.txt"))
    with pytest.raises(FileNotFoundError, match="no file of word vectors at"):
        GloVe(weights=str(tmp_path))


def test_an_unknown_recipe_is_refused(file: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown recipe of GloVe: 'usv'.* known: words, umt, lighthouse"):
        GloVe(weights=str(file), recipe="usv")


def test_a_str_in_place_of_a_list_is_refused(file: Path) -> None:
    with pytest.raises(TypeError, match="GloVe reads a list of str, got the str 'goal'; put it into a list"):
        GloVe(weights=str(file))("goal")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty; download it again"),
        (b"400000 300\nthe 1 2 3\n", "line 1: a word and its numbers must stand here.*it has 2 fields"),
        (b"the 1 2 3\na 1 2\n", "line 2: 2 numbers instead of 3; is the file cut short"),
        (b"the 1 2 3\n\xff\xfe 1 2 3\n", "line 2 is no UTF-8"),
    ],
)
def test_malformed_files_are_refused_with_the_line(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(ValueError, match=problem):
        GloVe(weights=str(tmp_path / "bad.txt"))


@pytest.mark.parametrize(
    ("value", "problem"), [("x", "could not convert"), ("nan", "a number is not finite")]
)
def test_malformed_numbers_are_refused_with_the_line(tmp_path: Path, value: str, problem: str) -> None:
    (tmp_path / "bad.txt").write_text(f"the 1 2\ngoal 1 {value}\n")
    with pytest.raises(ValueError, match=f"line 2: {problem}"):
        GloVe(weights=str(tmp_path / "bad.txt"))(["goal"])


def test_the_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "glove.6B.zip", "w") as archive:
        archive.writestr("glove.6B.300d.txt", "the 1 2 3\n")
    with pytest.raises(ValueError, match=r"is a zip archive; unpack it and give one of the \.txt files"):
        GloVe(weights=str(tmp_path / "glove.6B.zip"))
