"""Table 4, row A&V: no captions, no alignment guider.

Run:      vidkit train repurposing/mmct_audio_visual
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(
    text_encoder=None,
    guider=None,
    loss=dict(unimodal=0.0, alignment=0.0),
)
