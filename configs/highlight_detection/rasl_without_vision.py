"""Table III without vision: the audio branch trains and predicts.

Run:      vidkit train highlight_detection/rasl_without_vision
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_without_vision
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(visual_encoder=None)
