"""Table III without RASL: no k-point contrast, so the activations only weigh the reconstruction.

Run:      vidkit train highlight_detection/rasl_without_contrast
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_without_contrast
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(contrast=None)
