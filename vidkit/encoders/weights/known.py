"""The public checkpoints that vidkit's encoders load: which file, from which page, with which digest.

Nothing is downloaded here. A digest stands only where the publisher gives one: OpenAI in the address of a
file, torchvision and mmaction2 as the first 8 digits in its name, the hub on the page of the file. Zenodo
gives the MD5 of PANNs' files; the SHA-256 here is of the files that have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class KnownWeights:
    """One public checkpoint.

    Args:
        name: What vidkit calls it; ``weights=NAME`` takes the file from the folder of weights.
        encoders: The encoders that load it.
        file_name: Name of the file, or of the folder of a model on the hub.
        page: Where its publisher offers it.
        arguments: Arguments of those encoders that the weights need, where not their defaults.
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
    arguments: Mapping[str, str] = field(default_factory=dict)
    hub: str | None = None
    sha256: str | None = None
    main_file: str | None = None
    size_bytes: int | None = None
    licence: str | None = None

    @property
    def variant(self) -> str | None:
        """The ``variant`` of the encoders that load it, where they have several."""
        return self.arguments.get("variant")

    @property
    def what_to_get(self) -> str:
        """What to download, from where, in words."""
        kind = "the folder" if self.hub else "the file"
        return f"{kind} {self.file_name} from {self.page}"


def _openai(name: str, file_name: str, variant: str, sha256: str) -> KnownWeights:
    page = "https://github.com/openai/CLIP/blob/main/clip/clip.py"
    arguments = {"variant": variant}
    return KnownWeights(name, _CLIP, file_name, page, arguments=arguments, sha256=sha256, licence="MIT")


def _torchvision(name: str, encoders: tuple[str, ...], file_name: str) -> KnownWeights:
    page = f"https://download.pytorch.org/models/{file_name}"
    sha256 = file_name.removesuffix(".pth").split("-")[-1]
    return KnownWeights(name, encoders, file_name, page, sha256=sha256, licence="BSD-3-Clause")


def _mmaction2(name: str, encoder: str, folder: str, config: str, end: str, **arguments: str) -> KnownWeights:
    """Of mmaction2 1.x: CONFIG_DATE-DIGEST.pth; the digits after the date are those of the SHA-256."""
    return KnownWeights(
        name,
        (encoder,),
        f"{config}_{end}.pth",
        f"https://download.openmmlab.com/mmaction/v1.0/{folder}/{config}",
        arguments=arguments,
        sha256=end.split("-")[-1],
        licence="Apache-2.0",
    )


def _facebook(name: str, encoder: str, file_name: str, **arguments: str) -> KnownWeights:
    """Of PySlowFast (.pkl of Caffe2) or of pytorchvideo (.pyth)."""
    slowfast = "https://github.com/facebookresearch/SlowFast/blob/main/MODEL_ZOO.md"
    video = "https://github.com/facebookresearch/pytorchvideo/blob/main/docs/source/model_zoo.md"
    page = slowfast if file_name.endswith(".pkl") else video
    return KnownWeights(name, (encoder,), file_name, page, arguments=arguments)


def _swin(name: str, file_name: str, variant: str) -> KnownWeights:
    page = "https://github.com/SwinTransformer/storage/releases/tag/v1.0.0"
    return KnownWeights(name, ("Swin",), file_name, page, arguments={"variant": variant}, licence="MIT")


def _panns(name: str, file_name: str, variant: str, sha256: str, size_bytes: int) -> KnownWeights:
    return KnownWeights(
        name,
        ("CNN14",),
        file_name,
        "https://zenodo.org/records/3987831",
        arguments={"variant": variant},
        sha256=sha256,
        size_bytes=size_bytes,
        licence="CC-BY-4.0",
    )


def _s3prl(name: str, file_name: str, variant: str) -> KnownWeights:
    page = "https://github.com/s3prl/s3prl/blob/main/s3prl/upstream/mockingjay/hubconf.py"
    return KnownWeights(name, ("Mockingjay",), file_name, page, arguments={"variant": variant})


def _hub(name: str, encoders: tuple[str, ...], hub: str, *, variant: str = "", **more: Any) -> KnownWeights:
    more.setdefault("main_file", "model.safetensors")
    arguments = {"variant": variant} if variant else {}
    page = f"https://huggingface.co/{hub}"
    return KnownWeights(name, encoders, hub.split("/")[-1], page, arguments=arguments, hub=hub, **more)


_CLIP = ("CLIPVisual", "CLIPText")  # one file holds both sides
_K400 = "kinetics400-rgb"

KNOWN: tuple[KnownWeights, ...] = (
    _openai(
        "clip-vit-b-32",
        "ViT-B-32.pt",
        "ViT-B/32",
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
    ),
    _openai(
        "clip-vit-b-16",
        "ViT-B-16.pt",
        "ViT-B/16",
        "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
    ),
    _openai(
        "clip-vit-l-14",
        "ViT-L-14.pt",
        "ViT-L/14",
        "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
    ),
    _hub(
        "hf-clip-vit-b-32",
        _CLIP,
        "openai/clip-vit-base-patch32",
        variant="ViT-B/32",
        main_file="pytorch_model.bin",
        sha256="a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f",
        size_bytes=605_247_071,
    ),
    _hub("hf-clip-vit-b-16", _CLIP, "openai/clip-vit-base-patch16", variant="ViT-B/16"),
    _hub("hf-clip-vit-l-14", _CLIP, "openai/clip-vit-large-patch14", variant="ViT-L/14"),
    _mmaction2(
        "mmaction2-tsn-r50",
        "TSN",
        "recognition/tsn",
        f"tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_{_K400}",
        "20220906-2692d16c",
    ),
    _mmaction2(
        "mmaction2-tsm-r50",
        "TSM",
        "recognition/tsm",
        f"tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_{_K400}",
        "20220831-64d69186",
    ),
    _facebook("slowfast-i3d-r50", "I3D", "I3D_8x8_R50.pkl", variant="pyslowfast"),
    _facebook("pytorchvideo-i3d-r50", "I3D", "I3D_8x8_R50.pyth", variant="pyslowfast"),
    _mmaction2(
        "mmaction2-i3d-r50",
        "I3D",
        "recognition/i3d",
        f"i3d_imagenet-pretrained-r50_8xb8-32x2x1-100e_{_K400}",
        "20220812-e213c223",
        variant="mmaction2",
    ),
    _facebook("pytorchvideo-r2plus1d-r50", "R2Plus1D", "R2PLUS1D_16x4_R50.pyth", variant="pytorchvideo"),
    _facebook("slowfast-8x8-r50", "SlowFast", "SLOWFAST_8x8_R50.pkl", variant="8x8"),
    _facebook("slowfast-4x16-r50", "SlowFast", "SLOWFAST_4x16_R50.pkl", variant="4x16"),
    _facebook("pytorchvideo-slowfast-8x8-r50", "SlowFast", "SLOWFAST_8x8_R50.pyth", variant="8x8"),
    _facebook("pytorchvideo-slowfast-4x16-r50", "SlowFast", "SLOWFAST_4x16_R50.pyth", variant="4x16"),
    _mmaction2(
        "mmaction2-slowfast-8x8-r50",
        "SlowFast",
        "recognition/slowfast",
        f"slowfast_r50_8xb8-8x8x1-256e_{_K400}",
        "20220818-1cb6dfc8",
        variant="8x8",
        family="mmaction2",
    ),
    _mmaction2(
        "mmaction2-slowfast-4x16-r50",
        "SlowFast",
        "recognition/slowfast",
        f"slowfast_r50_8xb8-4x16x1-256e_{_K400}",
        "20220901-701b0f6f",
        variant="4x16",
        family="mmaction2",
    ),
    _torchvision("resnet50-v2", ("TSN",), "resnet50-11ad3fa6.pth"),
    _torchvision("resnet50-v1", ("TSN", "TSM", "I3D"), "resnet50-0676ba61.pth"),
    _swin("swin-b", "swin_base_patch4_window7_224.pth", "B"),
    _swin("swin-t", "swin_tiny_patch4_window7_224.pth", "T"),
    _swin("swin-s", "swin_small_patch4_window7_224.pth", "S"),
    _hub("timm-swin-t", ("Swin",), "timm/swin_tiny_patch4_window7_224.ms_in1k", variant="T", licence="MIT"),
    _hub("timm-swin-s", ("Swin",), "timm/swin_small_patch4_window7_224.ms_in1k", variant="S", licence="MIT"),
    _hub("timm-swin-b", ("Swin",), "timm/swin_base_patch4_window7_224.ms_in1k", variant="B", licence="MIT"),
    _hub("timm-resnet50", ("TimmVisual",), "timm/resnet50.a1_in1k", licence="Apache-2.0"),
    _panns(
        "panns-cnn14-32k",
        "Cnn14_mAP=0.431.pth",
        "32k",
        "0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
        327_428_481,
    ),
    _panns(
        "panns-cnn14-16k",
        "Cnn14_16k_mAP=0.438.pth",
        "16k",
        "e2ee543a27919542c2ea03eabaa70b24dcd4e6c8e05621de6b67a94e4c5058e6",
        358_668_570,
    ),
    _torchvision("resnet18-v1", ("LogMelResNet",), "resnet18-f37072fd.pth"),
    _mmaction2(
        "mmaction2-audio-r18",
        "LogMelResNet",
        "recognition_audio/resnet",
        "tsn_r18_8xb320-64x1x1-100e_kinetics400-audio-feature",
        "20230702-e4642fb0",
    ),
    KnownWeights(
        "ast-audioset",
        ("AST",),
        "audioset_10_10_0.4593.pth",
        "https://github.com/YuanGongND/ast/tree/master/pretrained_models",
        licence="BSD-3-Clause",
    ),
    _hub("hf-ast-audioset", ("AST",), "MIT/ast-finetuned-audioset-10-10-0.4593", licence="BSD-3-Clause"),
    _s3prl("mockingjay-360h-large", "states-500000.ckpt", "large"),  # what s3prl calls mockingjay
    _s3prl("mockingjay-960h", "states-1000000.ckpt", "base"),
    _s3prl("mockingjay-100h", "states-200000.ckpt", "base"),
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
"""Every public checkpoint that vidkit knows, the usual one of each encoder first."""
