"""Ways to run an encoder: they agree, the fastest is measured once, and any can be fixed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import vidkit.features.execution as execution_module
from vidkit.encoders import Encoder, HashedText, VisualRecipe
from vidkit.encoders.base import SequenceRecipe
from vidkit.features.execution import (
    PLAIN,
    EncodeRunner,
    Execution,
    fastest_execution,
    parse_execution,
)


class _Small(Encoder):
    """A convolution, a batch norm, a layer norm and linear layers behind a constant in float32."""

    modality = "visual"

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.recipe = 24, VisualRecipe()
        self.register_buffer("scale", torch.tensor(1 / 255))
        self.convolution, self.norm = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16)
        self.head = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 24))

    def encode(self, inputs: Tensor) -> Tensor:
        assert self.scale.dtype == torch.float32
        pixels = (inputs * self.scale).to(self.convolution.weight.dtype)
        features = self.norm(self.convolution(pixels)).relu().mean((2, 3))
        result: Tensor = self.head(features).float()
        return result


@pytest.fixture
def encoder() -> _Small:
    torch.manual_seed(0)
    encoder = _Small()
    nn.init.uniform_(encoder.norm.running_mean)
    return encoder.eval()


@pytest.fixture
def inputs() -> Tensor:
    return torch.randint(
        0, 256, (4, 3, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("words", ["channels_last", "onednn", "channels_last+onednn"])
def test_all_ways_of_one_precision_agree(encoder: _Small, inputs: Tensor, words: str) -> None:
    expected = encoder(inputs)
    way = parse_execution(words)
    assert isinstance(way, Execution)
    torch.testing.assert_close(EncodeRunner(encoder, execution=way)(inputs), expected, rtol=1e-5, atol=1e-6)


NEEDS_PACKED_BFLOAT16 = pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="oneDNN has no bfloat16 on this processor"
)


@pytest.mark.parametrize(
    "words", ["bfloat16", pytest.param("bfloat16+channels_last+onednn", marks=NEEDS_PACKED_BFLOAT16)]
)
def test_bfloat16_points_the_same_way_and_leaves_the_encoder_alone(
    encoder: _Small, inputs: Tensor, words: str
) -> None:
    expected = encoder(inputs)
    way = parse_execution(words)
    assert isinstance(way, Execution)
    features = EncodeRunner(encoder, execution=way)(inputs)
    assert features.dtype == torch.float32
    assert not torch.equal(features, expected)
    assert F.cosine_similarity(features, expected).min() > 0.999
    assert torch.equal(encoder(inputs), expected)


class _Sequence(Encoder):
    """A linear layer over steps of 10 samples."""

    modality = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.recipe = 6, SequenceRecipe(sample_rate_hz=100, window_seconds=1.0)
        self.linear = nn.Linear(10, 6)

    def sequence(self, inputs: Tensor) -> Tensor:
        steps = inputs.unfold(1, 10, 10).to(self.linear.weight.dtype)
        vectors: Tensor = self.linear(steps).float()
        return vectors

    def encode(self, inputs: Tensor) -> Tensor:
        return self.sequence(inputs).mean(1)


def test_sequences_run_in_the_way_that_was_asked_for() -> None:
    torch.manual_seed(0)
    encoder, sound = _Sequence(), torch.randn(2, 50)
    expected = encoder.sequence(sound)
    assert torch.equal(EncodeRunner(encoder).sequence(sound), expected)
    vectors = EncodeRunner(encoder, execution=Execution("bfloat16")).sequence(sound)
    assert vectors.shape == (2, 5, 6)
    assert vectors.dtype == torch.float32
    assert not torch.equal(vectors, expected)
    assert F.cosine_similarity(vectors, expected, dim=-1).min() > 0.999


@pytest.mark.slow
def test_a_compiled_encoder_gives_the_same(encoder: _Small, inputs: Tensor) -> None:
    features = EncodeRunner(encoder, execution=Execution(compiled=True))(inputs)
    torch.testing.assert_close(features, encoder(inputs), rtol=1e-5, atol=1e-6)


def test_the_fastest_way_is_measured_once_and_remembered(
    encoder: _Small, inputs: Tensor, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"float32": 3.0, "float32+channels_last": 2.0, "float32+onednn": 1.0}
    asked: list[str] = []

    def pretend(runner: EncodeRunner, inputs: Tensor) -> float:
        asked.append(str(runner.execution))
        return seconds.get(str(runner.execution), 9.0)

    monkeypatch.setattr(execution_module, "_seconds", pretend)
    monkeypatch.setattr(execution_module, "_onednn_is_steady", lambda _, precision: precision == "float32")
    assert fastest_execution(encoder, inputs) == Execution(onednn=True)
    assert set(asked) == {*seconds, "float32+channels_last+onednn"}
    asked.clear()
    assert fastest_execution(encoder, inputs) == Execution(onednn=True)
    assert asked == []
    assert len(json.loads((cache / "execution.json").read_text())) == 1
    seconds = {"bfloat16": 1.0, "bfloat16+channels_last": 0.97}  # not worth a departure from the plain way
    assert fastest_execution(encoder, inputs, "bfloat16") == Execution("bfloat16")
    assert len(json.loads((cache / "execution.json").read_text())) == 2


@pytest.mark.parametrize(("capability", "is_tried"), [("AVX512", True), ("AVX2", False)])
def test_kernels_whose_bits_depend_on_the_place_in_a_batch_are_not_tried(
    encoder: _Small, inputs: Tensor, monkeypatch: pytest.MonkeyPatch, capability: str, is_tried: bool
) -> None:
    tried: list[Execution] = []

    def pretend(runner: EncodeRunner, inputs: Tensor) -> float:
        tried.append(runner.execution)
        return 1.0

    monkeypatch.setattr(execution_module, "_seconds", pretend)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    fastest_execution(encoder, inputs)
    assert any(way.onednn for way in tried) == is_tried


def test_bfloat16_through_onednn_is_refused_where_the_processor_has_none(
    encoder: _Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_module, "_packs_bfloat16", lambda: False)
    with pytest.raises(ValueError, match="this processor packs no bfloat16; drop onednn"):
        EncodeRunner(encoder, execution=parse_execution("bfloat16+onednn"))


def test_another_shape_is_measured_anew(encoder: _Small, inputs: Tensor, cache: Path) -> None:
    fastest_execution(encoder, inputs)
    fastest_execution(encoder, inputs[..., :10])
    fastest_execution(encoder, inputs[:2])  # the number of rows is no matter
    assert len(json.loads((cache / "execution.json").read_text())) == 2


def test_slow_networks_are_measured_on_few_rows(
    encoder: _Small, inputs: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []

    def pretend(runner: EncodeRunner, inputs: Tensor) -> float:
        rows.append(len(inputs))
        return 0.2 * len(inputs)

    monkeypatch.setattr(execution_module, "_seconds", pretend)
    fastest_execution(encoder, inputs)
    assert rows == [1, *[2] * (len(rows) - 1)]


def test_a_damaged_memory_and_a_folder_that_cannot_be_made_are_no_obstacle(
    encoder: _Small, inputs: Tensor, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir()
    (cache / "execution.json").write_text("{")
    fastest_execution(encoder, inputs)
    assert len(json.loads((cache / "execution.json").read_text())) == 1
    monkeypatch.setenv("VIDKIT_CACHE", str(cache / "execution.json" / "below_a_file"))
    fastest_execution(encoder, inputs)


def test_an_encoder_without_weights_runs_plainly(cache: Path) -> None:
    assert fastest_execution(HashedText(), ["a"]) == PLAIN
    assert not cache.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", "float32"),
        ("auto+bfloat16", "bfloat16"),
        ("plain", PLAIN),
        ("bfloat16+compiled", Execution("bfloat16", compiled=True)),
    ],
)
def test_words_of_the_command_line(text: str, expected: object) -> None:
    assert parse_execution(text) == expected
    if isinstance(expected, Execution):
        assert parse_execution(str(expected)) == expected


def test_unknown_words_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"unknown execution 'float16' in 'float16'; known words: auto, plain"
    ):
        parse_execution("float16")
    with pytest.raises(ValueError, match="auto measures, so onednn cannot be fixed with it"):
        parse_execution("auto+onednn")


def test_what_the_machine_cannot_do_is_refused(encoder: _Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_module.shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match=r"needs a C\+\+ compiler"):
        EncodeRunner(encoder, execution=Execution(compiled=True))
    with pytest.raises(ValueError, match="onednn runs on a CPU, and the encoder is on meta"):
        EncodeRunner(encoder.to("meta"), execution=Execution(onednn=True))
