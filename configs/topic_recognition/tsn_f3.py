"""Table 4, row TSN-f3: 3 segments to train, the same 24 frames to test.

Run:      vidkit train topic_recognition/tsn_f3
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["tsn_f8.py"]

model = dict(encoder=dict(num_segments=3))
train_dataloader = dict(dataset=dict(frames=dict(num_segments=3)))
val_dataloader = dict(dataset=dict(frames=dict(num_segments=3)))
