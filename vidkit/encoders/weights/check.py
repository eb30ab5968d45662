"""What a file of weights is: container, scheme, size, digest, and which encoders load it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from vidkit.encoders.weights.catalogue import KNOWN, KnownWeights
from vidkit.encoders.weights.containers import State, container_of, read_weights
from vidkit.encoders.weights.schemes import LOADED_BY, recognise
from vidkit.encoders.weights.source import split_prefix

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class WeightsFile:
    """What ``check_weights`` found.

    Args:
        path: The file, or the folder.
        container: "torch", "TorchScript", "safetensors", "pickle", or "text" of word vectors.
        scheme: Whose names the weights have, one of ``SCHEMES``, or None.
        encoders: The encoders that load it, as far as the scheme or the catalogue says.
        num_tensors: Named tensors.
        num_parameters: Numbers in them.
        sha256: Digest of the file; None for a folder with several.
        known: Name in the catalogue of the public weights with this digest, or else this file name, or None.
        digest: "right" or "wrong" against the published digest; None where none is published.
    """

    path: str
    container: str
    scheme: str | None
    encoders: tuple[str, ...]
    num_tensors: int
    num_parameters: int
    sha256: str | None
    known: str | None
    digest: str | None


def check_weights(weights: str | Path, *, trust: bool = False) -> WeightsFile:
    """Read a file of weights, or a folder of the hub, and tell what it is.

    Args:
        weights: The file or folder; a prefix (FILE#PREFIX) is left aside.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If it is not there, or the folder holds no weights.
        ValueError: If it cannot be read.
    """
    path, _ = split_prefix(weights)
    files = _files(path)
    is_text = files[0].suffix == ".txt"
    state: State = {}
    for file in () if is_text else files:
        state.update(read_weights(file, trust=trust))
    sha256 = sha256_of(files[0]) if len(files) == 1 else None
    known = _known(path, files[0], sha256)
    scheme = recognise(state)
    return WeightsFile(
        path=str(path),
        container="text" if is_text else container_of(files[0]),
        scheme=scheme,
        encoders=LOADED_BY[scheme] if scheme else known.encoders if known else (),
        num_tensors=len(state),
        num_parameters=sum(value.numel() for value in state.values()),
        sha256=sha256,
        known=known.name if known else None,
        digest=_digest(known, sha256),
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.exists():
        raise FileNotFoundError(f"no weights at {path}; give the file of a checkpoint or a folder")
    found = next((files for kind in ("*.safetensors", "*.bin") if (files := sorted(path.glob(kind)))), None)
    if found is None:
        raise FileNotFoundError(
            f"the folder {path} holds no weights: no .safetensors or .bin file; download it whole"
        )
    return found


def _known(path: Path, file: Path, sha256: str | None) -> KnownWeights | None:
    """Return the public weights with this digest, else with this name."""
    by_digest = (each for each in KNOWN if sha256 and each.sha256 and sha256.startswith(each.sha256))
    by_name = (each for each in KNOWN if each.file_name == path.name and each.main_file in (None, file.name))
    return next(by_digest, None) or next(by_name, None)


def _digest(known: KnownWeights | None, sha256: str | None) -> str | None:
    if known is None or known.sha256 is None or sha256 is None:
        return None
    return "right" if sha256.startswith(known.sha256) else "wrong"
