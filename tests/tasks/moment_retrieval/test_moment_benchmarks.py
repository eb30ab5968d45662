"""The configs of the benchmarks: data in the official layouts is read, taught and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from typer.testing import CliRunner, Result

from vidkit import apis
from vidkit.cli import app, expand_options
from vidkit.data.inspection import needed_videos
from vidkit.encoders.joined import parts_of
from vidkit.encoders.precomputed import Precomputed
from vidkit.engine import config_names, load_config
from vidkit.engine.runner import build_dataset
from vidkit.files import write_json_lines
from vidkit.registry import METRICS, MODELS

BENCHMARKS = ("qvhighlights", "charades_sta", "tvsum", "youtube_highlights")
NAMES = [
    name
    for name in config_names()
    if name.startswith("moment_retrieval/") and any(benchmark in name for benchmark in BENCHMARKS)
]
QUICK = [
    *("umt_qvhighlights", "umt_charades_sta_flow", "umt_tvsum", "umt_youtube_highlights"),
    *("visionary_vids_qvhighlights_one_axis", "moment_detr_charades_sta", "moment_detr_qvhighlights"),
    *("qd_detr_qvhighlights_pretraining", "qd_detr_tvsum_audio", "qd_detr_youtube_highlights"),
]
SMALL = ["model.dim=16", "model.num_heads=2", "train_dataloader.num_workers=0", "randomness.seed=1"]
SECONDS = 20


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data sets with annotations of all benchmarks, without features."""
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    queries = [
        dict(
            qid=number,
            query=f"person {number} opens a door",
            duration=SECONDS,
            vid=f"v{number % 3}",
            relevant_windows=[[4, 10]],
            relevant_clip_ids=[2, 3, 4],
            saliency_scores=[[4, 3, 4], [2, 2, 3], [0, 1, 4]],
        )
        for number in range(4)
    ]
    for name in ("highlight_train_release", "highlight_val_release", "highlight_test_with_gt"):
        write_json_lines(tmp_path / "qvhighlights" / f"{name}.jsonl", queries)
    for row in queries:
        row.update(relevant_clip_ids=None, saliency_scores=None)
    write_json_lines(tmp_path / "qvhighlights" / "subs_train.jsonl", queries)
    for split in ("train", "test"):
        write_json_lines(tmp_path / "charades_sta" / f"charades_{split}_release.jsonl", queries)
        lines = [f"{row['vid']} 4.0 10.0##{row['query']}.\n" for row in queries]
        (tmp_path / "charades_sta" / f"charades_sta_{split}.txt").write_text("".join(lines))
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        rows = [
            dict(
                vid=f"v{number}",
                query="a title",
                domain=domain,
                label=random.integers(1, 6, (9, 20)).tolist(),
            )
            for number, domain in enumerate(("BK", "BK", "DS"))
        ]
        write_json_lines(tmp_path / "tvsum" / f"tvsum_{split}_release.jsonl", rows)
        rows = [
            dict(
                vid=f"v{number}",
                query=domain,
                domain=domain,
                match=[1, -1, 0, 1, -1],
                clip=[[0, 100], [50, 150], [100, 200], [150, 250], [200, 300]],
                fps=25.0,
                duration=12.0,
            )
            for number, domain in enumerate(("dog", "dog", "surfing"))
        ]
        write_json_lines(tmp_path / "youtube_highlights" / f"youtube_highlight_{split}_release.jsonl", rows)
    (tmp_path / "glove").mkdir()
    words = [f"{word} {' '.join(['0.1'] * 300)}\n" for word in ("person", "opens", "a", "door")]
    (tmp_path / "glove" / "glove.6B.300d.txt").write_text("".join(words))
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, expand_options(list(arguments)))


def _write_features(settings: Any, encoders: dict[str, Any]) -> None:
    """Write what a data set needs as it lies on disks: a file per video and stream, a file per sentence."""
    random = np.random.default_rng(0)
    clip_seconds = settings.get("clip_seconds", 2.0)
    for video in needed_videos(settings, path="dataset") or ():
        num_clips = video.num_clips or round(SECONDS / clip_seconds)
        for modality, encoder in encoders.items():
            for part in parts_of(encoder):
                if not isinstance(part, Precomputed):
                    continue
                folder = Path(settings["features"]) / part.name
                folder.mkdir(parents=True, exist_ok=True)
                rows = random.standard_normal((6 if modality == "text" else num_clips, part.dim), np.float32)
                if modality == "text":
                    key = "token" if settings.get("protocol") == "tvsum" else "last_hidden_state"
                    np.savez(folder / f"qid{video.query_id}.npz", **{key: rows})
                elif part.name.startswith(("slowfast", "clip")):
                    np.savez(folder / f"{video.video_id}.npz", features=rows)
                else:
                    np.save(folder / f"{video.video_id}{part.suffix}.npy", rows)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if Path(name).name in QUICK else [pytest.mark.slow], id=Path(name).name)
        for name in NAMES
    ],
)
def test_a_benchmark_is_read_taught_and_measured(name: str) -> None:
    config = load_config(name, SMALL)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    for split in ("train", "test"):
        loader = config.get(f"{split}_dataloader")
        if loader is None:
            continue
        _write_features(loader.dataset, model.encoders())
        data = build_dataset(loader.dataset, model, path="dataset")
        batch = model.data_preprocessor(pseudo_collate([data[index] for index in range(min(len(data), 3))]))
        if split == "train":
            losses = model.train()(**batch, mode="loss")
            total = sum(losses.values())
            total.backward()
            assert torch.isfinite(total)
            assert len(data.lengths()) == len(data)
            continue
        metric = METRICS.build(config.test_evaluator)
        metric.dataset_meta = data.metainfo
        with torch.no_grad():
            for index in range(len(data)):
                one = model.eval().data_preprocessor(pseudo_collate([data[index]]))
                metric.process(None, [sample.to_dict() for sample in model(**one, mode="predict")])
        values = metric.compute_metrics(metric.results)
        best = config.get("default_hooks", {}).get("checkpoint", {}).get("save_best")
        assert best in values
        assert all(np.isfinite(value) for value in values.values())
        assert len(metric.predictions) == len(data)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["umt_qvhighlights", "umt_tvsum_all_domains"])
def test_the_best_and_the_last_epoch_are_kept(name: str, tmp_path: Path) -> None:
    options = [*SMALL, "train_cfg.max_epochs=2", "val_dataloader.num_workers=0", "train_cfg.val_interval=1"]
    config = load_config(f"moment_retrieval/{name}", options)
    for split in ("train", "val"):
        _write_features(config[f"{split}_dataloader"].dataset, MODELS.build(config.model).encoders())
    apis.train(f"moment_retrieval/{name}", work_dir=tmp_path / "work", options=options)
    assert {"best.pth", "epoch_2.pth"} <= {path.name for path in (tmp_path / "work").iterdir()}


def test_another_domain_is_an_option(tmp_path: Path) -> None:
    for domain, expected in (("DS", ["v2"]), ("None", ["v0", "v1", "v2"])):
        option = f"train_dataloader.dataset.domain={domain}"
        result = _run("data", "list", "moment_retrieval/umt_tvsum", "--split", "train", "-c", option)
        assert result.stdout.split() == expected


def test_data_check_tells_of_streams_and_sentences(data: Path) -> None:
    name = "moment_retrieval/umt_qvhighlights"
    config = load_config(name, SMALL)
    _write_features(config.val_dataloader.dataset, MODELS.build(config.model).encoders())
    command = ("data", "check", name, "--split", "val")
    right = _run(*command)
    assert right.exit_code == 0, right.output
    streams = ("visual (slowfast_features)", "visual (clip_features)", "audio")
    expected = [f"val\t{stream}\t3 of 3 videos are right" for stream in streams]
    assert right.stdout.splitlines() == [*expected, "val\ttext\t4 of 4 sentences are right"]
    features = data / "qvhighlights" / "features"
    (features / "clip_text_features" / "qid0.npz").unlink()
    pooled = np.ones((1, 512), np.float32)
    np.savez(features / "clip_text_features" / "qid1.npz", last_hidden_state=pooled)
    (features / "slowfast_features" / "v1.npz").unlink()
    np.save(features / "pann_features" / "v0.npy", np.zeros((10, 7), np.float32))
    np.savez(features / "clip_features" / "v2.npz", features=np.zeros((5, 512), np.float32))
    result = _run(*command)
    assert result.exit_code == 1
    told = result.stdout
    assert "val\tvisual (slowfast_features)\t1 missing: v1" in told
    assert "which are 10 s; its annotation says at least 20 s" in told
    assert "has 7 channels, the audio encoder has 2048" in told
    assert "val\ttext\t2 of 4 sentences are right\nval\ttext\t1 missing: 0\nval\ttext\t1 wrong: 1\n" in told
    assert "holds 1 vectors for the sentence 'person 1 opens a door': the vector of a whole sentence" in told
    assert "text\tmake a file (L, D) for each sentence" in told


def test_data_check_counts_annotated_clips(data: Path) -> None:
    name = "moment_retrieval/umt_youtube_highlights"
    config = load_config(name, SMALL)
    _write_features(config.val_dataloader.dataset, MODELS.build(config.model).encoders())
    command = ("data", "check", name, "--split", "val")
    right = _run(*command)
    assert right.exit_code == 0, right.output
    assert right.stdout.splitlines()[-1] == "val\taudio\t2 of 2 videos are right"
    np.save(data / "youtube_highlights" / "features" / "audio_features" / "v0.npy", np.zeros((3, 2048)))
    wrong = _run(*command)
    assert wrong.exit_code == 1
    assert "have 3 clips, its annotation has 5; make one vector for each annotated clip" in wrong.stdout
