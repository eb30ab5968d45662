"""The registries build nested components and name what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from vidkit.registry import DATASETS, ENCODERS, HOOKS, MODELS, OPTIMIZERS, ConfigError, Registry, check


@pytest.fixture
def shelf() -> Any:
    """A registry of its own, forgotten afterwards."""
    registry = Registry("shelf", scope="vidkit")
    yield registry
    Registry.every.remove(registry)


def test_constructors_take_built_modules(shelf: Registry) -> None:
    @shelf.register_module()
    class Outer:
        def __init__(self, *, parts: list[Any], named: dict[str, Any]) -> None:
            self.parts, self.named = parts, named

    @shelf.register_module()
    class Inner:
        def __init__(self, *, size: int = 1) -> None:
            self.size = size

    built = shelf.build(
        dict(type="Outer", parts=[dict(type="Inner", size=2)], named=dict(a=dict(type="Inner"), b=3))
    )
    assert built.parts[0].size == 2
    assert built.named["a"].size == 1
    assert built.named["b"] == 3


def test_the_registry_that_is_asked_decides_between_equal_names(shelf: Registry) -> None:
    class Twin:
        pass

    class Other:
        pass

    shelf.register_module(name="Twin", module=Twin)
    ENCODERS.register_module(name="Twin", module=Other)
    try:
        assert type(shelf.build(dict(type="Twin"))) is Twin
    finally:
        del ENCODERS._module_dict["Twin"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (dict(type="RASLL"), r"model.type: unknown model 'RASLL'; did you mean 'RASL'\? known: "),
        (dict(type="KPointContrast", k=1), "model.type: 'KPointContrast' is a loss, not a model"),
        (dict(contrast=None), "model needs a 'type', the name of a model; known: .*RASL"),
        (
            dict(type="RASL", contrst=None),
            r"model.contrst: RASL takes no 'contrst'; did you mean 'contrast'\?",
        ),
        (
            dict(type="RASL", contrast=dict(type="KPointContrast", kk=1)),
            r"model.contrast.kk: KPointContrast takes no 'kk'; did you mean 'k'\?",
        ),
        (dict(type="RASL", contrast=dict(type="KPointContrast")), "model.contrast: KPointContrast needs 'k'"),
        (
            dict(type="RASL", visual_encoder=dict(type="PixelVisul")),
            r"model.visual_encoder.type: unknown component 'PixelVisul'; did you mean 'PixelVisual'\?",
        ),
    ],
)
def test_errors_name_the_place_and_the_nearest_name(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MODELS.build(config)
    with pytest.raises(ConfigError, match=message):
        check(config, MODELS, path="model")


def test_what_mmengine_drops_silently_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"CheckpointHook takes no 'intervall'; did you mean 'interval'\?"):
        check(dict(type="CheckpointHook", intervall=1), HOOKS, path="default_hooks.checkpoint")


def test_registries_are_children_of_mmengine() -> None:
    assert OPTIMIZERS.get("AdamW").__name__ == "AdamW"
    assert OPTIMIZERS.scope == "vidkit"


def test_lion_is_an_optimiser() -> None:
    optimizer = OPTIMIZERS.get("Lion")(nn.Linear(1, 1).parameters(), lr=0.1)
    assert type(optimizer).__name__ == "Lion"


def test_plug_ins_of_the_entry_point_group_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value = "toy", "toy:Encoder"

        @staticmethod
        def load() -> None:
            ENCODERS.register_module(name="FromPlugin", module=nn.Identity)

    monkeypatch.setattr("vidkit.registry.builder.entry_points", lambda *, group: [Entry])
    monkeypatch.setattr(Registry, "_plugins_loaded", False)
    monkeypatch.setattr(ENCODERS, "_imported", False)
    assert "FromPlugin" in ENCODERS.names()
    del ENCODERS._module_dict["FromPlugin"]


def test_a_broken_plug_in_is_named_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value = "broken", "broken:Encoder"

        @staticmethod
        def load() -> None:
            raise RuntimeError("of its own")

    monkeypatch.setattr("vidkit.registry.builder.entry_points", lambda *, group: [Entry])
    monkeypatch.setattr(Registry, "_plugins_loaded", False)
    monkeypatch.setattr(ENCODERS, "_imported", False)
    with pytest.warns(UserWarning, match="plug-in 'broken' .* was not loaded: .*of its own"):
        assert "PixelVisual" in ENCODERS.names()


def test_custom_imports_of_a_config_bring_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vidkit.engine import check_config, load_config

    (tmp_path / "my_parts.py").write_text(
        "from torch.utils.data import Dataset\n"
        "from vidkit.registry import DATASETS\n"
        "@DATASETS.register_module()\n"
        "class MyOwnData(Dataset):\n"
        "    def __init__(self, *, size):\n"
        "        self.size = size\n"
    )
    (tmp_path / "config.py").write_text(
        "custom_imports = dict(imports=['my_parts'])\n"
        "model = dict(type='RASL')\n"
        "train_dataloader = dict(dataset=dict(type='MyOwnData', size=3))\n"
        "train_cfg = dict(max_epochs=1)\n"
        "optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    check_config(load_config(tmp_path / "config.py"))
    assert DATASETS.get("MyOwnData") is sys.modules["my_parts"].MyOwnData
    del DATASETS._module_dict["MyOwnData"]
