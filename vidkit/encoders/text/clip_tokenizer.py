"""CLIP's tokenizer: its vocabulary is in no file of weights, and is the same for all of its models."""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from pathlib import Path
from typing import Any

from vidkit.encoders.text.byte_tokenizer import ByteTokenizer
from vidkit.encoders.text.tokenizer import BYTES, LibraryTokenizer, Tokenizer

VOCABULARY = "bpe_simple_vocab_16e6.txt.gz"  # OpenAI's name of its list of merges, clip/ in openai/CLIP
_PACKAGES = ("open_clip", "clip")  # of open_clip_torch and of OpenAI; both carry the file
_START, _END = "<|startoftext|>", "<|endoftext|>"
_NUM_MERGES = 49152 - 256 - 2  # of the longer list in the file, as in clip/simple_tokenizer.py


def clip_byte_tokenizer(max_tokens: int, vocab_size: int) -> ByteTokenizer:
    """Return the tokenizer of a CLIP with random weights: bytes are the first 256 ids, as in CLIP's own."""
    start, end = vocab_size - 2, vocab_size - 1
    return ByteTokenizer(max_tokens, start_id=start, end_id=end, padding_id=end, first_byte_id=0)


def load_clip_tokenizer(
    weights: Path, tokenizer: str | None, *, max_tokens: int, vocab_size: int
) -> Tokenizer:
    """Return the tokenizer of a CLIP with trained weights.

    Args:
        weights: Folder of the model, or file of weights, beside which a vocabulary may lie.
        tokenizer: Folder of the vocabulary, "bytes", or None for that beside the weights or, if there is
            none, that of an installed package.
        max_tokens: Tokens of a text at most, start and end included.
        vocab_size: Size of the model's table of tokens.

    Raises:
        FileNotFoundError: If ``tokenizer`` names a folder that is not there.
        ValueError: If there is no vocabulary, or it cannot be read or is of another size.
    """
    from transformers import CLIPTokenizer

    if tokenizer == BYTES:
        return clip_byte_tokenizer(max_tokens, vocab_size)
    folder = Path(tokenizer).expanduser() if tokenizer else weights if weights.is_dir() else weights.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of a tokenizer at {folder}; give the folder of CLIP's vocabulary")
    if _is_hugging_face(folder):
        library: Any = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    else:
        vocabulary, merges = _read_merges(_find_vocabulary(folder, weights))
        library = CLIPTokenizer(vocab=vocabulary, merges=merges)
    if len(library) != vocab_size:
        raise ValueError(
            f"the tokenizer of {folder} has {len(library)} tokens and the weights {weights} {vocab_size}; "
            "give the folder of this model's vocabulary as tokenizer=FOLDER"
        )
    return LibraryTokenizer(library, max_tokens=max_tokens)


def _is_hugging_face(folder: Path) -> bool:
    old = (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()
    return old or (folder / "tokenizer.json").is_file()


def _find_vocabulary(folder: Path, weights: Path) -> Path:
    if (folder / VOCABULARY).is_file():
        return folder / VOCABULARY
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(place) / VOCABULARY).is_file():
                return Path(place) / VOCABULARY
    raise ValueError(
        f"{folder} holds no vocabulary, without which CLIPText cannot read text for the weights {weights}: "
        f"pip install vidkit[text], or put {VOCABULARY} of openai/CLIP, or vocab.json and merges.txt, there; "
        'tokenizer="bytes" is for weights that vidkit trained with bytes'
    )


def _read_merges(path: Path) -> tuple[dict[str, int], list[Any]]:
    """Return the ids of all tokens and the merges out of OpenAI's file, as clip/simple_tokenizer.py does."""
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no readable vocabulary of CLIP: {error}; get it again") from error
    pairs = [tuple(line.split()) for line in lines[1 : _NUM_MERGES + 1] if line]
    merges: list[Any] = [pair for pair in pairs if len(pair) == 2]
    letters = _letters_of_bytes()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *(a + b for a, b in merges), _START, _END]
    return {token: number for number, token in enumerate(tokens)}, merges


def _letters_of_bytes() -> list[str]:
    """Return the letters that stand for bytes, in CLIP's order: the printable bytes, then the others."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    num_others = 256 - len(printable)
    return [*map(chr, printable), *(chr(256 + i) for i in range(num_others))]
