"""vidkit sweep: every seed is trained once, whatever happens in between, and told with the others."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

sys.path.append(str(Path(__file__).parents[1] / "engine"))

from toy import write_config, write_store

from vidkit import apis
from vidkit.cli import app
from vidkit.engine import load_config, read_checkpoint
from vidkit.registry import BASELINES, ConfigError
from vidkit.sweeps import baseline_metrics, spread, sweep, table_of


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_config(write_store(tmp_path_factory.mktemp("toy"), num_videos=4), max_epochs=2)


@pytest.fixture(scope="module")
def finished(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A sweep of the seeds 3 and 4."""
    folder = tmp_path_factory.mktemp("sweep")
    return folder, sweep(config, seeds=[3, 4], work_dir=folder, quiet=True)


def test_the_numbers_are_those_of_training_and_testing_every_seed(
    config: Path, finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    _, report = finished
    last, best = [], []
    for seed in (3, 4):
        options = [f"randomness.seed={seed}"]
        work = tmp_path / str(seed)
        checkpoint = apis.train(config, work_dir=work, options=options, quiet=True)
        last.append(apis.test(config, checkpoint, options=options, quiet=True)[0])
        best.append(apis.test(config, work / "best.pth", options=options, quiet=True)[0])
    for name, expected in (("last_epoch", last), ("best_on_val", best)):
        told = report[name]["average/mAP"]
        values = [metrics["average/mAP"] for metrics in expected]
        assert told["values"] == values
        assert told["mean"] == pytest.approx(sum(values) / 2)
        assert told["std"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
        assert (told["min"], told["max"]) == (min(values), max(values))
    assert report["seeds"] == [3, 4]
    assert report["baselines"] == {}


def test_a_finished_seed_is_not_trained_again_and_a_new_one_is(
    config: Path, finished: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, report = finished
    shutil.copytree(folder, tmp_path / "sweep")
    trained = []
    real = apis.train

    def train(config: Any, **arguments: Any) -> Path:
        trained.append(config.randomness.seed)
        return real(config, **arguments)

    monkeypatch.setattr(apis, "train", train)
    more = sweep(config, seeds=[3, 4, 5], work_dir=tmp_path / "sweep", quiet=True)
    assert trained == [5]
    values = more["last_epoch"]["average/mAP"]["values"]
    assert values[:2] == report["last_epoch"]["average/mAP"]["values"]
    assert len(values) == 3


def test_a_seed_that_was_stopped_goes_on_where_it_was(
    config: Path, finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, report = finished
    stopped = tmp_path / "sweep" / "seed_3"
    shutil.copytree(folder / "seed_3", stopped)
    shutil.copy(folder / "sweep.json", tmp_path / "sweep")
    (stopped / "metrics.json").unlink()
    (stopped / "epoch_2.pth").unlink()
    (stopped / "last_checkpoint").write_text("epoch_1.pth")
    before = (stopped / "epoch_1.pth").stat().st_mtime_ns
    again = sweep(config, seeds=[3], work_dir=tmp_path / "sweep", quiet=True)
    assert (stopped / "epoch_1.pth").stat().st_mtime_ns == before
    assert read_checkpoint(stopped / "epoch_2.pth")["meta"]["epoch"] == 2
    first, second = (read_checkpoint(run / "seed_3" / "epoch_2.pth") for run in (folder, tmp_path / "sweep"))
    assert all(torch.equal(weight, second["state_dict"][key]) for key, weight in first["state_dict"].items())
    expected = report["last_epoch"]["average/mAP"]["values"][0]
    assert again["last_epoch"]["average/mAP"] == dict(
        mean=expected, std=None, min=expected, max=expected, values=[expected]
    )


def test_a_folder_of_another_config_is_refused(
    config: Path, finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, _ = finished
    with pytest.raises(ValueError, match=r"another config, which differs in model.contrast.k; give another"):
        sweep(config, seeds=[3], work_dir=folder, options=["model.contrast.k=4"], quiet=True)


def test_a_folder_in_which_nothing_was_trained_is_no_sweep(config: Path, tmp_path: Path) -> None:
    bad = "train_dataloader.dataset.features=/nowhere"
    with pytest.raises(FileNotFoundError):
        sweep(config, seeds=[0], work_dir=tmp_path, options=[bad], quiet=True)
    sweep(config, seeds=[0], work_dir=tmp_path, options=["train_cfg.max_epochs=1"], quiet=True)


def test_without_best_on_val_there_is_only_the_last_epoch(config: Path, tmp_path: Path) -> None:
    options = ["default_hooks.checkpoint.save_best=None", "train_cfg.max_epochs=1"]
    report = sweep(config, seeds=[0], work_dir=tmp_path, options=options, quiet=True)
    assert list(report) == ["seeds", "last_epoch", "baselines"]


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_seeds_are_there_once(config: Path, seeds: list[int], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a sweep needs seeds, each once"):
        sweep(config, seeds=seeds, work_dir=tmp_path)


def test_a_config_that_tests_nothing_is_refused(config: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the config has no test_dataloader, which a sweep needs"):
        sweep(
            config,
            seeds=[0],
            work_dir=tmp_path,
            options=["test_dataloader=None", "test_evaluator=None"],
        )


def test_guesses_of_the_task_stand_beside(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Guess:
        task, is_random = "highlight_detection", False
        name = "as time goes by"

        def __init__(self, *, seed: int) -> None:
            self.factor = np.random.default_rng(seed).normal() if self.is_random else 1.0

        def __call__(self, sample: Any, inputs: Any) -> Any:
            num_clips = len(next(iter(inputs.values())))
            sample.pred_saliency = self.factor * torch.arange(num_clips, dtype=torch.float32)
            return sample

    class Drawn(Guess):
        name, is_random = "up or down", True

    class OfAnother(Guess):
        name, task = "of another task", "repurposing"

    settings = load_config(config)
    task = _task_of(settings)
    kinds = {kind.__name__: kind for kind in (Guess, Drawn, OfAnother)}
    for kind in (Guess, Drawn):
        kind.task = task
    monkeypatch.setattr(BASELINES, "_module_dict", kinds)
    seeds = [0, 4, 7]
    guesses = baseline_metrics(settings, seeds)
    assert {name: len(metrics) for name, metrics in guesses.items()} == {
        "as time goes by": 1,
        "up or down": 3,
    }
    (rising,) = guesses["as time goes by"]
    signs = [np.sign(np.random.default_rng(seed).normal()) for seed in seeds]
    assert {*signs} == {-1, 1}
    for sign, metrics in zip(signs, guesses["up or down"]):
        assert (metrics["average/mAP"] == rising["average/mAP"]) == (sign > 0)


def _task_of(settings: Any) -> str:
    from vidkit.engine.runner import build_dataset
    from vidkit.registry import MODELS

    dataset = build_dataset(settings.test_dataloader.dataset, MODELS.build(settings.model), path="x")
    return str(dataset.metainfo["task"])


def test_the_table_has_a_row_a_metric_and_run() -> None:
    report = {
        "last_epoch": spread([{"mAP": 0.5}, {"mAP": 0.7}]),
        "best_on_val": spread([{"mAP": 0.7}, {"mAP": 0.75}]),
        "baselines": {"whole video": spread([{"mAP": 0.123456}])},
    }
    assert table_of(report).splitlines()[2:] == [
        f"| last epoch | mAP | 0.6 | {statistics.stdev([0.5, 0.7]):.4g} | 0.5 | 0.7 |",
        f"| best on val | mAP | 0.725 | {statistics.stdev([0.7, 0.75]):.4g} | 0.7 | 0.75 |",
        "| whole video | mAP | 0.1235 |  | 0.1235 | 0.1235 |",
    ]


def test_the_table_leaves_out_the_parts_of_a_metric() -> None:
    report = {
        "last_epoch": spread([{"mAP": 0.5, "mAP/0.5": 0.7}]),
        "baselines": {"random": spread([{"dog/mAP": 0.1, "average/mAP": 0.2}])},
    }
    assert table_of(report).splitlines()[2:] == [
        "| last epoch | mAP | 0.5 |  | 0.5 | 0.5 |",
        "| random | dog/mAP | 0.1 |  | 0.1 | 0.1 |",
        "| random | average/mAP | 0.2 |  | 0.2 | 0.2 |",
    ]


def test_the_command_prints_json_and_keeps_the_table_apart(
    config: Path, finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, report = finished
    out = tmp_path / "sweep.json"
    arguments = ["sweep", str(config), "--seeds", "2", "--first-seed", "3", "--work-dir", str(folder)]
    result = CliRunner().invoke(app, [*arguments, "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == json.loads(out.read_text()) == report
    assert "| best on val | average/mAP |" in result.stderr
    assert "seed 4 (2 of 2)" in result.stderr
