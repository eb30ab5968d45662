"""vidkit features check --against, and convert."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from test_bad_input import run

from vidkit.encoders import Precomputed
from vidkit.features import FeatureStore, make_sidecar


def _store(root: Path, *, name: str = "SlowFast", clip_seconds: float = 2.0) -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(6, 2304)).astype(np.float32)
    sidecar = make_sidecar(
        Precomputed(2304, name=name), clip_seconds=clip_seconds, duration_seconds=6 * clip_seconds
    )
    FeatureStore(root).encoder(name).put("video", rows, {**sidecar, "encoder": name})
    return rows


def test_a_store_is_converted_and_agrees_with_what_was_written(tmp_path: Path) -> None:
    _store(tmp_path / "store")
    result = run(
        "features", "convert", tmp_path / "store", "--layout", "qvhighlights", "--out", tmp_path / "out"
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"slowfast_features": 1}
    result = run("features", "check", tmp_path / "store", "--against", tmp_path / "out" / "slowfast_features")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["agrees"]
    assert (found["num_videos"], found["num_clips"], found["findings"]) == (1, 6, [])
    assert found["only_here"] == {"videos": 0, "first": []}


def test_a_swapped_order_is_told_and_exits_with_1(tmp_path: Path) -> None:
    rows = _store(tmp_path / "store")
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "video.npy", np.roll(rows, 256, axis=1))
    result = run("features", "check", tmp_path / "store", "--against", tmp_path / "other")
    assert result.exit_code == 1
    assert "here 2048|256, there 256|2048" in json.loads(result.stdout)["findings"][0]


def test_the_wanted_cosine_is_an_option(tmp_path: Path) -> None:
    rows = _store(tmp_path / "store")
    noise = np.random.default_rng(1).normal(size=rows.shape)
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "video.npy", (rows + 0.2 * noise).astype(np.float32))
    against = ("features", "check", tmp_path / "store", "--against", tmp_path / "other")
    assert run(*against).exit_code == 1
    assert run(*against, "--min-cosine", "0.9").exit_code == 0


def test_bad_input_is_one_sentence_and_exits_with_2(tmp_path: Path) -> None:
    _store(tmp_path / "store", clip_seconds=1.0)
    out = ("--out", tmp_path / "out")
    for arguments, message in (
        (
            ("convert", tmp_path / "store", "--layout", "qvhighlights", *out),
            "qvhighlights has clips of 2.0 s",
        ),
        (("convert", tmp_path / "store", "--layout", "lighthouse", *out), "unknown layout 'lighthouse'"),
        (("convert", tmp_path / "none", "--layout", "umt", *out), "no feature store at"),
        (
            ("convert", tmp_path / "store", "--layout", "umt", "--encoder", "CLIP", *out),
            "no features of 'CLIP' in",
        ),
        (("check", tmp_path / "store", "--against", tmp_path / "none"), "no feature folder at"),
    ):
        result = run("features", *arguments)
        assert result.exit_code == 2, result.stderr
        assert message in result.stderr
        assert result.stdout == ""
    assert not (tmp_path / "out").exists()
