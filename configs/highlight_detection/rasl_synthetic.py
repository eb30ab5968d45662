"""RASL with the embedded encoders on the synthetic data set: trains on a laptop, without weights or labels.

Run:      vidkit train highlight_detection/rasl_synthetic
Data:     docs/synthetic_data.md
Results:  docs/highlight_detection.md
"""

_base_ = ["../_base_/rasl_embedded.py", "../_base_/synthetic_highlights.py", "../_base_/runtime.py"]
