"""Table 4, row I3D: ResNet-50 from scratch, 8 frames at an interval of 8.

Run:      vidkit train topic_recognition/i3d
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/topic_branch_3d.py", "../_base_/usv_8x8.py", "../_base_/runtime_best.py"]

model = dict(encoder=dict(type="I3D", recipe="crops"))
train_dataloader = dict(batch_size=64)
