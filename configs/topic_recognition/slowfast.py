"""Table 4, row SlowFast, which is row I (SlowFast) of Table 5: 8 frames at 8, and 32 at 2.

Run:      vidkit train topic_recognition/slowfast
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/topic_branch_3d.py", "../_base_/usv_32x2.py", "../_base_/runtime_best.py"]

model = dict(encoder=dict(type="SlowFast", recipe="crops"))
train_dataloader = dict(batch_size=64)
