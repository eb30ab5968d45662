"""Commands that only look: list, config, features, doctor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_bad_input import run

import vidkit
from vidkit.encoders import Precomputed
from vidkit.features import FeatureStore, make_sidecar


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout.strip() == f"vidkit {vidkit.__version__}"


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("encoders", "MotionVisual"),
        ("tasks", "highlight_detection"),
        ("configs", "highlight_detection/rasl"),
        ("models", "RASL"),
        ("losses", "KPointContrast"),
        ("protocols", "tvsum"),
    ],
)
def test_lists_give_one_full_name_a_line_when_piped(what: str, name: str) -> None:
    result = run("list", what)
    assert result.exit_code == 0
    assert name in result.stdout.splitlines()


def test_a_config_is_shown_as_python_that_gives_it_again(tmp_path: Path) -> None:
    shown = run("config", "show", "highlight_detection/rasl_k5").stdout
    (tmp_path / "again.py").write_text(shown)
    assert run("config", "diff", "highlight_detection/rasl_k5", tmp_path / "again.py").stdout == ""


def test_the_difference_of_configs_is_a_key_a_line() -> None:
    result = run("config", "diff", "highlight_detection/rasl", "highlight_detection/rasl_k5")
    assert result.stdout == "model.contrast.k: 10 -> 5\n"


def test_a_right_config_is_told_and_a_wrong_one_exits_with_2() -> None:
    assert run("config", "check", "highlight_detection/rasl").stdout == "highlight_detection/rasl: right\n"
    assert run("config", "check", "highlight_detection/rasl", "--cfg-options", "modl=1").exit_code == 2


def test_a_store_is_counted_and_checked(tmp_path: Path) -> None:
    encoder = Precomputed(3, name="toy")
    sidecar = make_sidecar(encoder, clip_seconds=1.0, duration_seconds=2.0)
    rows = np.ones((2, 3), dtype=np.float32)
    FeatureStore(tmp_path).encoder("toy").put("a", rows, sidecar)
    assert json.loads(run("features", "status", tmp_path).stdout)["toy"]["done"] == 1
    assert run("features", "check", tmp_path).stdout == "0 wrong\n"
    for video_id, damaged in (("b", np.full((2, 3), np.nan, np.float32)), ("c", np.ones((5, 3), np.float32))):
        FeatureStore(tmp_path).encoder("toy").put(video_id, rows, sidecar)
        np.save(tmp_path / "toy" / f"{video_id}.npy", damaged)
    result = run("features", "check", tmp_path)
    assert result.exit_code == 1
    assert "toy/b holds numbers that are not finite" in result.stdout
    assert "c.npy holds float32 (5, 3)" in result.stdout


def test_the_doctor_tells_what_there_is() -> None:
    result = run("doctor")
    assert result.exit_code == 0
    for name in ("torch", "PyAV", "H.264 encoder", "GPU", "faiss"):
        assert any(line.startswith(name) for line in result.stdout.splitlines()), name


@pytest.mark.parametrize(
    "command",
    ["highlights", "demo", "synth", "extract", "train", "test", "evaluate", "predict", "list", "doctor"],
)
def test_every_help_text_has_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Example: vidkit" in result.stdout


def test_the_python_face_is_there() -> None:
    for name in ("load", "extract", "highlights", "FeatureStore", "Predictor"):
        assert callable(getattr(vidkit, name)), name
    with pytest.raises(AttributeError, match="module 'vidkit' has no attribute 'nothing'"):
        vidkit.nothing  # noqa: B018
