"""What an installed vidkit consists of: packages, data files, guards, metadata."""

from __future__ import annotations

import configparser
import importlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAPPED = {
    "vidkit": "vidkit",
    "vidkit.tasks": "tasks",
    "vidkit.registry": "registry",
    "vidkit.configs": "configs",
}
DATA_SUFFIXES = {".md", ".css", ".js", ".html", ".typed", ".txt", ".json"}


def _setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def _installed_name(path: Path) -> str | None:
    """Return where a file of the checkout lies in the wheel; None for one outside the package."""
    for package, folder in MAPPED.items():
        if path.is_relative_to(ROOT / folder):
            return (Path(*package.split(".")) / path.relative_to(ROOT / folder)).as_posix()
    return None


def _files_of_the_package() -> set[str]:
    """Return where every source and data file of the checkout must lie in the wheel."""
    names = set()
    for folder in MAPPED.values():
        for path in (ROOT / folder).rglob("*"):
            hidden = any(part == "__pycache__" or part.startswith(".") for part in path.parts)
            if path.is_file() and not hidden and path.suffix in {".py", *DATA_SUFFIXES}:
                names.add(str(_installed_name(path)))
    return names


def test_the_list_of_packages_is_complete() -> None:
    """A package that is forgotten in setup.cfg works in an editable install and is absent from the wheel."""
    listed = _setup()["options"]["packages"].split()
    found = {
        ".".join((package, *path.parent.relative_to(ROOT / folder).parts))
        for package, folder in MAPPED.items()
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert sorted(listed) == sorted(found), "fit [options] packages in setup.cfg to the folders"
    assert len(set(listed)) == len(listed)


def test_every_folder_with_code_is_a_package() -> None:
    """Without ``__init__.py`` a folder would be absent from the wheel; those of configs are data."""
    lacking = {
        path.parent.relative_to(ROOT).as_posix()
        for folder in ("vidkit", "tasks", "registry")
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").is_file()
    }
    assert not lacking


@pytest.mark.parametrize("package", ["vidkit.tasks", "vidkit.registry", "vidkit.configs"])
def test_the_mapped_folders_are_subpackages(package: str) -> None:
    module = importlib.import_module(package)
    assert Path(next(iter(module.__path__))).name == MAPPED[package]


@pytest.mark.parametrize("folder", ["tasks", "registry", "configs"])
def test_a_mapped_folder_refuses_its_short_name(folder: str) -> None:
    """``import tasks`` in the root would make every module a second time."""
    result = subprocess.run(
        [sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert f"ImportError: import it as vidkit.{folder}, not as {folder}" in result.stderr


def test_the_metadata_say_python_and_licence() -> None:
    setup = _setup()
    assert setup["options"]["python_requires"] == ">=3.10,<3.14"
    assert setup["metadata"]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    for minor in range(10, 14):
        assert f"Programming Language :: Python :: 3.{minor}" in setup["metadata"]["classifiers"]


def test_the_version_is_that_of_the_module() -> None:
    import vidkit

    assert re.fullmatch(r"\d+\.\d+\.\d+", vidkit.__version__)
    assert importlib.metadata.version("vidkit") == vidkit.__version__


def test_the_command_starts_without_torch() -> None:
    """``vidkit --help`` answers at once."""
    code = (
        "import sys, vidkit.cli\n"
        "heavy = {'torch', 'mmengine', 'transformers', 'av', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("through_sdist", [False, True], ids=["from the tree", "from an sdist"])
def test_the_wheel_holds_every_file(tmp_path: Path, through_sdist: bool) -> None:
    """Built from a copy without .git, as a zip of the repository is, and without network."""
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns(
        ".*", "build", "dist", "*.egg-info", "__pycache__", "site", "demo_output"
    )
    shutil.copytree(ROOT, tree, ignore=ignored)
    out = tmp_path / "out"
    out.mkdir()
    if through_sdist:
        _build("build_sdist", tree, out)
        archive = next(out.glob("*.tar.gz"))
        shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
        (tree,) = (tmp_path / "unpacked").iterdir()
    _build("build_wheel", tree, out)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        inside = set(opened.namelist())
        metadata = opened.read(next(name for name in inside if name.endswith("/METADATA"))).decode()
        scripts = opened.read(next(name for name in inside if name.endswith("/entry_points.txt"))).decode()
    assert not _files_of_the_package() - inside
    assert "vidkit/py.typed" in inside
    assert any(name.endswith("/LICENSE") for name in inside)
    assert {name.split("/")[0] for name in inside if ".dist-info" not in name} == {"vidkit"}
    assert "Requires-Python: <3.14,>=3.10" in metadata
    assert "vidkit = vidkit.cli:main" in scripts


def _build(hook: str, tree: Path, out: Path) -> None:
    """Call the build backend, as pip does with --no-build-isolation."""
    code = f"from setuptools import build_meta; build_meta.{hook}({str(out)!r})"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tree, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
