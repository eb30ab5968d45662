"""AST: a vision transformer on the spectrogram of ten seconds of sound, learnt on AudioSet.

Shapes: N clips, S samples, T = 1024 spectrogram frames, M = 128 mel bands, D = 768.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidkit.encoders.audio.arguments import check_waveforms
from vidkit.encoders.audio.front_ends import AstFilterBank
from vidkit.encoders.base import AudioRecipe, Encoder
from vidkit.encoders.options import one_of
from vidkit.encoders.weights import State, fixed_random, load_into, local_weights
from vidkit.encoders.weights.folder import check_sizes, model_config, quiet_transformers, weights_file
from vidkit.encoders.weights.hub import hub_folder
from vidkit.registry import ENCODERS

SAMPLE_RATE_HZ = 16000
RECIPES = {"audioset": AudioRecipe(sample_rate_hz=SAMPLE_RATE_HZ, window_seconds=10.24)}
"""``audioset``: the 1024 frames of the network, as YuanGongND/ast and transformers feed it."""

SIZES: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "patch_size": 16,
    "frequency_stride": 10,
    "time_stride": 10,
    "max_length": 1024,
    "num_mel_bins": 128,
}
"""The published network ("10-10"), named as in transformers."""

_MIN_SAMPLES = 400  # one window of Kaldi's filter bank
_FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")


@ENCODERS.register_module()
class AST(Encoder):
    """The Audio Spectrogram Transformer (https://arxiv.org/abs/2104.01778): 768 numbers for up to 10.24 s.

    The filter bank is cut into 12 x 101 patches; the vector is the mean of the class and the distillation
    token behind the last norm, in front of the classifier (``pooler_output`` in transformers, whose module
    this is). A shorter window is padded with zeros in front of the normalisation, a longer one is cut.

    Args:
        recipe: Name in ``RECIPES``.
        layer_norm_eps: Of every layer norm, > 0: 1e-6 in the authors' code; transformers' own folders say
            1e-12, which moves the vectors by about 1e-3. The config of a folder counts more.
        weights: Folder or hub name of transformers, checkpoint of YuanGongND/ast (as published, strides
            10 and 10), FILE#PREFIX of a checkpoint of vidkit; None for random ones, always the same.
        trust: Whether a pickle may run code while it is read.

    Raises:
        ValueError: If the recipe is unknown, ``layer_norm_eps`` is not positive, or the weights have another
            size or scheme.
        FileNotFoundError: If the weights are neither here nor on the hub.
    """

    modality = "audio"
    dim = 768

    def __init__(
        self,
        *,
        recipe: str = "audioset",
        layer_norm_eps: float = 1e-6,
        weights: str | None = None,
        trust: bool = False,
    ) -> None:
        super().__init__()
        self.recipe = one_of(RECIPES, recipe, "recipe of AST")
        file: Path | None = None
        if weights is not None:
            file = local_weights(weights) or hub_folder(weights, owner="AST")
        if file is not None and file.is_dir():
            layer_norm_eps = _eps_of(file)
            file = weights_file(file)
        if not layer_norm_eps > 0:
            raise ValueError(f"layer_norm_eps must be above 0, got {layer_norm_eps}")
        self._arguments = {"recipe": recipe, "layer_norm_eps": layer_norm_eps}
        self.filter_bank = AstFilterBank(
            sample_rate_hz=SAMPLE_RATE_HZ, num_mels=SIZES["num_mel_bins"], num_frames=SIZES["max_length"]
        )
        self.model = _build(layer_norm_eps)
        if file is not None:
            converters: dict[str, Callable[[State], State]] = {
                "AST": lambda state: _in_memory(_from_authors(state), layer_norm_eps, str(file)),
                "Hugging Face AST": lambda state: _in_memory(_from_folder(state), layer_norm_eps, str(file)),
            }
            load_into(self, file, converters=converters, owner="AST", trust=trust)
        self.eval()

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says, with the numbers of the spectrogram."""
        return {**super().description(), "front_end": self.filter_bank.description()}

    def preprocess(self, clips: Tensor) -> Tensor:
        """Return normalised filter banks, float32 (N, 1024, 128).

        Args:
            clips: Mono waveforms in [-1, 1], (N, S), S >= 400.

        Raises:
            ValueError: If they have another shape or are shorter.
        """
        check_waveforms(clips, min_samples=_MIN_SAMPLES, sample_rate_hz=SAMPLE_RATE_HZ, owner="AST")
        banks: Tensor = self.filter_bank(clips)
        return banks

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the means of the two tokens, float32 (N, 768).

        Args:
            inputs: Filter banks (N, 1024, 128).
        """
        features: Tensor = self.model(inputs.to(next(self.parameters()).dtype)).pooler_output
        return features.float()

    def arguments(self) -> dict[str, Any]:
        """Return recipe and epsilon."""
        return dict(self._arguments)


def _config(layer_norm_eps: float) -> Any:
    from transformers import ASTConfig

    return ASTConfig(**SIZES, layer_norm_eps=layer_norm_eps)


def _build(layer_norm_eps: float) -> Any:
    from transformers import ASTModel

    with fixed_random("AST"):
        return ASTModel(_config(layer_norm_eps))


def _from_folder(state: State) -> State:
    """Return the weights of a folder of transformers without the classifier, by its names on disk."""
    prefix = "audio_spectrogram_transformer."
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if not name.startswith("classifier.")
    }


# The authors' names (timm's distilled DeiT) -> those of transformers on disk.
_NAMES = {
    "v.cls_token": "embeddings.cls_token",
    "v.dist_token": "embeddings.distillation_token",
    "v.pos_embed": "embeddings.position_embeddings",
    "v.patch_embed.proj": "embeddings.patch_embeddings.projection",
    "v.norm": "layernorm",
}
_LAYER_NAMES = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
_CLASSIFIERS = ("mlp_head.", "v.head.", "v.head_dist.")


def _from_authors(state: State) -> State:
    """Return weights of YuanGongND/ast without the classifiers, by the names of transformers on disk."""
    renamed: State = {}
    for name, value in state.items():
        if name.startswith(_CLASSIFIERS):
            continue
        if not name.startswith("v.blocks."):
            module, _, kind = name.rpartition(".")
            renamed[_NAMES.get(name) or (f"{_NAMES[module]}.{kind}" if module in _NAMES else name)] = value
            continue
        number, _, rest = name.removeprefix("v.blocks.").partition(".")
        part, _, kind = rest.rpartition(".")
        layer = f"encoder.layer.{number}"
        if part == "attn.qkv":
            for which, third in zip(("query", "key", "value"), value.chunk(3), strict=True):
                renamed[f"{layer}.attention.attention.{which}.{kind}"] = third
        else:
            renamed[f"{layer}.{_LAYER_NAMES.get(part, part)}.{kind}"] = value
    return renamed


def _in_memory(state: State, layer_norm_eps: float, source: str) -> State:
    """Return weights by the names of this encoder: transformers renames those on disk when it loads them.

    Raises:
        ValueError: If a weight is missing, left over or of another shape.
    """
    from transformers import ASTModel

    read: Any = ASTModel.from_pretrained  # gives a pair with output_loading_info
    with quiet_transformers():
        model, report = read(
            None,
            config=_config(layer_norm_eps),
            state_dict=state,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    kinds = {"missing": "missing_keys", "left over": "unexpected_keys", "of another shape": "mismatched_keys"}
    problems = [
        f"{len(names)} {kind}: {', '.join(names[:3])}"
        for kind, key in kinds.items()
        if (names := sorted(map(str, report[key])))
    ]
    if problems:
        raise ValueError(
            f"{source} looks like weights of AST and does not fit AST: {'; '.join(problems)}; "
            "vidkit has the network with strides of 10 for 1024 frames of 128 bands"
        )
    return {f"model.{name}": value for name, value in model.state_dict().items()}


def _eps_of(folder: Path) -> float:
    """Return the epsilon that the config of a folder names, after a look at its sizes."""
    config = model_config(folder, kind="audio-spectrogram-transformer", owner="AST")
    check_sizes(folder, config, SIZES, variant="the published AST")
    return float(config.get("layer_norm_eps", 1e-12))
