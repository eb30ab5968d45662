"""Table IV: both sequences side by side, instead of symmetric contrast.

Run:      vidkit train highlight_detection/rasl_fusion_concatenation
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_fusion_concatenation
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(type="FusedRASL", fusion=dict(type="ConcatenationFusion"))
