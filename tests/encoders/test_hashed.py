from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from vidkit.encoders import HashedText


def _reference_text_vector(text: str, dim: int) -> np.ndarray:
    """The sum over words of their unit vectors, at unit length; ASCII words apart by blanks."""
    total = np.zeros(dim)
    for word in text.lower().split():
        vector = np.zeros(dim)
        framed = f"<{word}>"
        ngrams = [framed[i : i + 3] for i in range(len(framed) - 2)]
        for name, weight in [("w:" + word, 1.0)] + [("g:" + n, len(ngrams) ** -0.5) for n in ngrams]:
            digest = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
            vector[(digest >> 1) % dim] += weight * (-1 if digest & 1 else 1)
        total += vector / np.linalg.norm(vector)
    return total / np.linalg.norm(total)


def test_agrees_with_the_definition() -> None:
    texts = ["a late goal wins the match", "Knead the dough", "goal goal goal"]
    features = HashedText(dim=64)(texts)
    expected = np.stack([_reference_text_vector(text, 64) for text in texts])
    np.testing.assert_allclose(features.numpy(), expected, atol=1e-6)


def test_texts_have_length_one_and_nothing_said_is_zero() -> None:
    features = HashedText()(["a goal", "", "...", "[empty]", " [empty]\n", "empty"])
    torch.testing.assert_close(features.norm(dim=1), torch.tensor([1.0, 0, 0, 0, 0, 1]))


def test_case_and_typography_do_not_matter() -> None:
    upper, lower, full_width, accents = HashedText()(["ÉTÉ goal!", "été Goal", "Été ｇｏａｌ", "ete goal"])
    torch.testing.assert_close(upper, lower)
    torch.testing.assert_close(upper, full_width)
    assert not torch.allclose(upper, accents)


def test_a_word_is_nearer_to_its_plural_than_to_another_word() -> None:
    encoder = HashedText(dim=1024)
    goal, goals, kitchen = encoder(["goal", "goals", "kitchen"])
    assert goal @ goals > 0.25
    assert abs(goal @ kitchen) < 0.15


def test_tokens_are_the_words_and_their_mask() -> None:
    vectors, mask = HashedText(dim=32).tokens(["one two three", "", "one"])
    assert vectors.shape == (3, 3, 32)
    assert mask.tolist() == [[True] * 3, [False] * 3, [True, False, False]]
    torch.testing.assert_close(vectors[0, 0], vectors[2, 0])
    assert (vectors[~mask] == 0).all()
    torch.testing.assert_close(vectors[mask].norm(dim=-1), torch.ones(4))


def test_words_beyond_the_limit_are_left_out() -> None:
    encoder = HashedText(dim=8)
    vectors, mask = encoder.tokens(["goal " * 600])
    assert vectors.shape == (1, 512, 8)
    assert mask.all()
    assert encoder.recipe.max_tokens == 512  # type: ignore[union-attr]


def test_no_texts_give_no_vectors() -> None:
    encoder = HashedText(dim=8)
    assert encoder([]).shape == (0, 8)
    assert encoder.tokens([])[1].shape == (0, 1)


def test_one_str_instead_of_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match="put it into a list"):
        HashedText()("goal")


def test_no_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="dim must be at least 1, got 0"):
        HashedText(dim=0)
