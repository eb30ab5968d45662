"""Figure 6: the mean of the top 30 activations instead of the contrast.

Run:      vidkit train highlight_detection/rasl_top_k30
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_top_k30
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(contrast=dict(_delete_=True, type="TopActivations", k=30))
