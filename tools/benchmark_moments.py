"""What tools/benchmark.py measures of moment retrieval: metrics, a training step, long videos.

``metrics``: QVHighlights by vidkit, and by scikit-learn query by query. The files are the val split and the
sample predictions of Moment-DETR in the folder VIDKIT_TEST_DATA, or else generated ones of as many queries.

``umt_train``: a training step (forward, backward, Adam) of UMT as on QVHighlights, 32 samples of 75 clips and
up to 32 words, and the same layer by layer (``benchmark_umt.py``); that both have the same loss with equal
weights is looked at before the clock starts. ``moments_long``: UMT reads an hour and four hours in windows of
150 s. In brackets stands by how much the memory grew over that of the models, the optimiser's state and the
batch.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark_cases import start_clock

NUM_QUERIES = 1550
_DIMS = {"visual": 2816, "audio": 2048, "text": 512}
_BATCH, _NUM_CLIPS, _NUM_WORDS, _NUM_STEPS = 32, 75, 32, 10
_THREADS = 2


def metrics_by_vidkit(folder: Path) -> None:
    """All metrics of 1,550 queries, from the files."""
    from vidkit.evaluation.protocols import evaluate_files

    predictions, truth = _files(folder)
    warnings.simplefilter("ignore", UserWarning)  # windows beyond their video
    start_clock()
    evaluate_files("qvhighlights", predictions, truth)


def metrics_by_scikit_learn(folder: Path) -> None:
    """The same in plain loops, with scikit-learn's precision-recall curve per query and annotator."""
    reference_metrics = _references().reference_metrics
    from vidkit.files import read_json_lines

    predictions, truth = _files(folder)
    start_clock()
    reference_metrics(read_json_lines(predictions), read_json_lines(truth))


def _files(folder: Path) -> tuple[Path, Path]:
    """Return predictions and ground truth."""
    from vidkit.files import write_json_lines

    if real := os.environ.get("VIDKIT_TEST_DATA"):
        place = Path(real) / "qvhighlights"
        return place / "moment_detr_sample_val_preds.jsonl", place / "highlight_val_release.jsonl"
    files = folder / "qvhighlights_predictions.jsonl", folder / "qvhighlights_truth.jsonl"
    if not files[1].exists():
        rows = _references().random_rows(NUM_QUERIES, 0, num_moments=(1, 1, 1, 2, 4))
        for path, lines in zip(files, rows):
            write_json_lines(path, lines)
    return files


def _references():
    """Return the module of the tests that has the rules in plain loops."""
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "evaluation"))
    import moment_references

    return moment_references


def _umt(**settings: Any) -> Any:
    from vidkit.registry import MODELS

    encoders = {
        f"{name}_encoder": dict(type="Precomputed", dim=dim, modality=name) for name, dim in _DIMS.items()
    }
    return MODELS.build(dict(type="UMT", **{**encoders, **settings}, loss=dict(type="UMTLoss")))


def _batch() -> dict[str, Any]:
    """Return a padded batch of QVHighlights' sizes."""
    import torch

    from vidkit.data import PadSequences, VideoSample

    torch.manual_seed(0)
    words = torch.randint(6, _NUM_WORDS + 1, (_BATCH,)).tolist()
    words[0] = _NUM_WORDS
    inputs = {
        name: [torch.randn(_NUM_CLIPS, _DIMS[name]) for _ in range(_BATCH)] for name in ("visual", "audio")
    }
    inputs["text"] = [torch.randn(count, _DIMS["text"]) for count in words]
    samples = []
    for index in range(_BATCH):
        sample = VideoSample(metainfo=dict(video_id=str(index), duration_seconds=2.0 * _NUM_CLIPS))
        start = 2.0 * float(torch.randint(0, 60, ()))
        sample.gt_segments = torch.tensor([[start, start + 16.0], [start + 20.0, start + 30.0]])
        sample.gt_saliency = torch.rand(_NUM_CLIPS)
        samples.append(sample)
    return PadSequences()(dict(inputs=inputs, data_samples=samples))  # type: ignore[no-any-return]


def _models() -> tuple[Any, Any]:
    """Return UMT and its plain double with equal weights, after a look that they say and learn the same."""
    import torch
    from benchmark_umt import NUM_ROWS, PlainUMT

    from vidkit.tasks.moment_retrieval import UMTLayout

    torch.set_num_threads(_THREADS)
    torch.manual_seed(0)
    plain = PlainUMT(**_DIMS)
    ours = _umt(num_window_clips=NUM_ROWS)
    ours.load_state_dict(UMTLayout.convert(plain.state_dict())[1])
    batch = _batch()
    with torch.no_grad():
        said = plain.eval()(batch["inputs"], batch["masks"])
        expected = plain.loss(said, batch["data_samples"], batch["masks"]["visual"])
        got = sum(ours.eval()(**batch, mode="loss").values())
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    return ours, plain


def _time_steps(model: Any, loss_of: Callable[[dict[str, Any]], Any]) -> None:
    import torch

    optimizer = torch.optim.Adam(model.train().parameters(), lr=1e-3, weight_decay=1e-4)
    batch = _batch()

    def step() -> None:
        loss_of(batch).backward()
        optimizer.step()
        optimizer.zero_grad()

    step()  # what is made once: the optimiser's state, threads, the choice of kernels
    start_clock(memory=True, steps=_NUM_STEPS)
    for _ in range(_NUM_STEPS):
        step()


def umt_train_by_vidkit(folder: Path) -> None:
    """A training step as the configs take it: positions for the clips that there are."""
    import torch

    torch.set_num_threads(_THREADS)
    torch.manual_seed(0)
    model = _umt(num_window_clips=_NUM_CLIPS)
    _time_steps(model, lambda batch: sum(model(**batch, mode="loss").values()))


def umt_train_with_large_tables(folder: Path) -> None:
    """The same with the five tables of 5000 positions, of which 75 rows are used."""
    model, _ = _models()
    _time_steps(model, lambda batch: sum(model(**batch, mode="loss").values()))


def umt_train_layer_by_layer(folder: Path) -> None:
    """The same layer by layer, with these tables."""
    _, plain = _models()

    def loss_of(batch: dict[str, Any]) -> Any:
        said = plain(batch["inputs"], batch["masks"])
        return plain.loss(said, batch["data_samples"], batch["masks"]["visual"])

    _time_steps(plain, loss_of)


def moments_of_an_hour(folder: Path) -> None:
    """A sentence asked of an hour: 1,800 clips of 2 s, features given."""
    _ask(1800)


def moments_of_four_hours(folder: Path) -> None:
    """The same of four hours."""
    _ask(7200)


def _ask(num_clips: int) -> None:
    import numpy as np
    import torch

    from vidkit.registry import TASKS

    torch.set_num_threads(_THREADS)
    torch.manual_seed(0)
    model = _umt(text_encoder=dict(type="HashedText", dim=_DIMS["text"]))
    inference = TASKS.build(dict(type="MomentInference", model=model))
    random = np.random.default_rng(0)
    features = {
        name: random.standard_normal((num_clips, _DIMS[name]), dtype=np.float32)
        for name in ("visual", "audio")
    }

    def ask(count: int) -> None:
        inference.predict(
            {name: rows[:count] for name, rows in features.items()},
            video_id="film",
            duration_seconds=2.0 * count,
            query="a woman opens the door of an old house and looks outside",
        )

    ask(150)
    start_clock(memory=True)
    ask(num_clips)


CASES: dict[str, list[Callable[[Path], None]]] = {
    "metrics": [metrics_by_vidkit, metrics_by_scikit_learn],
    "umt_train": [umt_train_by_vidkit, umt_train_with_large_tables, umt_train_layer_by_layer],
    "moments_long": [moments_of_an_hour, moments_of_four_hours],
}
