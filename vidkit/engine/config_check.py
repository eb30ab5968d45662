"""Every key of a config, at any level, checked against what the code takes; nothing is built.

The text of an error gives the key, the place and the nearest right name.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.config import Config
from mmengine.runner import LogProcessor  # with it come the hooks, loops and schedules of mmengine

from vidkit.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    LOOPS,
    METRICS,
    MODELS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    PARAM_SCHEDULERS,
    TASKS,
    ConfigError,
    check,
)
from vidkit.registry.builder import nearest, signature_keys

TOP_LEVEL = {
    "model": "the model, with its encoders and losses",
    "inference": "how raw videos are read with the trained model",
    "train_dataloader": "batches to train on",
    "val_dataloader": "batches to select on",
    "test_dataloader": "batches to report on",
    "train_cfg": "epochs and validation interval",
    "val_cfg": "the validation loop",
    "test_cfg": "the test loop",
    "val_evaluator": "metrics of the validation",
    "test_evaluator": "metrics of the test",
    "optim_wrapper": "optimiser, precision, clipping of gradients",
    "param_scheduler": "schedules of the learning rate",
    "default_hooks": "checkpoints, logs, timers",
    "custom_hooks": "more hooks",
    "custom_imports": "modules to import first: plug-ins of yours",
    "load_from": "a checkpoint to start from",
    "randomness": "the seed",
    "log_processor": "how values are smoothed in the log",
    "visualizer": "where curves go beside the log",
    "find_unused_parameters": "True if a step leaves parameters without gradient, with several processes",
}
"""Every top-level key a config may have."""

_DATALOADER = (
    *("dataset", "sampler", "batch_sampler", "batch_size", "collate_fn", "drop_last"),
    *("num_workers", "pin_memory", "persistent_workers", "prefetch_factor", "timeout"),
)
_GIVEN_TO_SAMPLERS = {
    "sampler": ["dataset", "seed", "batch_size"],
    "batch_sampler": ["sampler", "batch_size"],
}
_PARAMWISE = (
    *("lr_mult", "decay_mult", "custom_keys", "bias_lr_mult", "bias_decay_mult", "norm_decay_mult"),
    *("flat_decay_mult", "dwconv_decay_mult", "dcn_offset_lr_mult", "bypass_duplicate"),
)
_HOOKS = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")
_TEST_LOOPS = {"val_cfg": "ValLoop", "test_cfg": "TestLoop"}


def check_config(config: Config | Mapping[str, Any]) -> None:
    """Check every key of a config at every level, building nothing.

    Raises:
        ConfigError: At the first key that nothing takes, or type that nothing has.
    """
    config = config.to_dict() if isinstance(config, Config) else config
    _check_names(config, TOP_LEVEL, "")
    _import_plugins(config.get("custom_imports") or {})
    if "model" not in config:
        raise ConfigError("the config has no 'model'; give one, or a _base_ that has it")
    check(config["model"], MODELS, path="model")
    if config.get("inference"):
        if "model" in config["inference"]:
            raise ConfigError("inference.model is the trained model; leave it out")
        check(config["inference"], TASKS, path="inference", given=["model"])
    for split in ("train", "val", "test"):
        _check_split(config, split)
    if config.get("optim_wrapper"):
        _check_optim_wrapper(config["optim_wrapper"])
    for path, schedule in _listed(config.get("param_scheduler"), "param_scheduler"):
        check(schedule, PARAM_SCHEDULERS, path=path, given=["optimizer", "param_name"])
    _check_names(config.get("log_processor") or {}, signature_keys(LogProcessor)[0], "log_processor.")
    hooks = config.get("default_hooks") or {}
    if "checkpoint" in hooks and hooks["checkpoint"] is None:
        raise ConfigError(
            "default_hooks.checkpoint is None, so the training would be lost; give its interval"
        )
    if hooks.get("checkpoint", {}).get("by_epoch", True) is False and _is_by_epoch(config.get("train_cfg")):
        raise ConfigError(
            "default_hooks.checkpoint.by_epoch=False saves inside epochs, from where no run "
            "resumes exactly; leave it out"
        )
    _check_names(hooks, _HOOKS, "default_hooks.")
    for name, hook in hooks.items():
        if hook is not None:
            check(hook, HOOKS, path=f"default_hooks.{name}")
    for path, hook in _listed(config.get("custom_hooks"), "custom_hooks"):
        check(hook, HOOKS, path=path)
    randomness = config.get("randomness") or {}
    _check_names(randomness, ("seed", "deterministic"), "randomness.")
    _check_count(randomness, "seed", "randomness.", smallest=0)


def _check_split(config: Mapping[str, Any], split: str) -> None:
    loader = config.get(f"{split}_dataloader")
    path = f"{split}_dataloader"
    if loader:
        _check_count(_mapping(loader, path), "batch_size", f"{path}.", smallest=1)
        _check_count(loader, "num_workers", f"{path}.", smallest=0)
        _check_names(loader, _DATALOADER, f"{path}.")
        if "dataset" not in loader:
            raise ConfigError(f"{path} needs 'dataset'")
        _check_dataset(loader["dataset"], f"{path}.dataset")
        for key, given in _GIVEN_TO_SAMPLERS.items():
            if loader.get(key):
                check(loader[key], DATA_SAMPLERS, path=f"{path}.{key}", given=given)
        if split != "train" and not config.get(f"{split}_evaluator"):
            raise ConfigError(f"{path} needs {split}_evaluator, which says what to measure")
        for needed in ("optim_wrapper", "train_cfg") if split == "train" else ():
            if not config.get(needed):
                raise ConfigError(f"{path} needs {needed}, which says how to train")
    for where, metric in _listed(config.get(f"{split}_evaluator"), f"{split}_evaluator"):
        check(metric, METRICS, path=where)
    loop = config.get(f"{split}_cfg")
    if loop:
        _check_count(_mapping(loop, f"{split}_cfg"), "max_epochs", f"{split}_cfg.", smallest=1)
        name = _TEST_LOOPS.get(f"{split}_cfg") or (
            "EpochBasedTrainLoop" if loop.get("by_epoch", True) else "IterBasedTrainLoop"
        )
        check({"type": name, **loop}, LOOPS, path=f"{split}_cfg", given=["runner", "dataloader", "evaluator"])


def _check_dataset(dataset: Any, path: str) -> None:
    """Check a data set, or one that holds those of several tasks; the engine gives each the encoders."""
    inner = dataset.get("datasets") if isinstance(dataset, Mapping) else None
    if isinstance(inner, Mapping):
        for name, own in inner.items():
            _check_dataset(own, f"{path}.datasets.{name}")
        dataset = {**dataset, "datasets": None}
    check(dataset, DATASETS, path=path, given=["encoders"])


def _check_optim_wrapper(wrapper: Mapping[str, Any]) -> None:
    _check_names(
        _mapping(wrapper, "optim_wrapper").get("paramwise_cfg") or {},
        _PARAMWISE,
        "optim_wrapper.paramwise_cfg.",
    )
    rest = {
        key: value
        for key, value in wrapper.items()
        if key not in ("optimizer", "constructor", "paramwise_cfg")
    }
    check({"type": "OptimWrapper", **rest}, OPTIM_WRAPPERS, path="optim_wrapper", given=["optimizer"])
    if "optimizer" not in wrapper:
        raise ConfigError("optim_wrapper needs 'optimizer'")
    check(wrapper["optimizer"], OPTIMIZERS, path="optim_wrapper.optimizer", given=["params"])


def _import_plugins(imports: Mapping[str, Any]) -> None:
    """Import the modules that ``custom_imports`` names, wherever the config came from."""
    _check_names(imports, ("imports", "allow_failed_imports"), "custom_imports.")
    names = imports.get("imports") or []
    for name in [names] if isinstance(names, str) else names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ConfigError(
                f"custom_imports: {name!r} cannot be imported ({error}); is its folder in PYTHONPATH?"
            ) from error


def _is_by_epoch(loop: Mapping[str, Any] | None) -> bool:
    return bool((loop or {}).get("by_epoch", True))


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path} must be a dict, got {value!r}")
    return value


def _check_count(values: Mapping[str, Any], key: str, path: str, *, smallest: int) -> None:
    """Check that a value, if it is there, is a whole number of at least ``smallest``."""
    value = values.get(key, smallest)
    if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
        raise ConfigError(f"{path}{key} must be a whole number >= {smallest}, got {value!r}")


def _check_names(given: Any, known: Iterable[str], path: str) -> None:
    for key in _mapping(given, path.rstrip(".") or "the config"):
        if key not in known:
            names = ", ".join(known)
            raise ConfigError(f"unknown config key '{path}{key}'{nearest(key, known) or ';'} known: {names}")


def _listed(value: Any, path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return (path, component) of a component or a list of them."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [(path, value)]
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"{path} must be a dict or a list of dicts, got {value!r}")
    return [(f"{path}[{index}]", item) for index, item in enumerate(value)]
