"""Table III without the auxiliary task (Equation 10).

Run:      vidkit train highlight_detection/rasl_without_masking
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_without_masking
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(masking=None)
