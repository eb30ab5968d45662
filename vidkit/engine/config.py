"""Config files: finding, reading and changing them.

A config is a Python file of plain assignments with ``_base_`` files, as mmengine reads it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger

import vidkit.configs
from vidkit.registry import ConfigError
from vidkit.registry.builder import Registry, nearest, signature_keys


def configs_folder() -> Path:
    """Return the folder of the configs that come with vidkit."""
    return Path(vidkit.configs.__path__[0])


def config_names() -> list[str]:
    """Return the names of all leaf configs that come with vidkit, such as "highlight_detection/rasl"."""
    root = configs_folder()
    files = (
        p for p in root.rglob("*.py") if not any(part.startswith("_") for part in p.relative_to(root).parts)
    )
    return sorted(p.relative_to(root).with_suffix("").as_posix() for p in files)


def find_config(name: str | Path) -> Path:
    """Return the file of a config, given by path or by the name that ``config_names`` lists.

    Raises:
        FileNotFoundError: If there is neither; the message gives near names.
    """
    if Path(name).is_file():
        return Path(name)
    short = Path(name).as_posix().removeprefix("./").removeprefix("configs/").removesuffix(".py")
    packaged = configs_folder() / f"{short}.py"
    if packaged.is_file():
        return packaged
    hint = nearest(short, config_names()) or ";"
    raise FileNotFoundError(f"no config file {str(name)!r}{hint} `vidkit list configs` prints all names")


def load_config(name: str | Path, options: Iterable[str] = ()) -> Config:
    """Return a config with ``options`` applied, not yet checked.

    Args:
        name: Path of a file, or name of a config that comes with vidkit.
        options: Changes, each "key.path=value"; the value is read as a Python literal, else as text.

    Raises:
        FileNotFoundError: If the config or one of its bases is missing.
        ConfigError: If it cannot be read.
    """
    path = find_config(name)
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel("WARNING")  # a line per environment variable that it replaces, and on stdout
    try:
        config = Config.fromfile(str(path))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"config {path}: {error}") from error
    except Exception as error:  # a config is code, which may raise anything
        raise ConfigError(f"config {path} cannot be read: {error}") from error
    finally:
        logger.setLevel(level)
    return change_config(config, options)


def change_config(config: Config, options: Iterable[str]) -> Config:
    """Return a copy of ``config`` with the changes "key.path=value" applied.

    A value that is a dict replaces what stood there. A new ``type`` drops the arguments of the old one,
    so that ``model.visual_encoder.type=CLIPVisual`` gives that encoder with its defaults.

    Example:
        >>> from mmengine.config import Config
        >>> change_config(Config(dict(a=dict(b=1))), ["a.b=2"]).a.b
        2
    """
    # A file may name its own variables with a leading underscore; they are no keys of the config.
    plain = {key: value for key, value in config.to_dict().items() if not key.startswith("_")}
    for option in options:
        key, equals, text = option.partition("=")
        if not equals or not key:
            raise ConfigError(f"--cfg-options takes key.path=value, got {option!r}")
        _set(plain, key.split("."), parse_value(text), option)
    return Config(plain, filename=config.filename)


def parse_value(text: str) -> Any:
    """Return the Python literal in ``text``, or ``text`` itself; ``dict(a=1)`` and true / false are read too.

    Example:
        >>> parse_value("1e-3"), parse_value("dict(k=[1, 2])"), parse_value("adam"), parse_value("true")
        (0.001, {'k': [1, 2]}, 'adam', True)
    """
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    try:
        return _literal(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        return text


def _set(config: Any, keys: list[str], value: Any, option: str) -> None:
    """Set ``config[key][key]... = value`` in place."""
    *parents, last = keys
    for key in parents:
        if isinstance(config, list):
            config = config[_index(config, key, option)]
        elif isinstance(config, dict):
            config = config.setdefault(key, {})
        if not isinstance(config, (dict, list)):
            raise ConfigError(f"--cfg-options {option}: {key!r} is {config!r}, which has no keys")
    if isinstance(config, list):
        config[_index(config, last, option)] = value
        return
    if last == "type" and isinstance(value, str) and config.get("type") not in (None, value):
        _drop_arguments(config, value)
    config[last] = value


def _drop_arguments(config: dict[str, Any], new_type: str) -> None:
    """Drop the arguments that the component of the new type does not take."""
    kind = next((r.get(new_type) for r in Registry.every if r.get(new_type) is not None), None)
    if kind is None:
        return  # the check of the config names the type that does not exist
    keys, is_open = signature_keys(kind)
    for key in list(config):
        if key != "type" and (is_open or key not in keys):
            del config[key]


def _index(values: list[Any], key: str, option: str) -> int:
    if not key.isdigit() or int(key) >= len(values):
        raise ConfigError(
            f"--cfg-options {option}: a list of {len(values)} items stands there, {key!r} is no index"
        )
    return int(key)


def _literal(node: ast.expr) -> Any:
    """Evaluate a literal that may contain calls of ``dict`` with keywords."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "dict"
        and not node.args
    ):
        return {str(word.arg): _literal(word.value) for word in node.keywords}
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [_literal(item) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    return ast.literal_eval(node)
