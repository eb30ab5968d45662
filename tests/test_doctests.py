"""Every module can be imported, and the examples of its docstrings are right."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

PACKAGES = ("vidkit", "vidkit.tasks", "vidkit.registry", "vidkit.configs")
RUNS_WHEN_IMPORTED = {"vidkit.__main__"}


def _module_names() -> list[str]:
    """Return all modules; the mapped packages are walked one by one, as a walk over vidkit misses them."""
    names: set[str] = set()
    for name in PACKAGES:
        package = importlib.import_module(name)
        names |= {name, *(found.name for found in pkgutil.walk_packages(package.__path__, f"{name}."))}
    return sorted(names - RUNS_WHEN_IMPORTED)


@pytest.mark.parametrize("name", _module_names())
def test_the_examples_of_a_module_are_right(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples; see the output above"
