"""RASL as its paper trains it: Swin and Mockingjay features of ActivityNet, tested on YouTube Highlights.

Run:      vidkit train highlight_detection/rasl
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]
