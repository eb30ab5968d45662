"""From nested dicts to objects, with errors that name the place.

A *component* is a dict with ``type``. Its other keys are the keyword arguments of that class; a value that is
itself a component (or a list or dict of components) is built first, so constructors take built modules.
"""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

import mmengine.registry

PLUGIN_GROUP = "vidkit.plugins"

_FROM_MMENGINE = {"_scope_", "by_epoch", "convert_to_iter_based"}  # keys that its own builders take out


class ConfigError(ValueError):
    """A config that cannot be built; the message names the key, the place and the nearest right name."""


class Registry(mmengine.registry.Registry):
    """A registry whose ``build`` builds nested components and explains what is wrong.

    Args:
        name: What one entry is called in messages.
        scope: The scope of mmengine, "vidkit".
        parent: The registry of mmengine that this one extends, if it has one.
        locations: Modules that register components when they are imported.
    """

    every: list[Registry] = []  # noqa: RUF012  # one table of the process, in the order of declaration
    _plugins_loaded = False

    def __init__(
        self,
        name: str,
        *,
        scope: str,
        parent: mmengine.registry.Registry | None = None,
        locations: Iterable[str] = (),
    ) -> None:
        super().__init__(name, parent=parent, scope=scope, locations=list(locations))
        Registry.every.append(self)

    def build(self, cfg: Mapping[str, Any], *, path: str | None = None) -> Any:
        """Return the object that ``cfg`` describes, built recursively.

        Args:
            cfg: A component.
            path: Where it stands in the config, for messages; the registry's name by default.

        Raises:
            ConfigError: If a type is unknown, or its keys do not fit the constructor.
        """
        return build(cfg, self, path=path or self.name)

    def import_from_location(self) -> None:
        """Import the modules that register components, and all plug-ins, once."""
        if self._imported:
            return
        super().import_from_location()
        _load_plugins()

    def names(self) -> list[str]:
        """Return the sorted names that are registered here, without those of mmengine."""
        self.import_from_location()
        return sorted(self.module_dict)


def build(config: Mapping[str, Any], registry: Registry, *, path: str) -> Any:
    """Return the object that the component ``config`` describes; see ``Registry.build``."""
    # Only this registry at the top; nested components may be of any kind.
    return _instance(config, _component_class(config, [registry], path), path)


def check(config: Mapping[str, Any], registry: Registry, *, path: str, given: Iterable[str] = ()) -> None:
    """Check a component and all components in it, building nothing.

    Args:
        config: A component.
        registry: Where its type is looked up first.
        path: Where it stands in the config.
        given: Arguments of the constructor that are supplied elsewhere, so may be missing.

    Raises:
        ConfigError: If a type is unknown, or its keys do not fit the constructor.
    """
    kind = _component_class(config, [registry], path)
    _check_keys(config, kind, path, given)
    for key, value in config.items():
        _check_value(value, f"{path}.{key}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known name closest to ``name``, or "" if none is close.

    Example:
        >>> nearest("dimm", ["dim", "size"])
        "; did you mean 'dim'?"
    """
    known = list(known)
    # The case of letters is the commonest slip.
    close = [k for k in known if k.lower() == name.lower()]
    close = close or difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def signature_keys(kind: Any) -> tuple[dict[str, inspect.Parameter], bool]:
    """Return the keyword arguments of a class or function, and whether it takes any other key.

    ``**kwargs`` is followed up the base classes, as it usually means "the arguments of my parent".
    """
    if not inspect.isclass(kind):
        return _parameters(kind)
    keys: dict[str, inspect.Parameter] = {}
    is_open = True
    for base in kind.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        own, is_open = _parameters(vars(base)["__init__"])
        keys = {**own, **keys}
        if not is_open:
            break
    if kind.__module__.startswith("mmengine."):
        is_open = False  # its hooks take **kwargs and drop them, which would hide a misspelt key
    return keys, is_open


def _component_class(config: Mapping[str, Any], registries: Sequence[Registry], path: str) -> Any:
    """Return the class that ``config["type"]`` names in one of ``registries``."""
    if not isinstance(config, Mapping):
        raise ConfigError(f"{path} must be a dict with a 'type', got {config!r}")
    name = config.get("type")
    if name is not None and not isinstance(name, str):
        if not callable(name):
            raise ConfigError(f"{path}.type must be a name or a class, got {name!r}")
        return name
    for registry in registries:
        kind = registry.get(name) if name else None
        if kind is not None:
            return kind
    what = registries[0].name if len(registries) == 1 else "component"
    known = sorted({known for registry in registries for known in registry.names()})
    parents = [registry.parent for registry in registries if registry.parent]
    inherited = {name for parent in parents for name in parent.module_dict}
    rest = " and mmengine's" if inherited else ""
    listing = f"known: {', '.join(known)}{rest}"
    if name is None:
        raise ConfigError(f"{path} needs a 'type', the name of a {what}; {listing}")
    elsewhere = next((r.name for r in Registry.every if name in r.names()), None)
    if elsewhere is not None:
        raise ConfigError(f"{path}.type: {name!r} is a {elsewhere}, not a {what}; {listing}")
    raise ConfigError(
        f"{path}.type: unknown {what} {name!r}{nearest(name, {*known, *inherited}) or ';'} {listing}"
    )


def _check_keys(config: Mapping[str, Any], kind: Any, path: str, given: Iterable[str] = ()) -> None:
    keys, is_open = signature_keys(kind)
    name = getattr(kind, "__name__", str(kind))
    for key in config:
        if key in keys or key == "type" or key in _FROM_MMENGINE or is_open:
            continue
        raise ConfigError(
            f"{path}.{key}: {name} takes no {key!r}{nearest(key, keys) or ';'} it takes: {', '.join(keys)}"
        )
    missing = [
        key
        for key, parameter in keys.items()
        if parameter.default is inspect.Parameter.empty and key not in config and key not in set(given)
    ]
    if missing:
        raise ConfigError(f"{path}: {name} needs {', '.join(map(repr, missing))}")


def _parameters(function: Any) -> tuple[dict[str, inspect.Parameter], bool]:
    parameters = inspect.signature(function).parameters
    keys = {
        key: parameter
        for key, parameter in parameters.items()
        if key != "self" and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    is_open = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return keys, is_open


def _is_component(value: Any) -> bool:
    return isinstance(value, Mapping) and "type" in value


def _instance(config: Mapping[str, Any], kind: Any, path: str) -> Any:
    _check_keys(config, kind, path)
    rest = {key: value for key, value in config.items() if key not in ("type", "_scope_")}
    return kind(**{key: _build_value(value, f"{path}.{key}") for key, value in rest.items()})


def _build_value(value: Any, path: str) -> Any:
    if _is_component(value):
        return _instance(value, _component_class(value, Registry.every, path), path)
    if isinstance(value, Mapping):
        return {k: _build_value(v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_build_value(v, f"{path}[{i}]") for i, v in enumerate(value))
    return value


def _check_value(value: Any, path: str) -> None:
    if _is_component(value):
        _check_keys(value, _component_class(value, Registry.every, path), path)
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_value(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_value(item, f"{path}[{index}]")


def _load_plugins() -> None:
    if Registry._plugins_loaded:
        return
    Registry._plugins_loaded = True
    for entry in entry_points(group=PLUGIN_GROUP):
        try:
            entry.load()
        except Exception as error:  # noqa: BLE001  # a stranger's module may raise anything; vidkit goes on without it
            warnings.warn(f"plug-in {entry.name!r} ({entry.value}) was not loaded: {error!r}", stacklevel=2)
