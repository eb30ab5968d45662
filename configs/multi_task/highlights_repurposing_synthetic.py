"""Highlights and repurposing in one run, on one layer over the pixels, on the synthetic data set.

RASL has no labels: repurposing gives the shared layer some. Clips of 0.2 s and of 1 s are told apart by what
comes after the layer. The layer cannot shrink what RASL rebuilds, as its vectors have unit variance.

Run:      vidkit train multi_task/highlights_repurposing_synthetic
Data:     docs/multi_task.md
Results:  docs/multi_task.md
"""

_base_ = [
    "../_base_/highlights_and_repurposing.py",
    "../_base_/synthetic_features_tasks.py",
    "../_base_/runtime.py",
]
