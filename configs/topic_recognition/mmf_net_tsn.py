"""Table 5, row I (TSN) + II + III: MMF-Net.

Run:      vidkit train topic_recognition/mmf_net_tsn
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/mmf_net.py", "../_base_/usv.py", "../_base_/runtime_best.py"]
