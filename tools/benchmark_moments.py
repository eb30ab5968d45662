"""What tools/benchmark.py measures of metrics: QVHighlights by vidkit, and by scikit-learn query by query.

The files are the val split and the sample predictions of Moment-DETR in the folder VIDKIT_TEST_DATA, or else
generated ones of as many queries.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from benchmark_cases import start_clock

NUM_QUERIES = 1550


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


METRIC_CASES: dict[str, list[Callable[[Path], None]]] = {
    "metrics": [metrics_by_vidkit, metrics_by_scikit_learn]
}
