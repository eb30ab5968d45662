"""A small MMCT with the embedded encoders on clips of your own.

Run:      vidkit train repurposing/mmct_clips
Data:     docs/train_on_your_clips.md
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct_embedded.py", "../_base_/own_clips.py", "../_base_/runtime_best.py"]
