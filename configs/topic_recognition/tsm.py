"""TSM on ResNet-50, which the paper describes and Table 4 leaves out: 8 segments, also to test.

Run:      vidkit train topic_recognition/tsm
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/topic_branch_2d.py", "../_base_/usv.py", "../_base_/runtime_best.py"]

model = dict(encoder=dict(_delete_=True, type="TSM", recipe="crops"))
test_dataloader = dict(dataset=dict(frames=dict(num_segments=8)))  # the frames that the shift couples
