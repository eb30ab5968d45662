"""Figure 6: k = 20 instead of 10.

Run:      vidkit train highlight_detection/rasl_k20
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_k20
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(contrast=dict(k=20))
