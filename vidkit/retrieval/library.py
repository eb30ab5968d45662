"""FAISS, loaded when it is needed, and the GPUs that it sees."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHARE_OF_GPU = 0.5  # of its free memory, which a model may want, too


def load_faiss() -> Any:
    """Return the module ``faiss``.

    Raises:
        ImportError: If it is not installed or does not load.
    """
    if sys.platform == "darwin":
        import torch  # noqa: F401  # faiss first ends in a crash: both bring an OpenMP of their own
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            f"FAISS does not load ({error}); pip install faiss-cpu, or open the index on another machine"
        ) from error
    return faiss


def fits_gpu(num_bytes: int) -> bool:
    """Return whether FAISS sees a GPU whose free memory holds so much, and room besides."""
    faiss = load_faiss()
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() < 1:
        return False
    import torch

    return torch.cuda.is_available() and num_bytes <= _SHARE_OF_GPU * torch.cuda.mem_get_info(0)[0]


def to_gpu(index: Any) -> Any:
    """Return a copy of an index on the first GPU."""
    faiss = load_faiss()
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)


def flat_on_gpu(vectors: NDArray[np.float32]) -> Any:
    """Return an index of exact search over the vectors (N, D) on the first GPU, filled block by block."""
    faiss = load_faiss()
    index = to_gpu(faiss.IndexFlatIP(vectors.shape[1]))
    for start in range(0, len(vectors), 2**16):
        index.add(np.ascontiguousarray(vectors[start : start + 2**16]))
    return index
