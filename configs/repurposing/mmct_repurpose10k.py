"""MMCT on Repurpose-10K, as the paper trains it: alignment guider, 3/3/3 layers (Tables 3 to 5).

Run:      vidkit train repurposing/mmct_repurpose10k
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]
