"""Table 5, row III: multilingual BERT on what is written in a video.

Run:      vidkit train topic_recognition/text
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/topic_branch_text.py", "../_base_/usv.py", "../_base_/runtime_best.py"]

train_dataloader = dict(batch_size=8)
