"""One function that makes a runner from a config, and the runner: mmengine's, without its quirks.

What differs from ``mmengine.runner.Runner``: models are built by vidkit's registry, checkpoints are data only
and written whole or not at all, every weight must fit, CPU process groups work, steps are seeded so that
resuming equals not stopping, losses in the log are those of the whole job, and the log goes to stderr.
"""

from __future__ import annotations

import copy
import logging
import shutil
import sys
import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import mmengine.runner
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.dist import get_rank
from mmengine.logging import MMLogger
from mmengine.model import MMDistributedDataParallel, is_model_wrapper
from torch import nn
from torch.utils.data import DataLoader, get_worker_info

from vidkit.engine.checkpoint import load_weights, read_checkpoint, state_dict_of
from vidkit.engine.config_check import check_config
from vidkit.engine.distributed import Launcher, start_processes
from vidkit.files import atomic_path
from vidkit.registry import DATA_SAMPLERS, DATASETS, METRICS, MODELS, ConfigError
from vidkit.registry.builder import signature_keys
from vidkit.seeds import derived_seed

DEFAULT_SEED = 0
_REMARKS = (
    *('"FileClient"', '"HardDiskBackend"', "`self.param_schedulers` is None", "Exp name:"),
    *("is skipped since its requires_grad=False", "paramwise_options -- "),  # a line for every weight
)
_HOOKS = (dict(type="SeedHook"), dict(type="GlobalLossHook"), dict(type="UnreadFilesHook"))


def build_runner(
    config: Config | Mapping[str, Any],
    *,
    work_dir: str | Path,
    mode: Literal["train", "test"] = "train",
    launcher: Launcher = "none",
    resume: bool = False,
    quiet: bool = False,
) -> Runner:
    """Return a runner that trains or tests what ``config`` describes.

    The config is checked first, then the data is opened; only then is ``work_dir`` made.

    Args:
        config: As ``load_config`` returns it; it is checked here and left unchanged.
        work_dir: Folder of checkpoints and logs; made if absent.
        mode: "train" trains and validates; "test" opens the test data alone.
        launcher: How processes were started.
        resume: Go on from the last checkpoint in ``work_dir``, if there is one.
        quiet: Only warnings on stderr; the log file gets everything.

    Raises:
        ConfigError: If a key or type of the config is wrong.
        ValueError: If the launcher's variables are missing, or the config lacks the data of this mode.
        FileNotFoundError: If data is missing.
    """
    config = Config(config) if not isinstance(config, Config) else config
    check_config(config)
    start_processes(launcher)
    # mmengine writes the config at each checkpoint, and lays it out for seconds where its paths are long.
    settings = Config(copy.deepcopy(config.to_dict()), filename=config.filename, format_python_code=False)
    settings.custom_hooks = [*_HOOKS, *(settings.get("custom_hooks") or [])]
    randomness = {"seed": DEFAULT_SEED, **(settings.get("randomness") or {})}
    torch.manual_seed(randomness["seed"])  # weights are drawn when the model is built, before mmengine seeds
    model = MODELS.build(settings.model, path="model")
    start = latest_checkpoint(work_dir) if resume else None
    return Runner(
        model=model,
        work_dir=str(work_dir),
        load_from=str(start) if start else settings.get("load_from"),
        resume=start is not None,
        launcher=launcher,
        env_cfg=dict(dist_cfg=dict(backend="nccl")),
        randomness=randomness,
        default_scope="vidkit",
        experiment_name=f"{Path(settings.filename or 'run').stem}_{uuid.uuid4().hex[:8]}",
        cfg=settings,
        log_level="WARNING" if quiet else "INFO",
        default_hooks=settings.get("default_hooks"),
        custom_hooks=settings.custom_hooks,
        log_processor=settings.get("log_processor"),
        visualizer=settings.get("visualizer"),
        **_mode_arguments(settings, mode, model),
    )


class Runner(mmengine.runner.Runner):
    """mmengine's runner, with the differences that this module's docstring lists."""

    def build_logger(
        self, log_level: int | str = "INFO", log_file: str | None = None, **kwargs: Any
    ) -> MMLogger:
        """Return a logger that writes short lines to stderr and everything to a file."""
        logger = super().build_logger(log_level="INFO", log_file=log_file, **kwargs)
        for handler in logger.handlers:
            if type(handler) is logging.StreamHandler:
                handler.setStream(sys.stderr)
                handler.setLevel(log_level)
                handler.addFilter(_is_useful)
        return logger

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """Log the config alone; `vidkit doctor` tells about the machine."""
        self.logger.info(f"Config:\n{self.cfg.pretty_text}")

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: nn.Module) -> Any:
        """Move the model to its device, and wrap it when there are several processes."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = model.to(device)
        if not self.distributed or not any(weight.requires_grad for weight in model.parameters()):
            return model
        return MMDistributedDataParallel(
            module=model,
            device_ids=[torch.cuda.current_device()] if device == "cuda" else None,
            broadcast_buffers=False,
            find_unused_parameters=self.cfg.get("find_unused_parameters", False),
        )

    def build_dataloader(
        self,
        dataloader: DataLoader[Any] | dict[str, Any],
        seed: int | None = None,
        diff_rank_seed: bool = False,
    ) -> DataLoader[Any]:
        """Return a loader whose order and random numbers depend on the seed alone."""
        if isinstance(dataloader, DataLoader):
            return dataloader
        options = dict(dataloader)
        seed = DEFAULT_SEED if seed is None else seed
        dataset = options.pop("dataset")
        sampler_config = options.pop("sampler", None) or dict(type="DefaultSampler", shuffle=False)
        sampler = _build_with(
            sampler_config, dataset=dataset, seed=seed, batch_size=options.get("batch_size", 1)
        )
        batch_sampler_config = options.pop("batch_sampler", None)
        if batch_sampler_config:
            options["batch_sampler"] = _build_with(
                batch_sampler_config, sampler=sampler, batch_size=options.pop("batch_size")
            )
        else:
            options["sampler"] = sampler
        return DataLoader(
            dataset,
            collate_fn=options.pop("collate_fn", None) or getattr(dataset, "collate", pseudo_collate),
            worker_init_fn=partial(_seed_worker, seed=seed, rank=get_rank()),
            generator=torch.Generator().manual_seed(seed),  # so that loaders leave torch's generator alone
            **options,
        )

    @property
    def plain_model(self) -> Any:
        """The model without the wrapper of several processes."""
        return self.model.module if is_model_wrapper(self.model) else self.model

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = "cpu",
        strict: bool = True,
        revise_keys: Any = None,
    ) -> dict[str, Any]:
        """Load a checkpoint into the model; every weight must fit."""
        checkpoint = read_checkpoint(filename, map_location)
        self.call_hook("after_load_checkpoint", checkpoint=checkpoint)
        load_weights(self.plain_model, state_dict_of(checkpoint), source=str(filename))
        self._has_loaded = True
        self.logger.info(f"Load checkpoint from {filename}")
        return checkpoint

    def save_checkpoint(self, out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        """Write a checkpoint that is whole or absent."""
        if get_rank() != 0:
            return
        with atomic_path(Path(out_dir) / filename) as temporary:
            super().save_checkpoint(str(temporary.parent), temporary.name, *args, **kwargs)
        if filename.startswith("best_"):
            with atomic_path(Path(out_dir) / "best.pth") as temporary:
                shutil.copyfile(Path(out_dir) / filename, temporary)


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """Return the newest checkpoint that a run in ``work_dir`` has finished writing, or None."""
    note = Path(work_dir) / "last_checkpoint"
    if not note.is_file():
        return None
    named = Path(work_dir) / Path(note.read_text().strip()).name  # the folder may have moved since
    others = sorted(Path(work_dir).glob("epoch_*.pth"), key=lambda path: path.stat().st_mtime)
    return named if named.is_file() else (others[-1] if others else None)


def build_dataset(config: Mapping[str, Any], model: Any, *, path: str) -> Any:
    """Return a dataset; one that takes ``encoders`` and names none gets those of the model.

    Such a dataset reads their features from files: the encoders do not run, so their weights are frozen;
    unless it says that it reads raw clips (``reads_raw_clips``).
    """
    settings = dict(config)
    kind = DATASETS.get(settings["type"]) if isinstance(settings["type"], str) else settings["type"]
    if getattr(kind, "holds_tasks", False):
        settings["datasets"] = {
            name: build_dataset(own, model.tasks[name], path=f"{path}.datasets.{name}")
            for name, own in settings["datasets"].items()
        }
    if "encoders" in signature_keys(kind)[0] and settings.get("encoders") is None:
        encoders = model.encoders()
        if not getattr(kind, "reads_raw_clips", False):
            for encoder in encoders.values():
                encoder.freeze_extracted()  # several processes would wait for their gradients
        return DATASETS.build({**settings, "encoders": encoders}, path=path)
    return DATASETS.build(settings, path=path)


def build_metrics(config: Any, *, path: str) -> list[Any]:
    """Return the metrics of an evaluator, one or a list of them; what stands in them is built first."""
    listed = config if isinstance(config, (list, tuple)) else [config]
    return [METRICS.build(metric, path=path) for metric in listed]


def _mode_arguments(settings: Config, mode: Literal["train", "test"], model: Any) -> dict[str, Any]:
    """Return the arguments of mmengine's runner for training or for testing, with the data opened."""
    needed = "train" if mode == "train" else "test"
    if not settings.get(f"{needed}_dataloader"):
        raise ConfigError(f"the config has no {needed}_dataloader, so it cannot {mode}; give one")
    arguments: dict[str, Any] = {}
    if mode == "train":
        arguments = {key: settings.get(key) for key in ("optim_wrapper", "param_scheduler", "train_cfg")}
    for split in ("train", "val") if mode == "train" else ("test",):
        loader = settings.get(f"{split}_dataloader")
        if not loader:
            continue
        dataset = build_dataset(loader["dataset"], model, path=f"{split}_dataloader.dataset")
        arguments[f"{split}_dataloader"] = {**loader, "dataset": dataset}
        if split != "train":
            arguments[f"{split}_cfg"] = settings.get(f"{split}_cfg") or {}
            arguments[f"{split}_evaluator"] = build_metrics(
                settings[f"{split}_evaluator"], path=f"{split}_evaluator"
            )
    return arguments


def _build_with(config: Mapping[str, Any], **given: Any) -> Any:
    """Build a sampler with the arguments it takes of those that are known only now."""
    kind = DATA_SAMPLERS.get(config["type"])
    taken = {key: value for key, value in given.items() if key in signature_keys(kind)[0]}
    return kind(**{**taken, **{key: value for key, value in config.items() if key != "type"}})


def _seed_worker(worker_id: int, *, seed: int, rank: int) -> None:
    worker = get_worker_info()
    num_workers = worker.num_workers if worker else 1
    torch.manual_seed(derived_seed(seed, "worker", rank * num_workers + worker_id))
    torch.set_num_threads(1)


def _is_useful(record: logging.LogRecord) -> bool:
    """Keep listings of many lines, and mmengine's remarks on itself, out of the terminal, not of the file."""
    message = record.getMessage()
    return "\n" not in message and not any(remark in message for remark in _REMARKS)
