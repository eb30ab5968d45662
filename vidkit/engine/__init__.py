"""The runner: the only place that knows mmengine's quirks."""

from vidkit.engine.checkpoint import load_weights, read_checkpoint, state_dict_of
from vidkit.engine.config import change_config, config_names, find_config, load_config
from vidkit.engine.config_check import check_config
from vidkit.engine.distributed import Launcher, is_main, start_processes, stop_processes, wait_for_all
from vidkit.engine.runner import Runner, build_runner, latest_checkpoint

__all__ = [
    "Launcher",
    "Runner",
    "build_runner",
    "change_config",
    "check_config",
    "config_names",
    "find_config",
    "is_main",
    "latest_checkpoint",
    "load_config",
    "load_weights",
    "read_checkpoint",
    "start_processes",
    "state_dict_of",
    "stop_processes",
    "wait_for_all",
]
