"""Text files of word vectors: a word and its numbers on each line, read where they are asked for.

Shapes: D channels.
"""

from __future__ import annotations

import hashlib
import zipfile
from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BLOCK_BYTES = 1 << 22


class GloveFile:
    """The words of a file and where they stand; a vector is read when its word comes for the first time.

    So a file of 400,000 words opens in seconds and takes tens of megabytes instead of half a gigabyte.

    Args:
        path: Lines ``word v1 .. vD``; the file must stay where it is.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line has another number of fields than the first; the message gives its number.

    Attributes:
        dim: D, numbers on a line.
        is_lower_case: Whether no word has a capital letter.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"no file of word vectors at {path}; give glove.6B.300d.txt or its like")
        if zipfile.is_zipfile(path):
            raise ValueError(f"{path} is a zip archive; unpack it and give one of the .txt files in it")
        self.path = path
        self._row_of: dict[str, int] = {}
        self._offsets = array("Q")
        self._vectors: dict[int, NDArray[np.float32]] = {}
        self._hash: str | None = None
        self.dim = self._read_words()
        self.is_lower_case = all(word == word.lower() for word in self._row_of)

    def __len__(self) -> int:
        """Return the number of different words."""
        return len(self._row_of)

    def __contains__(self, word: object) -> bool:
        """Return whether the file has the word, in this case."""
        return word in self._row_of

    def vector(self, word: str) -> NDArray[np.float32]:
        """Return the vector of a word of the file, (D,).

        Raises:
            ValueError: If a field of its line is no number.
        """
        row = self._row_of[word]
        if row not in self._vectors:
            with self.path.open("rb") as file:
                file.seek(self._offsets[row])
                fields = file.readline().split(b" ")[-self.dim :]
            try:
                vector = np.array(fields, dtype=np.float32)
            except ValueError as error:
                raise ValueError(f"{self.path}, line {row + 1}: {error}; download the file again") from error
            if not np.isfinite(vector).all():
                raise ValueError(
                    f"{self.path}, line {row + 1}: a number is not finite; download the file again"
                )
            self._vectors[row] = vector
        return self._vectors[row]

    def content_hash(self) -> str:
        """Return 16 hex digits of the SHA-256 of the file."""
        if self._hash is None:
            digest = hashlib.sha256()
            with self.path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
            self._hash = digest.hexdigest()[:16]
        return self._hash

    def _read_words(self) -> int:
        """Fill the table of words and return D."""
        dim = offset = 0
        with self.path.open("rb", buffering=_BLOCK_BYTES) as file:
            for row, line in enumerate(file):
                num_numbers = line.count(b" ")
                if row == 0:
                    dim = num_numbers
                    if dim < 2:
                        raise ValueError(
                            f"{self.path}, line 1: a word and its numbers must stand here, apart by blanks; "
                            f"it has {num_numbers + 1} fields (leave out the first line of word2vec)"
                        )
                if num_numbers < dim:
                    raise ValueError(
                        f"{self.path}, line {row + 1}: {num_numbers} numbers instead of {dim}; "
                        "is the file cut short?"
                    )
                # A few words of the large files hold blanks of their own.
                word = line.partition(b" ")[0] if num_numbers == dim else line.rsplit(b" ", dim)[0]
                try:
                    self._row_of.setdefault(word.decode(), row)
                except UnicodeDecodeError as error:
                    raise ValueError(f"{self.path}, line {row + 1} is no UTF-8: {error}") from error
                self._offsets.append(offset)
                offset += len(line)
        if not dim:
            raise ValueError(f"{self.path} is empty; download it again")
        return dim
