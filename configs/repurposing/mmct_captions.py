"""Table 4, row C: captions alone.

Run:      vidkit train repurposing/mmct_captions
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=None,
    audio_encoder=None,
    guider=None,
    loss=dict(unimodal=0.0, alignment=0.0),
)
