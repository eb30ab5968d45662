"""The arrows of docs/architecture.md: who may import whom, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAPPED = {
    "vidkit": "vidkit",
    "vidkit.tasks": "tasks",
    "vidkit.registry": "registry",
    "vidkit.configs": "configs",
}

_BASE = {"checkpoints", "files", "measured", "offline", "overlap", "seeds", "sizes"}
_BRICKS = {"registry", *_BASE}
MAY_IMPORT: dict[str, set[str]] = {
    "checkpoints": set(),
    "files": set(),
    "measured": {"files"},
    "offline": set(),
    "overlap": set(),
    "seeds": set(),
    "sizes": set(),
    "registry": set(),
    "configs": set(),
    "media": _BASE,
    "modules": _BRICKS,
    "losses": _BRICKS,
    "postprocessing": _BRICKS,
    "encoders": {*_BRICKS, "modules"},
    "data": {*_BRICKS, "media", "encoders", "features"},
    "evaluation": {*_BRICKS, "data", "postprocessing"},
    "features": {*_BRICKS, "media", "encoders"},
    "retrieval": {*_BRICKS, "media", "encoders", "features", "data"},
    "export": {*_BASE, "media"},
    "engine": {*_BRICKS, "configs"},
    "multi_task": {*_BRICKS, "data", "encoders"},
}
"""Part of vidkit -> the parts it may import. Arrows go down; none comes back."""

_ON_TOP = {
    "apis",
    "archives",
    "inference",
    "results",
    "highlight_videos",
    "sweeps",
    "engine",
    "multi_task",
    "commands",
    "cli",
    "__main__",
    "configs",
    "export",
    "retrieval",
}
TASK_MAY_IMPORT = set(MAY_IMPORT) - _ON_TOP
TOP = {
    "apis",
    "archives",
    "highlight_videos",
    "inference",
    "results",
    "sweeps",
    "commands",
    "cli",
    "__main__",
    "",
}
"""What stands above the tasks; it may import anything below, and one another in the order of the arrows."""
TOP_MAY_NOT_IMPORT = {
    "results": {"inference", "apis", "highlight_videos", "commands", "cli", "tasks"},
    "inference": {"apis", "highlight_videos", "commands", "cli", "tasks"},
    "apis": {"archives", "highlight_videos", "commands", "cli", "tasks"},
    "archives": {"highlight_videos", "commands", "cli", "tasks"},
    "highlight_videos": {"commands", "cli", "tasks"},
    "sweeps": {"highlight_videos", "commands", "cli", "tasks"},
    "commands": {"cli", "tasks"},
}


def _modules() -> Iterator[tuple[str, Path]]:
    """Yield the dotted name and the file of every module of the package."""
    for package, folder in MAPPED.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inner = path.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join((package, *inner)).removesuffix(".__init__"), path


def _imports(path: Path, name: str) -> set[str]:
    """Return the dotted names that a file imports from vidkit, at any depth of the code."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively; write vidkit..."
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {module for module in found if module.split(".")[0] == "vidkit"}


def _part(module: str) -> str:
    """Return the part of vidkit that a module belongs to: "media", "tasks", "" for vidkit itself."""
    return module.split(".")[1] if "." in module else ""


def _graph() -> Iterator[tuple[str, str]]:
    for name, path in _modules():
        for imported in _imports(path, name):
            yield name, imported


def test_every_part_of_vidkit_has_its_place() -> None:
    parts = {_part(name) for name, _ in _modules()}
    assert parts <= {*MAY_IMPORT, *TOP, "tasks"}, "put the new part into MAY_IMPORT and docs/architecture.md"


def test_arrows_point_one_way() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, imported in _graph()
        if (part := _part(name)) in MAY_IMPORT
        and (other := _part(imported)) not in {part, "", "__version__"}  # "import vidkit", for the version
        and other not in MAY_IMPORT[part]
    ]
    assert not wrong


def test_the_allowed_arrows_have_no_circle() -> None:
    order: list[str] = []
    while len(order) < len(MAY_IMPORT):
        free = [part for part in MAY_IMPORT if part not in order and MAY_IMPORT[part] <= set(order)]
        assert free, f"a circle among {set(MAY_IMPORT) - set(order)}"
        order += free


def test_a_task_imports_the_shared_parts_and_no_other_task() -> None:
    wrong = []
    for name, imported in _graph():
        if _part(name) != "tasks":
            continue
        same_task = imported.split(".")[:3] == name.split(".")[:3]
        if not same_task and _part(imported) not in TASK_MAY_IMPORT:
            wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_what_stands_on_top_reaches_tasks_through_the_registry_alone() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, imported in _graph()
        if _part(imported) in TOP_MAY_NOT_IMPORT.get(_part(name), set())
    ]
    assert not wrong


def test_only_the_engine_steps_an_optimiser() -> None:
    """``optimizer.step()``, ``loss.backward()``, ``optim_wrapper.update_params()`` stand in vidkit/engine."""
    wrong = []
    for name, path in _modules():
        if _part(name) == "engine":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            attribute = node.func.attr if isinstance(getattr(node, "func", None), ast.Attribute) else ""
            if attribute in {"step", "backward", "update_params"}:
                wrong.append(f"{name}:{node.lineno} calls .{attribute}()")
            if isinstance(node, (ast.Import, ast.ImportFrom)) and "torch.optim" in ast.unparse(node):
                wrong.append(f"{name}:{node.lineno} imports torch.optim")
    assert not wrong


def test_only_the_engine_knows_the_runner_of_mmengine() -> None:
    wrong = []
    for name, path in _modules():
        if _part(name) == "engine":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)) and "mmengine.runner" in ast.unparse(node):
                wrong.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
    assert not wrong


@pytest.mark.parametrize("name", ["train.py", "test.py", "extract_features.py"])
def test_a_tool_that_is_a_command_is_thin(name: str) -> None:
    script = ROOT / "tools" / name
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 40
    assert _imports(script, script.name) == {"vidkit.cli.main"}
