"""A small MMCT with the embedded encoders on the synthetic data set: trains on a laptop, without a model hub.

Run:      vidkit train repurposing/mmct_synthetic
Data:     docs/synthetic_data.md
Results:  docs/repurposing.md
"""

_base_ = [
    "../_base_/mmct_embedded.py",
    "../_base_/synthetic_repurposing.py",
    "../_base_/runtime_best.py",
]

# Videos of 20 s have clips of 5 s; the benchmark's limits are for videos of half an hour.
model = dict(selection=dict(min_seconds=3.0))
