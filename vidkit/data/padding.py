"""From samples of different lengths to one batch, and the masks that say what is real.

Shapes: B samples, T clips of the longest, D channels.
"""

from __future__ import annotations

from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vidkit.registry import MODELS


def pad_sequences(sequences: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the sequences padded with zeros, (B, T, ...), and the mask (B, T), True where real.

    Example:
        >>> padded, mask = pad_sequences([torch.ones(1, 2), torch.ones(3, 2)])
        >>> padded.shape, mask.tolist()
        (torch.Size([2, 3, 2]), [[True, False, False], [True, True, True]])
    """
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    padded = pad_sequence(sequences, batch_first=True)
    mask = torch.arange(padded.shape[1]) < lengths[:, None]  # (B, T)
    return padded, mask.to(padded.device)


@MODELS.register_module()
class PadSequences(BaseDataPreprocessor):
    """Pad every modality of a batch, and move it to the model's device.

    Turns ``dict(inputs={modality: [B tensors (T_i, ...)]}, data_samples=[...])`` into
    ``dict(inputs={modality: (B, T, ...)}, masks={modality: (B, T)}, data_samples=[...])``. Sentences, a list
    of B str, stay as they are and have no mask.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Return the padded batch; see the class."""
        data = self.cast_data(data)
        inputs: dict[str, Tensor | list[str]] = {}
        masks = {}
        for modality, sequences in data["inputs"].items():
            if len(sequences) and isinstance(sequences[0], str):
                inputs[modality] = list(sequences)
            else:
                inputs[modality], masks[modality] = pad_sequences(list(sequences))
        return {"inputs": inputs, "masks": masks, "data_samples": data.get("data_samples")}
