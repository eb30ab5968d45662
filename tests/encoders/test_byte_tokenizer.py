from __future__ import annotations

import pytest

from vidkit.encoders.text.byte_tokenizer import ByteTokenizer


def _tokenizer(max_tokens: int = 512) -> ByteTokenizer:
    return ByteTokenizer(max_tokens, start_id=101, end_id=102, padding_id=0, first_byte_id=1000)


@pytest.mark.parametrize("text", ["", "a goal", "Größe 日本 🎬", "\x00\n"])
def test_the_bytes_between_start_and_end_are_the_text(text: str) -> None:
    (ids,) = _tokenizer().ids([text])
    assert (ids[0], ids[-1]) == (101, 102)
    assert bytes(i - 1000 for i in ids[1:-1]).decode() == text


def test_long_texts_are_cut_and_keep_their_end_token() -> None:
    (ids,) = _tokenizer(max_tokens=4).ids(["abcdef"])
    assert ids == [101, 1097, 1098, 102]


def test_half_a_surrogate_pair_is_a_question_mark() -> None:
    assert _tokenizer().ids(["\ud83c"]) == _tokenizer().ids(["?"])


def test_its_description_says_bytes() -> None:
    assert _tokenizer().description()["kind"] == "bytes"


def test_no_room_for_start_and_end_is_refused() -> None:
    with pytest.raises(ValueError, match="max_tokens must be at least 2, a start and an end token, got 1"):
        _tokenizer(max_tokens=1)
