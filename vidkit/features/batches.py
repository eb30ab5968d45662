"""Calls of a model that always have the same number of rows, whichever videos these come from.

A row of a batch then takes the same way through the kernels wherever it stands and whatever stands beside
it, so that a video's features do not depend on the other videos of a job. Shapes: N rows, D channels.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidkit.encoders.base import Encoder
from vidkit.features.chosen import Choice, choose_execution, chosen_execution
from vidkit.features.execution import (
    PLAIN,
    EncodeRunner,
    Execution,
    Precision,
    check_possible,
    fastest_execution,
)

Owner = TypeVar("Owner")
Rows = NDArray[np.float32]

# Rows of a call: as many as there are pictures of 224 x 224 in the inputs, up to these.
_ROWS_ON_CPU, _ROWS_ON_GPU = 16, 256
_NUMBERS_OF_A_PICTURE = 3 * 224 * 224


def default_batch_size(inputs: Tensor, device: torch.device) -> int:
    """Return how many rows like those of ``inputs`` an encoder gets at once; the same for every video.

    Example:
        >>> default_batch_size(torch.zeros(1, 3, 224, 224), torch.device("cpu"))
        16
        >>> default_batch_size(torch.zeros(1, 8, 3, 224, 224), torch.device("cpu"))
        2
    """
    limit = _ROWS_ON_CPU if device.type == "cpu" else _ROWS_ON_GPU
    return min(limit, max(1, limit * _NUMBERS_OF_A_PICTURE // math.prod(inputs.shape[1:])))


class WayError(ValueError):
    """An encoder that runs plainly cannot run in the way it should; no video is to blame."""


class EncoderCall:
    """Calls an encoder in one way, which the first call chooses and the folder of the features remembers.

    The ways of one precision differ by rounding, so a job that goes on takes the one it began with, and
    its batch size where none is given.

    Args:
        encoder: Stands on its device, in eval mode.
        folder: Of its features in the store.
        execution: The way, or the precision whose fastest way is taken.
        batch_size: Rows of a batch; None takes those of before, or fits them to the device.

    Raises:
        ValueError: If the machine cannot run the encoder that way, or the folder began in another one.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        folder: Path,
        execution: Execution | Precision,
        batch_size: int | None = None,
    ) -> None:
        self.encoder = encoder
        self._folder = folder
        self._wanted = execution
        self._runner: EncodeRunner | None = None
        self._has_weights = any(True for _ in encoder.parameters())
        self._known = chosen_execution(folder, self.device.type) if self._has_weights else None
        self._batch_size = batch_size
        if batch_size is None and self._known is not None:
            self._batch_size = self._known.batch_size
        if self._has_weights and isinstance(execution, Execution):
            check_possible(encoder, execution)
            self._check_same(execution)

    @property
    def device(self) -> torch.device:
        """Where the encoder stands."""
        for tensor in chain(self.encoder.parameters(), self.encoder.buffers()):
            return tensor.device
        return torch.device("cpu")

    @property
    def computed(self) -> dict[str, str]:
        """What a sidecar says of the device and the way that has been chosen."""
        execution = PLAIN if self._runner is None else self._runner.execution
        return {"device": self.device.type, "execution": str(execution)}

    def batch_size(self, inputs: Tensor) -> int:
        """Return how many rows like those of ``inputs`` a batch has; the same from the first call on."""
        if self._batch_size is None:
            self._batch_size = default_batch_size(inputs, self.device)
        return self._batch_size

    def encode(self, inputs: Any) -> Rows:
        """Return the features of what ``preprocess`` gave, (N, D).

        Raises:
            WayError: If the encoder runs plainly and not in the way it should.
            ValueError: If there is not one row for each input.
        """
        rows = self._run(EncodeRunner.__call__, inputs)
        if isinstance(inputs, Tensor | list) and rows.shape != (len(inputs), self.encoder.dim):
            raise ValueError(
                f"{type(self.encoder).__name__} gave rows {rows.shape} for {len(inputs)} clips; its encode "
                f"must give ({len(inputs)}, {self.encoder.dim})"
            )
        return rows

    def sequence(self, inputs: Any) -> Rows:
        """Return the many vectors of one piece of sound, (N, D).

        Raises:
            WayError: If the encoder runs plainly and not in the way it should.
            ValueError: If the vectors have another width.
        """
        vectors = self._run(EncodeRunner.sequence, inputs)
        if vectors.ndim != 3 or len(vectors) != 1 or vectors.shape[2] != self.encoder.dim:
            raise ValueError(
                f"{type(self.encoder).__name__} gave vectors {vectors.shape} for a piece of sound; its "
                f"sequence must give (1, N, {self.encoder.dim})"
            )
        piece: Rows = vectors[0]
        return piece

    def _placed(self, inputs: Any) -> Any:
        return inputs.to(self.device, non_blocking=True) if isinstance(inputs, Tensor) else inputs

    def _run(self, run: Callable[[EncodeRunner, Any], Tensor], inputs: Any) -> Rows:
        inputs = self._placed(inputs)
        vectors = self._first(run, inputs) if self._runner is None else run(self._runner, inputs)
        rows: Rows = vectors.cpu().numpy()
        return rows

    def _first(self, run: Callable[[EncodeRunner, Any], Tensor], inputs: Any) -> Tensor:
        """Choose the way and run in it; the folder remembers it when that has gone well."""
        try:
            runner = EncodeRunner(self.encoder, execution=self._choose(inputs))
            vectors = run(runner, inputs)
        except Exception as error:  # of the way, or of these inputs: the plain way tells
            if self._wanted == PLAIN or not self._has_weights or isinstance(error, torch.OutOfMemoryError):
                raise
            run(EncodeRunner(self.encoder), inputs)
            raise WayError(
                f"{type(self.encoder).__name__} cannot run as {self._wanted} ({type(error).__name__}: "
                f"{error}); choose another way (--execution)"
            ) from error
        if self._has_weights and self._known is None:
            mine = Choice(runner.execution, self._batch_size, torch.get_num_threads())
            self._known = choose_execution(self._folder, self.device.type, mine)
            self._check_same(self._wanted)
        if self._known is not None and self._known.execution != runner.execution:  # another was faster
            runner = EncodeRunner(self.encoder, execution=self._known.execution)
            vectors = run(runner, inputs)
        self._runner = runner
        return vectors

    def _choose(self, inputs: Any) -> Execution:
        if not self._has_weights:
            return PLAIN
        if self._known is not None:
            return self._known.execution
        if isinstance(self._wanted, Execution):
            return self._wanted
        return fastest_execution(self.encoder, inputs, self._wanted)

    def _check_same(self, wanted: Execution | Precision) -> None:
        known = self._known
        if known is not None and isinstance(wanted, Execution) and known.execution != wanted:
            raise WayError(
                f"{self._folder} holds features computed as {known.execution}, now it would be {wanted}; go "
                f"on as it began (--execution auto+{known.execution.precision}), write to another folder, or "
                "overwrite (--overwrite)"
            )


@dataclass(frozen=True)
class Batch(Generic[Owner]):
    """The inputs of one call.

    Args:
        inputs: First axis N; rows behind those of the parts only fill it up.
        parts: Whose the rows are, in order, and how many each has.
    """

    inputs: Tensor
    parts: Sequence[tuple[Owner, int]]

    def alone(self) -> Iterator[Batch[Owner]]:
        """Yield a batch of the same size for each part alone."""
        start = 0
        for owner, count in self.parts:
            yield Batch(_filled([self.inputs[start : start + count]], len(self.inputs)), [(owner, count)])
            start += count


class Batcher(Generic[Owner]):
    """Joins rows of several owners into batches of one size.

    Args:
        size: Rows of a batch.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._waiting: deque[tuple[Owner, Tensor]] = deque()
        self._num_waiting = 0

    def add(self, owner: Owner, inputs: Tensor) -> Iterator[Batch[Owner]]:
        """Take the next rows of an owner, first axis N; yield the batches that they fill."""
        self._waiting.append((owner, inputs))
        self._num_waiting += len(inputs)
        while self._num_waiting >= self.size:
            yield self._take()

    def owners(self) -> Iterator[Owner]:
        """Yield whose rows are waiting."""
        return (owner for owner, _ in self._waiting)

    def rest(self) -> Iterator[Batch[Owner]]:
        """Yield the last batch, filled up, if rows are waiting."""
        if self._num_waiting:
            yield self._take()

    def _take(self) -> Batch[Owner]:
        parts: list[tuple[Owner, int]] = []
        pieces: list[Tensor] = []
        room = self.size
        while room and self._waiting:
            owner, inputs = self._waiting.popleft()
            if len(inputs) > room:
                self._waiting.appendleft((owner, inputs[room:]))
                inputs = inputs[:room]
            parts.append((owner, len(inputs)))
            pieces.append(inputs)
            room -= len(inputs)
        self._num_waiting -= self.size - room
        return Batch(_filled(pieces, self.size), parts)


def _filled(pieces: Sequence[Tensor], size: int) -> Tensor:
    """Return the pieces as one tensor with ``size`` rows; the last one is repeated."""
    missing = size - sum(map(len, pieces))
    last = pieces[-1][-1:]
    return torch.cat([*pieces, last.expand(missing, *last.shape[1:])])
