"""The text side of CLIP.

Shapes: N texts, L tokens, D = 512 or 768 channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vidkit.encoders.base import TextRecipe
from vidkit.encoders.clip_folder import Activation, activation_of
from vidkit.encoders.clip_names import hugging_face_text, text_names
from vidkit.encoders.options import one_of
from vidkit.encoders.text.clip_tokenizer import clip_byte_tokenizer, load_clip_tokenizer
from vidkit.encoders.text.pooling import last_token
from vidkit.encoders.text.transformer import TextTransformer, find_weights
from vidkit.encoders.weights import Converter, fixed_random, load_into
from vidkit.encoders.weights.folder import weights_file
from vidkit.encoders.weights.source import split_prefix
from vidkit.registry import ENCODERS

VARIANTS: dict[str, dict[str, int]] = {
    "ViT-B/32": dict(hidden_size=512, projection_dim=512, vocab_size=49408),
    "ViT-B/16": dict(hidden_size=512, projection_dim=512, vocab_size=49408),
    "ViT-L/14": dict(hidden_size=768, projection_dim=768, vocab_size=49408),
}
"""Name -> sizes of the text side, named as in transformers; heads have 64 channels; 12 layers."""


@dataclass(frozen=True)
class QueryRecipe(TextRecipe):
    """A sentence whose tokens a model reads one by one.

    Args:
        num_states: States that ``tokens`` gives at most, the first of the text; the rest is encoded and cut.
    """

    num_states: int


RECIPES = {
    "clip": QueryRecipe(max_tokens=77, num_states=77),  # as CLIP was trained
    # The token states in QVHighlights' files are of up to 77 tokens; jayleicn/moment_detr (utils of its data
    # set, max_q_l) and those after it read the first 32, so that a longer query has no end token.
    "qvhighlights": QueryRecipe(max_tokens=77, num_states=32),
}


@ENCODERS.register_module()
class CLIPText(TextTransformer):
    """CLIP's text side: the state of the end token, projected, not normalised; or the states of all tokens.

    "Learning Transferable Visual Models From Natural Language Supervision"
    (https://arxiv.org/abs/2103.00020), section 2.4; the module is that of transformers. The vectors lie in
    the space of ``CLIPVisual`` of the same variant and weights. ``tokens`` gives what QVHighlights calls
    ``last_hidden_state``: the states behind the last norm, before the projection, start and end included.

    Text is written small and not cleaned otherwise: OpenAI's code also repairs broken UTF-8 and HTML.

    Args:
        variant: One of ``VARIANTS``.
        weights: Folder of Hugging Face (both halves of CLIP or the text side alone), name on the hub, file
            of OpenAI or open_clip, or FILE#PREFIX of a checkpoint of vidkit; None draws random weights and
            reads text as bytes.
        tokenizer: Folder of the vocabulary, if it does not lie beside the weights and no installed package
            (``pip install vidkit[text]``) carries it; "bytes" for weights trained with the bytes of vidkit.
        recipe: One of ``RECIPES``.
        activation: "quick_gelu" of OpenAI's weights; "gelu" of most others. The config of a folder wins.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If the weights are neither here nor on the hub.
        ValueError: If the weights do not fit or have no vocabulary, or a name is unknown.
    """

    recipe: QueryRecipe

    def __init__(
        self,
        *,
        variant: str = "ViT-B/32",
        weights: str | None = None,
        tokenizer: str | None = None,
        recipe: str = "clip",
        activation: Activation = "quick_gelu",
        trust: bool = False,
    ) -> None:
        super().__init__()
        one_of(VARIANTS, variant, "variant of CLIPText")
        if activation not in ("quick_gelu", "gelu"):
            raise ValueError(f"activation must be 'quick_gelu' or 'gelu', got {activation!r}")
        self.recipe = one_of(RECIPES, recipe, "recipe of CLIPText")
        self._recipe_name, self.variant = recipe, variant
        sizes = _all_sizes(variant)
        path = find_weights(weights, owner="CLIPText", variant=variant) if weights is not None else None
        if path is not None and path.is_dir():
            activation = activation_of(path, "text", sizes, owner=f"CLIPText {variant}")
        self.activation = activation
        self.dim = sizes["projection_dim"]
        self.model = _build(sizes, activation, f"CLIPText {variant}")
        max_tokens, vocab_size = self.recipe.max_tokens, sizes["vocab_size"]
        self.tokenizer = clip_byte_tokenizer(max_tokens, vocab_size)
        if path is not None:
            load_into(
                self,
                weights_file(path) if path.is_dir() else path,
                converters={
                    "OpenAI CLIP": _own_names(text_names),
                    "Hugging Face CLIP": _own_names(hugging_face_text),
                    "Hugging Face CLIP text": _own_names(hugging_face_text),
                },
                owner=f"CLIPText {variant}",
                trust=trust,
            )
            place = split_prefix(path)[0]
            self.tokenizer = load_clip_tokenizer(
                place, tokenizer, max_tokens=max_tokens, vocab_size=vocab_size
            )
        self.eval()

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states behind the last norm, (N, L, D); no token sees what comes behind it."""
        states: Tensor = self.model.text_model(input_ids=ids).last_hidden_state
        return states

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the projected state of the end token, (N, D)."""
        projected: Tensor = self.model.text_projection(last_token(states, mask))
        return projected

    def tokens(self, clips: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the states of the first ``recipe.num_states`` tokens of each text, start included.

        Returns:
            States (N, L, D) float32, zero at the padding; mask (N, L). L is at least 1.

        Raises:
            TypeError: If ``clips`` is one str instead of a list of them.
        """
        states, mask = super().tokens(clips)
        return states[:, : self.recipe.num_states], mask[:, : self.recipe.num_states]

    def arguments(self) -> dict[str, Any]:
        """Return variant, recipe and activation."""
        return {"variant": self.variant, "recipe": self._recipe_name, "activation": self.activation}


def _own_names(convert: Converter) -> Converter:
    return lambda state: {f"model.{name}": value for name, value in convert(state).items()}


def _build(sizes: dict[str, int], activation: str, name: str) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    end = sizes["vocab_size"] - 1
    special: dict[str, Any] = {"bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end}
    config = CLIPTextConfig(**{**sizes, **special, "hidden_act": activation})
    with fixed_random(name):
        return CLIPTextModelWithProjection(config)


def _all_sizes(variant: str) -> dict[str, int]:
    sizes = VARIANTS[variant]
    width = sizes["hidden_size"]
    return {
        "num_hidden_layers": 12,
        "num_attention_heads": width // 64,
        "intermediate_size": 4 * width,
        "max_position_embeddings": 77,
        **sizes,
    }
