"""Table 5, row 7/1/1: layers of self-attention, caption enhancement and fusion.

Run:      vidkit train repurposing/mmct_layers_7_1_1
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(num_self_layers=7, num_caption_layers=1, num_fusion_layers=1)
