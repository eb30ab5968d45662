"""BERT of many languages, for what is written on the screen.

Shapes: N texts, L tokens, D = 768 channels.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from vidkit.encoders.base import TextRecipe
from vidkit.encoders.options import one_of
from vidkit.encoders.text.bert_model import BertSize, build_bert, byte_tokenizer, load_bert
from vidkit.encoders.text.pooling import first_token, mean_of_tokens
from vidkit.encoders.text.transformer import TextTransformer
from vidkit.registry import ENCODERS

VARIANTS = {
    "base-multilingual-cased": BertSize(vocab_size=119547),
    "base-multilingual-uncased": BertSize(vocab_size=105879),
    "base-cased": BertSize(vocab_size=28996),
    "base-uncased": BertSize(vocab_size=30522),
}
"""Google's releases of the base size, by their names on the hub without "bert-"."""

RECIPES = {
    # USV: all the text that OCR found in a clip, joined in order of time; "" where it found none.
    "usv": TextRecipe(max_tokens=512),
}

Pooling = Literal["pooler", "cls", "mean"]


@ENCODERS.register_module()
class BERT(TextTransformer):
    """BERT base: 12 layers, 768 channels; the encoder of on-screen text of the USV paper.

    "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"
    (https://arxiv.org/abs/1810.04805). USV names the release of 104 languages, which is the cased one, and
    does not say how it pools; it fine-tunes, for which the authors of BERT take the pooler.

    ``tokens`` gives the states of the last layer, (N, L, 768), start and end token included.

    Args:
        weights: Folder of Hugging Face, name on the hub, or file (FILE#PREFIX of a checkpoint of vidkit);
            None draws random weights and reads text as bytes.
        tokenizer: Folder of the tokenizer, if it does not lie beside the weights; "bytes" for weights that
            were trained with the bytes of vidkit.
        variant: One of ``VARIANTS``.
        pooling: "pooler", tanh of a dense layer on the start token; "cls", the start token; "mean", over all.
        recipe: One of ``RECIPES``.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If the weights are neither here nor on the hub.
        ValueError: If the weights do not fit or have no tokenizer, or a name is unknown.
    """

    def __init__(
        self,
        *,
        weights: str | None = None,
        tokenizer: str | None = None,
        variant: str = "base-multilingual-cased",
        pooling: Pooling = "pooler",
        recipe: str = "usv",
        trust: bool = False,
    ) -> None:
        super().__init__()
        one_of(VARIANTS, variant, "variant of BERT")
        if pooling not in ("pooler", "cls", "mean"):
            raise ValueError(f"pooling must be pooler, cls or mean, got {pooling!r}")
        self.variant, self.pooling, self._recipe_name = variant, pooling, recipe
        self.recipe = one_of(RECIPES, recipe, "recipe of BERT")
        size = VARIANTS[variant]
        self.dim = size.hidden_size
        with_pooler = pooling == "pooler"
        self.model = build_bert(size, with_pooler=with_pooler, name=f"BERT {variant}")
        self.tokenizer = byte_tokenizer(self.recipe.max_tokens)
        if weights is not None:
            self.tokenizer = load_bert(
                self,
                weights,
                size=size,
                with_pooler=with_pooler,
                tokenizer=tokenizer,
                lower_case="uncased" in variant,
                trust=trust,
            )
        self.eval()

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states of the last layer, (N, L, D)."""
        states: Tensor = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return states

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per text, (N, D)."""
        if self.pooling == "mean":
            return mean_of_tokens(states, mask)
        if self.pooling == "cls":
            return first_token(states, mask)
        pooler: Any = self.model.pooler
        return torch.as_tensor(pooler(states))

    def arguments(self) -> dict[str, Any]:
        """Return variant, pooling and recipe."""
        return {"variant": self.variant, "pooling": self.pooling, "recipe": self._recipe_name}
