"""vidkit list, config and doctor: commands that only look."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from typing import Annotated, Any

import typer

from vidkit.commands.frame import CfgOptions, Quiet, command

config_app = typer.Typer(help="Show, compare and check configs.", no_args_is_help=True)

Config = Annotated[str, typer.Argument(help="A config file, or a name that `vidkit list configs` prints.")]

_KINDS = ("encoders", "tasks", "configs", "models", "modules", "losses", "datasets", "metrics", "protocols")
_OPTIONAL = {
    "torchcodec": "decoder backend; pip install 'vidkit[torchcodec]'",
    "decord": "decoder backend",
    "faiss": "search index",
}


@command
def list_(what: Annotated[str, typer.Argument(help=", ".join(_KINDS))], quiet: Quiet = False) -> None:
    """List what there is, one name a line.

    Example: vidkit list configs
    """
    names = _names(what)
    width = max(map(len, names), default=0)
    for name, text in names.items():
        print(f"{name:<{width}}  {text}".rstrip() if sys.stdout.isatty() else name)


@config_app.command("show")
@command
def config_show(config: Config, cfg_options: CfgOptions = None, quiet: Quiet = False) -> None:
    """Print a config with its bases merged, as Python.

    Example: vidkit config show highlight_detection/rasl_synthetic
    """
    from vidkit.engine import load_config

    print(load_config(config, cfg_options or ()).pretty_text, end="")


@config_app.command("diff")
@command
def config_diff(config: Config, other: Config, quiet: Quiet = False) -> None:
    """Print what differs between two configs, one key a line.

    Example: vidkit config diff highlight_detection/rasl highlight_detection/rasl_k5
    """
    from vidkit.engine import load_config

    left, right = (_flat(load_config(name).to_dict()) for name in (config, other))
    for key in sorted(left.keys() | right.keys()):
        if _shown(left, key) != _shown(right, key):
            print(f"{key}: {_shown(left, key)} -> {_shown(right, key)}")


@config_app.command("check")
@command
def config_check(
    configs: Annotated[list[str], typer.Argument(help="Config files or names.")],
    cfg_options: CfgOptions = None,
    quiet: Quiet = False,
) -> None:
    """Check every key of configs, without data or weights.

    Example: vidkit config check my_config.py
    """
    from vidkit.engine import check_config, load_config

    for config in configs:
        check_config(load_config(config, cfg_options or ()))
        print(f"{config}: right")


@command
def doctor(quiet: Quiet = False) -> None:
    """Tell what this machine has: versions, GPUs, decoders, writable folders.

    Example: vidkit doctor
    """
    import av
    import torch

    import vidkit
    from vidkit.engine import config_names

    rows = {
        "vidkit": vidkit.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": f"{torch.__version__}, {torch.get_num_threads()} threads",
        "GPU": torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else "none: everything runs on the CPU",
        "PyAV": f"{av.__version__}, FFmpeg {av.ffmpeg_version_info}",
        "H.264 encoder": "yes" if "libx264" in av.codecs_available else "no: clips cannot be cut",
        "configs": f"{len(config_names())} come with vidkit",
        "free disk here": f"{shutil.disk_usage('.').free / 2**30:.0f} GiB",
    }
    for name, text in _OPTIONAL.items():
        rows[name] = _importable(name, text)
    width = max(map(len, rows))
    for name, text in rows.items():
        print(f"{name:<{width}}  {text}")


def _names(what: str) -> dict[str, str]:
    """Return the names of a kind with what they are."""
    from vidkit import registry
    from vidkit.engine import config_names
    from vidkit.evaluation.protocols import PROTOCOLS

    if what == "configs":
        return dict.fromkeys(config_names(), "")
    if what == "protocols":
        return dict.fromkeys(PROTOCOLS, "")
    if what == "tasks":
        return {registry.TASKS.get(name).task: name for name in registry.TASKS.names()}
    if what not in _KINDS:
        raise ValueError(f"nothing is called {what!r}; known: {', '.join(_KINDS)}")
    found = getattr(registry, what.upper())
    return {name: _first_line(found.get(name)) for name in found.names()}


def _first_line(kind: Any) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return {"a.b": value} of nested dicts."""
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    rows: dict[str, Any] = {}
    for key, item in value.items():
        rows.update(_flat(item, f"{prefix}.{key}" if prefix else key))
    return rows


def _shown(rows: dict[str, Any], key: str) -> str:
    return repr(rows[key]) if key in rows else "absent"


def _importable(name: str, text: str) -> str:
    if importlib.util.find_spec(name) is None:
        return f"not installed ({text})"
    try:
        module = importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:  # shared libraries that do not load
        return f"installed, but does not load: {str(error).splitlines()[0]}"
    return f"{getattr(module, '__version__', 'yes')} ({text})"
