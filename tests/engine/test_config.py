"""Configs are found, changed and checked at every level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vidkit.engine import change_config, check_config, config_names, find_config, load_config
from vidkit.engine.config import configs_folder, parse_value
from vidkit.registry import ConfigError

EMBEDDED = "highlight_detection/rasl_synthetic"


@pytest.mark.parametrize("name", config_names())
def test_every_config_of_the_repository_is_right(name: str) -> None:
    check_config(load_config(name))


@pytest.fixture
def word_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of data sets that has nothing but what a model reads when it is built: words, and topics."""
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    (tmp_path / "glove").mkdir()
    (tmp_path / "glove" / "glove.6B.300d.txt").write_text(f"the {' '.join(['0.1'] * 300)}\n")
    (tmp_path / "short_videos").mkdir()
    (tmp_path / "short_videos" / "train.csv").write_text("path,label\na.mp4,travel\nb.mp4,cooking\n")


def _is_large(name: str) -> bool:
    """Return whether a model has BERT's 178 M parameters, which take seconds to draw."""
    has_branches = name.startswith(("topic_recognition/", "video_text_retrieval/"))  # loading takes time, too
    return has_branches and "'BERT'" in str(load_config(name).model)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if _is_large(n) else []) for n in config_names()]
)
@pytest.mark.usefixtures("word_vectors")
def test_every_config_builds_its_model(name: str) -> None:
    from vidkit.registry import MODELS

    MODELS.build(_without_downloads(load_config(name).model.to_dict()), path="model")


def _without_downloads(model: Any) -> Any:
    """Return a model whose encoders with weights of a hub, or of a file that nobody has here, are random."""
    if isinstance(model, list):
        return [_without_downloads(item) for item in model]
    if not isinstance(model, dict):
        return model
    built = {key: _without_downloads(value) for key, value in model.items()}
    if model.get("type") in ("BERT", "TSN"):
        built.pop("weights", None)
    return built


def test_configs_are_leaf_files_that_say_how_to_run() -> None:
    for name in config_names():
        text = (configs_folder() / f"{name}.py").read_text()
        assert "Run: " in text, name
        assert len(text.splitlines()) < 40, name


def test_a_config_is_found_by_path_and_by_name() -> None:
    by_name = find_config(EMBEDDED)
    assert find_config(f"configs/{EMBEDDED}.py").samefile(by_name)
    assert find_config(by_name) == by_name
    with pytest.raises(FileNotFoundError, match=r"did you mean 'highlight_detection/rasl_synthetic'\?"):
        find_config("highlight_detection/rasl_synthetik")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("trian_cfg.max_epochs=3", r"unknown config key 'trian_cfg'; did you mean 'train_cfg'\?"),
        ("train_cfg.max_epoch=3", r"train_cfg.max_epoch: EpochBasedTrainLoop takes no .* 'max_epochs'\?"),
        ("train_dataloader.batchsize=3", r"'train_dataloader.batchsize'; did you mean 'batch_size'\?"),
        ("train_dataloader.dataset.feature=x", r"train_dataloader.dataset.feature: .* 'features'\?"),
        ("train_dataloader.sampler.shufle=x", r"train_dataloader.sampler.shufle: .* 'shuffle'\?"),
        ("model.contrast.kk=3", r"model.contrast.kk: KPointContrast takes no 'kk'"),
        (
            "inference.ration=3",
            r"inference.ration: HighlightInference takes no 'ration'; did you mean 'ratio'\?",
        ),
        ("optim_wrapper.optimizer.lrr=3", r"optim_wrapper.optimizer.lrr: RMSprop takes no 'lrr'"),
        ("optim_wrapper.clip_gradd=3", r"optim_wrapper.clip_gradd: OptimWrapper takes no"),
        ("optim_wrapper.optimizer.type=RMSProp", r"unknown optimizer 'RMSProp'; did you mean 'RMSprop'\?"),
        (
            "default_hooks.checkpoint.intervall=3",
            r"default_hooks.checkpoint.intervall: CheckpointHook takes no",
        ),
        ("default_hooks.checkpiont=3", r"'default_hooks.checkpiont'; did you mean 'checkpoint'\?"),
        ("param_scheduler=[dict(type='CosineAnnealingLR', T_maxx=3)]", r"param_scheduler\[0\].T_maxx"),
        ("test_evaluator.protocoll=x", r"test_evaluator.protocoll: HighlightMetric takes no"),
        ("custom_hooks=[dict(type='Sed')]", r"custom_hooks\[0\].type: unknown hook 'Sed'"),
        ("randomness.sed=3", r"'randomness.sed'; did you mean 'seed'\?"),
        ("randomness.seed=x", "randomness.seed must be a whole number >= 0, got 'x'"),
        ("log_processor.windowsize=1", r"'log_processor.windowsize'; did you mean 'window_size'\?"),
        ("custom_imports.impports=[1]", r"'custom_imports.impports'; did you mean 'imports'\?"),
        ("custom_imports.imports=['absent_module']", "custom_imports: 'absent_module' cannot be imported"),
        ("optim_wrapper.paramwise_cfg.norm_decay=0", r"did you mean 'norm_decay_mult'\?"),
        ("inference.model=1", "inference.model is the trained model; leave it out"),
        ("model=abc", "model must be a dict with a 'type', got 'abc'"),
        ("model.type=5", "model.type must be a name or a class, got 5"),
        ("optim_wrapper=5", "optim_wrapper must be a dict, got 5"),
        ("optim_wrapper=None", "train_dataloader needs optim_wrapper"),
        ("train_cfg=None", "train_dataloader needs train_cfg"),
        ("val_evaluator=None", "val_dataloader needs val_evaluator"),
        ("custom_hooks=5", "custom_hooks must be a dict or a list of dicts, got 5"),
        ("train_dataloader=5", "train_dataloader must be a dict, got 5"),
        ("train_dataloader.dataset=abc", "train_dataloader.dataset must be a dict with a 'type', got 'abc'"),
        ("train_dataloader.batch_size=abc", "train_dataloader.batch_size must be a whole number >= 1"),
        ("train_dataloader.num_workers=-1", "train_dataloader.num_workers must be a whole number >= 0"),
        ("train_cfg.max_epochs=abc", "train_cfg.max_epochs must be a whole number >= 1"),
        ("default_hooks.checkpoint=None", "the training would be lost"),
        ("default_hooks.checkpoint.by_epoch=False", "resumes exactly; leave it out"),
    ],
)
def test_a_wrong_key_at_any_level_is_named(option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(load_config(EMBEDDED, [option]))


def test_keys_are_checked_before_data_is_looked_for(tmp_path: Path) -> None:
    from vidkit import apis

    options = ["model.contrst=1", f"train_dataloader.dataset.features={tmp_path / 'absent'}"]
    with pytest.raises(ConfigError, match=r"model.contrst"):
        apis.train(EMBEDDED, work_dir=tmp_path / "work", options=options)
    with pytest.raises(ConfigError, match=r"model.contrst"):
        apis.load(EMBEDDED, tmp_path / "absent.pth", options=options)
    with pytest.raises(
        FileNotFoundError,
        match=r"make them: vidkit extract VIDEOS --encoder MotionVisual --clip-seconds 0\.2 --out",
    ):
        apis.train(EMBEDDED, work_dir=tmp_path / "work", options=[*_all_data(tmp_path / "absent")])
    assert not (tmp_path / "work").exists()


def _all_data(folder: Path) -> list[str]:
    return [f"train_dataloader.dataset.features={folder}", "train_dataloader.dataset.videos=None"]


def test_a_new_type_starts_from_its_defaults() -> None:
    config = load_config(EMBEDDED, ["model.visual_encoder.size=(8, 8)"])
    changed = change_config(config, ["model.visual_encoder.type=Precomputed", "model.visual_encoder.dim=4"])
    assert changed.model.visual_encoder == dict(type="Precomputed", dim=4)
    assert config.model.visual_encoder.type == "MotionVisual"  # the first one is left alone


def test_a_dict_replaces_what_stood_there() -> None:
    config = load_config(EMBEDDED, ["model.contrast=dict(type='TopActivations', k=3)"])
    assert config.model.contrast == dict(type="TopActivations", k=3)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("no_value", "takes key.path=value, got 'no_value'"),
        ("model.type.deeper=1", "'type' is 'RASL', which has no keys"),
    ],
)
def test_an_option_that_cannot_be_set_is_refused(option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(EMBEDDED, [option])


def test_values_are_literals_or_text() -> None:
    assert parse_value("[1, dict(a=(2, 3))]") == [1, {"a": (2, 3)}]
    assert parse_value("a/b-c.py") == "a/b-c.py"
    assert parse_value("__import__('os').getcwd()") == "__import__('os').getcwd()"


def test_a_config_that_is_not_python_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("model = dict(\n")
    with pytest.raises(ConfigError, match=r"broken.py cannot be read"):
        load_config(tmp_path / "broken.py")


def test_a_missing_base_is_named(tmp_path: Path) -> None:
    (tmp_path / "orphan.py").write_text("_base_ = ['absent.py']\n")
    with pytest.raises((ConfigError, FileNotFoundError), match=r"orphan.py.*absent.py"):
        load_config(tmp_path / "orphan.py")
