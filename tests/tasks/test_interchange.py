"""Every encoder in every task: the task's default config with one encoder swapped trains and predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit import apis
from vidkit.data.synth import generate
from vidkit.encoders import Encoder
from vidkit.encoders.base import VisualRecipe
from vidkit.engine import load_config
from vidkit.features import FeatureStore
from vidkit.features.sidecar import make_sidecar
from vidkit.files import write_json_lines
from vidkit.registry import ENCODERS

CONFIGS = {
    "highlight_detection": "highlight_detection/rasl_videos",
    "repurposing": "repurposing/mmct_clips",
    "moment_retrieval": "moment_retrieval/umt_videos",
}
"""The default config of each task that reads features, for any videos."""

FILE_CONFIGS = {
    "topic_recognition": ("topic_recognition/mmf_net_videos", "model.branches.{}.encoder"),
    "video_text_retrieval": ("video_text_retrieval/vtcl_videos", "model.{}_encoder"),
}
"""The default config of each task that reads the files of short videos, and where it has its encoders."""

OPTIONS = {
    "video_text_retrieval": ["model.topics=['sea', 'land']"],  # for it predicts the nearest of names
    "repurposing": [
        "model.text_encoder.type=HashedText",
        "model.selection.threshold=0.0",  # a model that has seen one step proposes something all the same
        "model.selection.min_seconds=0.5",
        "param_scheduler=[]",
        "val_dataloader=None",
        "val_evaluator=None",
        "default_hooks.checkpoint.save_best=None",
    ],
    "moment_retrieval": [
        "val_dataloader=None",
        "val_evaluator=None",
        "default_hooks.checkpoint.save_best=None",
    ],
}
"""What a default config needs beside, for one step on two videos."""

TASKS = Path(__file__).parents[2] / "tasks"

HEAVY = {"AST", "I3D", "Mockingjay", "R2Plus1D", "SlowFast", "Swin", "TSM", "TSN"}
"""Encoders that take seconds a clip on a CPU; their tests are slow."""

LIGHT = {"PixelVisual", "MotionVisual", "LogMelAudio", "HashedText", "GloVe", "MiniLM"}
"""Encoders whose tests are quick in every task; the others are quick in the first alone."""

NOT_RAW = ("Precomputed", "JoinedFeatures", "AdaptedFeatures")
CLIP_SECONDS = 1.0  # of the video to predict on, few: an encoder in its full size reads each


def _names() -> list[str]:
    """Return the encoders of vidkit that read raw clips."""
    kinds = {name: ENCODERS.get(name) for name in ENCODERS.module_dict}
    return sorted(
        name
        for name, kind in kinds.items()
        if kind.__module__.startswith("vidkit.encoders.") and name not in NOT_RAW
    )


def _slots(task: str) -> list[str]:
    """Return the modalities for which a task's model has an encoder."""
    model = load_config(CONFIGS[task]).model
    return [modality for modality in ("visual", "audio", "text") if f"{modality}_encoder" in model]


def _is_slow(task: str, name: str) -> bool:
    return name in HEAVY or (task != next(iter(CONFIGS)) and name not in LIGHT)


def _case(task: str, name: str) -> Any:
    return pytest.param(
        task, name, id=f"{task}-{name}", marks=[pytest.mark.slow] if _is_slow(task, name) else []
    )


CASES = [
    _case(task, name) for task in CONFIGS for name in _names() if ENCODERS.get(name).modality in _slots(task)
]
FILE_CASES = [_case(task, name) for task in FILE_CONFIGS for name in _names()]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    generate(folder, num_videos=1, seconds=4.0, width=160, height=90)
    return next((folder / "videos").glob("*.mp4"))


@pytest.mark.parametrize(("task", "name"), CASES)
def test_any_encoder_of_a_modality_trains_and_predicts_in_any_task(
    task: str, name: str, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "train.csv").write_text("path,start,end\nfirst.mp4,2,14\nsecond.mp4,5,20\n")
    (tmp_path / "moments").mkdir()
    write_json_lines(
        tmp_path / "moments" / "train.jsonl",
        [
            dict(qid=number, vid=video_id, duration=30, query="a wave", relevant_windows=[[4, 12]])
            for number, video_id in enumerate(("first", "second"))
        ],
    )
    modality = ENCODERS.get(name).modality
    config = load_config(
        CONFIGS[task],
        [
            *OPTIONS.get(task, []),
            f"model.{modality}_encoder.type={name}",
            f"model.clip_seconds={CLIP_SECONDS}",
            f"train_dataloader.dataset.clip_seconds={CLIP_SECONDS}",
            "train_cfg.max_epochs=1",
            *_weights_of("model.text_encoder", name, tmp_path),
        ],
    )
    encoders = list(apis.encoders_of(config).values())
    reads_queries = (
        task == "moment_retrieval" and modality == "text"
    )  # their words are no features in a store
    assert reads_queries or name in {type(encoder).__name__ for encoder in encoders}
    _write_features(Path(config.train_dataloader.dataset.features), encoders)
    checkpoint = apis.train(config, work_dir=tmp_path / "run", quiet=True)
    queries = ["a wave"] if task == "moment_retrieval" else []
    predictions, failed = apis.load(config, checkpoint).predict_many([video], queries=queries)
    assert not failed
    assert len(predictions[0].saliency) == 4
    assert predictions[0].segments


@pytest.mark.parametrize(("task", "name"), FILE_CASES)
def test_any_encoder_reads_the_files_of_short_videos_in_any_task(
    task: str, name: str, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDKIT_DATA", str(tmp_path))
    (tmp_path / "short_videos").mkdir()
    rows = [f"{n},{video.resolve()},{topic},A wave,a wave" for n, topic in enumerate(("sea", "land"))]
    for split in ("train", "val"):
        table = "\n".join(["video_id,path,label,title,subtitle", *rows])
        (tmp_path / "short_videos" / f"{split}.csv").write_text(table)
    config_name, place = FILE_CONFIGS[task]
    places = {modality: place.format(modality) for modality in ("visual", "audio", "text")}
    kinds = dict(visual="PixelVisual", audio="LogMelAudio", text="HashedText")
    kinds[ENCODERS.get(name).modality] = name
    options = [f"{places[modality]}.type={kind}" for modality, kind in kinds.items()]
    options += ["train_cfg.max_epochs=1", "param_scheduler=[]", *_weights_of(places["text"], name, tmp_path)]
    options += OPTIONS.get(task, [])
    (num_frames,) = {
        encoder.recipe.num_frames
        for encoder in apis.encoders_of(load_config(config_name, options)).values()
        if isinstance(encoder.recipe, VisualRecipe)
    }
    for split in ("train", "val", "test"):
        data = f"{split}_dataloader.dataset"
        options += [
            f"{split}_dataloader.num_workers=0",
            f"{data}.frames=dict(type='SegmentMiddleFrames', num_segments={num_frames})",
            f"{data}.crop=dict(type='WholeFrames')",  # the encoder resizes and crops
            f"{data}.short_side=90",
            f"{data}.sound=dict(type='UniformSound', num_clips=1)",
        ]
    config = load_config(config_name, [*options, "train_dataloader.persistent_workers=False"])
    checkpoint = apis.train(config, work_dir=tmp_path / "run", quiet=True)
    (prediction,), failed = apis.load(config, checkpoint).predict_many([video])
    assert not failed
    assert prediction.task == task
    assert prediction.extra


def _weights_of(place: str, name: str, folder: Path) -> list[str]:
    """Return the option of an encoder that cannot do without weights."""
    if name != "GloVe":
        return []
    (folder / "glove.txt").write_text("the 1 0\nwave 0 1\n", encoding="utf-8")
    return [f"{place}.weights={folder / 'glove.txt'}"]


def _write_features(folder: Path, encoders: list[Encoder]) -> None:
    """Write features of two videos as these encoders would: one training step does not need better ones."""
    random = np.random.default_rng(0)
    for encoder in encoders:
        for video_id in ("first", "second"):
            sidecar = make_sidecar(encoder, clip_seconds=CLIP_SECONDS, duration_seconds=30.0)
            rows = random.standard_normal((30, encoder.dim)).astype(np.float32)
            FeatureStore(folder).encoder(encoder).put(video_id, rows, sidecar)


def test_no_task_is_forgotten() -> None:
    tasks = {path.parent.name for path in TASKS.glob("*/inference.py")}
    assert tasks == {*CONFIGS, *FILE_CONFIGS}, "name the default config of the new task in CONFIGS"


def test_no_encoder_is_forgotten() -> None:
    modalities = {slot for task in CONFIGS for slot in _slots(task)}
    assert modalities == {"visual", "audio", "text"}
    assert {case.values[1] for case in CASES} == {
        name for name in _names() if ENCODERS.get(name).modality in modalities
    }
