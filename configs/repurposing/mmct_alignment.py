"""Table 4, row A&V&C with AL: the uni-modal heads are aligned with the fused one, and not trained else.

Run:      vidkit train repurposing/mmct_alignment
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(
    loss=dict(unimodal=0.0),
)
