"""The public checkpoints that vidkit's encoders load: which file, from which page, with which digest.

Nothing is downloaded here. A digest stands only where the publisher gives one: OpenAI in the address of a
file, torchvision and mmaction2 as the first 8 digits in its name, the hub on the page of the file. Zenodo
gives the MD5 of PANNs' files; the SHA-256 here is of the files that have it.
"""

from __future__ import annotations

from dataclasses import dataclass

from vidkit.registry.builder import nearest


@dataclass(frozen=True)
class KnownWeights:
    """One public checkpoint.

    Args:
        name: What vidkit calls it; ``weights=NAME`` takes the file from the folder of weights.
        encoders: The encoders that load it.
        file_name: Name of the file, or of the folder of a model on the hub.
        page: Where its publisher offers it.
        variant: The ``variant`` with which those encoders load it, where they have several.
        hub: Name on the Hugging Face hub, if it is a folder there.
        sha256: Digest of the file (of a hub folder: of its ``main_file``), or its first digits, as far as
            they are published.
        main_file: The file of a hub folder that holds the weights.
        size_bytes: Size of the file that the digest is of, where known.
        licence: Of the weights, or of the code that publishes them, where it is said.
    """

    name: str
    encoders: tuple[str, ...]
    file_name: str
    page: str
    variant: str | None = None
    hub: str | None = None
    sha256: str | None = None
    main_file: str | None = None
    size_bytes: int | None = None
    licence: str | None = None

    @property
    def what_to_get(self) -> str:
        """What to download, from where, in words."""
        kind = "the folder" if self.hub else "the file"
        return f"{kind} {self.file_name} from {self.page}"


def _hub(name: str, encoders: tuple[str, ...], hub: str, **more: str | int | None) -> KnownWeights:
    page = f"https://huggingface.co/{hub}"
    fields = {"main_file": "model.safetensors", **more}
    return KnownWeights(name, encoders, hub.split("/")[-1], page, hub=hub, **fields)  # type: ignore[arg-type]


_CLIP = "https://github.com/openai/CLIP/blob/main/clip/clip.py"
_TORCHVISION = "https://download.pytorch.org/models"
_MMACTION = "https://download.openmmlab.com/mmaction/v1.0/recognition"
_PYSLOWFAST = "https://github.com/facebookresearch/SlowFast/blob/main/MODEL_ZOO.md"
_PYTORCHVIDEO = "https://github.com/facebookresearch/pytorchvideo/blob/main/docs/source/model_zoo.md"
_SWIN = "https://github.com/SwinTransformer/storage/releases/tag/v1.0.0"
_PANNS = "https://zenodo.org/records/3987831"
_AST = "https://github.com/YuanGongND/ast/tree/master/pretrained_models"
_S3PRL = "https://github.com/s3prl/s3prl/blob/main/s3prl/upstream/mockingjay/hubconf.py"

KNOWN: tuple[KnownWeights, ...] = (
    # CLIP: one file holds the image and the text side.
    KnownWeights(
        "clip-vit-b-32",
        ("CLIPVisual", "CLIPText"),
        "ViT-B-32.pt",
        _CLIP,
        variant="ViT-B/32",
        sha256="40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        licence="MIT",
    ),
    KnownWeights(
        "clip-vit-b-16",
        ("CLIPVisual", "CLIPText"),
        "ViT-B-16.pt",
        _CLIP,
        variant="ViT-B/16",
        sha256="5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
        licence="MIT",
    ),
    KnownWeights(
        "clip-vit-l-14",
        ("CLIPVisual", "CLIPText"),
        "ViT-L-14.pt",
        _CLIP,
        variant="ViT-L/14",
        sha256="b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
        licence="MIT",
    ),
    _hub(
        "hf-clip-vit-b-32",
        ("CLIPVisual", "CLIPText"),
        "openai/clip-vit-base-patch32",
        variant="ViT-B/32",
        main_file="pytorch_model.bin",
        sha256="a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f",
        size_bytes=605_247_071,
    ),
    _hub("hf-clip-vit-b-16", ("CLIPVisual", "CLIPText"), "openai/clip-vit-base-patch16", variant="ViT-B/16"),
    _hub("hf-clip-vit-l-14", ("CLIPVisual", "CLIPText"), "openai/clip-vit-large-patch14", variant="ViT-L/14"),
    # 2-D ResNets. mmaction2 writes the first 8 digits of the SHA-256 into the name of what it publishes.
    KnownWeights(
        "resnet50-v1",
        ("TSN", "TSM"),
        "resnet50-0676ba61.pth",
        f"{_TORCHVISION}/resnet50-0676ba61.pth",
        sha256="0676ba61",
        licence="BSD-3-Clause",
    ),
    KnownWeights(
        "resnet50-v2",
        ("TSN",),
        "resnet50-11ad3fa6.pth",
        f"{_TORCHVISION}/resnet50-11ad3fa6.pth",
        sha256="11ad3fa6",
        licence="BSD-3-Clause",
    ),
    KnownWeights(
        "mmaction2-tsn-r50",
        ("TSN",),
        "tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb_20220906-2692d16c.pth",
        f"{_MMACTION}/tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb",
        sha256="2692d16c",
        licence="Apache-2.0",
    ),
    KnownWeights(
        "mmaction2-tsm-r50",
        ("TSM",),
        "tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb_20220831-64d69186.pth",
        f"{_MMACTION}/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb",
        sha256="64d69186",
        licence="Apache-2.0",
    ),
    # Networks over time.
    KnownWeights(
        "mmaction2-i3d-r50",
        ("I3D",),
        "i3d_imagenet-pretrained-r50_8xb8-32x2x1-100e_kinetics400-rgb_20220812-e213c223.pth",
        f"{_MMACTION}/i3d/i3d_imagenet-pretrained-r50_8xb8-32x2x1-100e_kinetics400-rgb",
        sha256="e213c223",
        licence="Apache-2.0",
    ),
    KnownWeights("pytorchvideo-i3d-r50", ("I3D",), "I3D_8x8_R50.pyth", _PYTORCHVIDEO),
    KnownWeights("pytorchvideo-r2plus1d-r50", ("R2Plus1D",), "R2PLUS1D_16x4_R50.pyth", _PYTORCHVIDEO),
    KnownWeights("slowfast-8x8-r50", ("SlowFast",), "SLOWFAST_8x8_R50.pkl", _PYSLOWFAST, variant="8x8"),
    KnownWeights("slowfast-4x16-r50", ("SlowFast",), "SLOWFAST_4x16_R50.pkl", _PYSLOWFAST, variant="4x16"),
    KnownWeights(
        "pytorchvideo-slowfast-8x8-r50", ("SlowFast",), "SLOWFAST_8x8_R50.pyth", _PYTORCHVIDEO, variant="8x8"
    ),
    KnownWeights(
        "pytorchvideo-slowfast-4x16-r50",
        ("SlowFast",),
        "SLOWFAST_4x16_R50.pyth",
        _PYTORCHVIDEO,
        variant="4x16",
    ),
    KnownWeights(
        "mmaction2-slowfast-8x8-r50",
        ("SlowFast",),
        "slowfast_r50_8xb8-8x8x1-256e_kinetics400-rgb_20220818-1cb6dfc8.pth",
        f"{_MMACTION}/slowfast/slowfast_r50_8xb8-8x8x1-256e_kinetics400-rgb",
        variant="8x8",
        sha256="1cb6dfc8",
        licence="Apache-2.0",
    ),
    KnownWeights(
        "mmaction2-slowfast-4x16-r50",
        ("SlowFast",),
        "slowfast_r50_8xb8-4x16x1-256e_kinetics400-rgb_20220901-701b0f6f.pth",
        f"{_MMACTION}/slowfast/slowfast_r50_8xb8-4x16x1-256e_kinetics400-rgb",
        variant="4x16",
        sha256="701b0f6f",
        licence="Apache-2.0",
    ),
    # Transformers on pictures.
    KnownWeights("swin-t", ("Swin",), "swin_tiny_patch4_window7_224.pth", _SWIN, variant="T", licence="MIT"),
    KnownWeights("swin-s", ("Swin",), "swin_small_patch4_window7_224.pth", _SWIN, variant="S", licence="MIT"),
    KnownWeights("swin-b", ("Swin",), "swin_base_patch4_window7_224.pth", _SWIN, variant="B", licence="MIT"),
    _hub("timm-swin-t", ("Swin",), "timm/swin_tiny_patch4_window7_224.ms_in1k", variant="T", licence="MIT"),
    _hub("timm-swin-s", ("Swin",), "timm/swin_small_patch4_window7_224.ms_in1k", variant="S", licence="MIT"),
    _hub("timm-swin-b", ("Swin",), "timm/swin_base_patch4_window7_224.ms_in1k", variant="B", licence="MIT"),
    _hub("timm-resnet50", ("TimmVisual",), "timm/resnet50.a1_in1k", licence="Apache-2.0"),
    # Sound.
    KnownWeights(
        "panns-cnn14-32k",
        ("CNN14",),
        "Cnn14_mAP=0.431.pth",
        _PANNS,
        variant="32k",
        sha256="0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
        size_bytes=327_428_481,
        licence="CC-BY-4.0",
    ),
    KnownWeights(
        "panns-cnn14-16k",
        ("CNN14",),
        "Cnn14_16k_mAP=0.438.pth",
        _PANNS,
        variant="16k",
        sha256="e2ee543a27919542c2ea03eabaa70b24dcd4e6c8e05621de6b67a94e4c5058e6",
        size_bytes=358_668_570,
        licence="CC-BY-4.0",
    ),
    KnownWeights(
        "resnet18-v1",
        ("LogMelResNet",),
        "resnet18-f37072fd.pth",
        f"{_TORCHVISION}/resnet18-f37072fd.pth",
        sha256="f37072fd",
        licence="BSD-3-Clause",
    ),
    KnownWeights(
        "mmaction2-audio-r18",
        ("LogMelResNet",),
        "tsn_r18_8xb320-64x1x1-100e_kinetics400-audio-feature_20230702-e4642fb0.pth",
        f"{_MMACTION}_audio/resnet/tsn_r18_8xb320-64x1x1-100e_kinetics400-audio-feature",
        sha256="e4642fb0",
        licence="Apache-2.0",
    ),
    KnownWeights("ast-audioset", ("AST",), "audioset_10_10_0.4593.pth", _AST, licence="BSD-3-Clause"),
    _hub("hf-ast-audioset", ("AST",), "MIT/ast-finetuned-audioset-10-10-0.4593", licence="BSD-3-Clause"),
    KnownWeights("mockingjay-960h", ("Mockingjay",), "states-1000000.ckpt", _S3PRL),
    KnownWeights("mockingjay-360h-large", ("Mockingjay",), "states-500000.ckpt", _S3PRL),
    KnownWeights("mockingjay-100h", ("Mockingjay",), "states-200000.ckpt", _S3PRL),
    # Text.
    _hub(
        "minilm-l6",
        ("MiniLM", "SentenceEncoder"),
        "sentence-transformers/all-MiniLM-L6-v2",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        licence="Apache-2.0",
    ),
    _hub(
        "bert-multilingual",
        ("BERT",),
        "google-bert/bert-base-multilingual-cased",
        sha256="876f584f15ebf14887dec17539c114bb99a032e96b9e72507a51c41e205337fc",
        licence="Apache-2.0",
    ),
    KnownWeights(
        "glove-6b-300d",
        ("GloVe",),
        "glove.6B.300d.txt",
        "https://nlp.stanford.edu/projects/glove (it is in glove.6B.zip)",
        licence="PDDL-1.0",
    ),
)
"""Every public checkpoint that vidkit knows; the first of an encoder is the one its paper used."""


def find_known(encoder: str) -> list[KnownWeights]:
    """Return the public checkpoints that an encoder loads, the usual one first; empty if none is known.

    Example:
        >>> [weights.name for weights in find_known("CNN14")]
        ['panns-cnn14-32k', 'panns-cnn14-16k']
    """
    return [weights for weights in KNOWN if encoder in weights.encoders]


def known_weights(name: str) -> KnownWeights:
    """Return a public checkpoint by its name here.

    Raises:
        ValueError: If there is none of that name.
    """
    for weights in KNOWN:
        if weights.name == name:
            return weights
    names = [weights.name for weights in KNOWN]
    raise ValueError(
        f"no public weights are called {name!r}{nearest(name, names) or ';'} known: {', '.join(names)}"
    )


def where_to_get(encoder: str, variant: str | None = None) -> str:
    """Return in one sentence what to download for an encoder, from which page, and which argument takes it.

    Args:
        encoder: Class name.
        variant: Its ``variant``; None, or one of which no public weights are known, takes the usual one.

    Example:
        >>> where_to_get("R2Plus1D").split(", ")[-1]
        'and give it as weights=FILE'
    """
    known = find_known(encoder)
    fitting = [weights for weights in known if weights.variant == variant] or known
    if not fitting:
        return f"no public weights of {encoder} are known; give a file of your own as weights=FILE"
    others = " (`vidkit weights list` names others)" if len(known) > 1 else ""
    return f"download {fitting[0].what_to_get}, and give it as weights=FILE{others}"
