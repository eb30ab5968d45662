"""Table 4, row TSN-f5: 5 segments to train, the same 24 frames to test.

Run:      vidkit train topic_recognition/tsn_f5
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["tsn_f8.py"]

model = dict(encoder=dict(num_segments=5))
train_dataloader = dict(dataset=dict(frames=dict(num_segments=5)))
val_dataloader = dict(dataset=dict(frames=dict(num_segments=5)))
