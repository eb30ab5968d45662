"""Table 4, row A&V&C with UF: the uni-modal heads are trained, but not aligned with the fused one.

Run:      vidkit train repurposing/mmct_unimodal_focal
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(
    loss=dict(alignment=0.0),
)
