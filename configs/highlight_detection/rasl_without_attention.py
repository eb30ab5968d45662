"""Table III without self-attention (Equations 1 and 2).

Run:      vidkit train highlight_detection/rasl_without_attention
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_without_attention
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(with_attention=False)
