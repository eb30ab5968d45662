"""Table 5, row 5/2/2: layers of self-attention, caption enhancement and fusion.

Run:      vidkit train repurposing/mmct_layers_5_2_2
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(num_self_layers=5, num_caption_layers=2, num_fusion_layers=2)
