"""Table 4, row TSN-f8 from scratch, which is row I (TSN) of Table 5: one frame of each of 8 segments.

Run:      vidkit train topic_recognition/tsn_f8
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/topic_branch_2d.py", "../_base_/usv.py", "../_base_/runtime_best.py"]
