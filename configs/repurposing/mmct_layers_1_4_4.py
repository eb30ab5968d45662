"""Table 5, row 1/4/4: layers of self-attention, caption enhancement and fusion.

Run:      vidkit train repurposing/mmct_layers_1_4_4
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(num_self_layers=1, num_caption_layers=4, num_fusion_layers=4)
