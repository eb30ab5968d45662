"""A small VTCL with the embedded encoders on short videos of your own, with their titles.

Run:      vidkit train video_text_retrieval/vtcl_videos
Data:     docs/video_text_retrieval.md#your-own-videos
Results:  docs/video_text_retrieval.md
"""

_base_ = ["../_base_/vtcl_embedded.py", "../_base_/own_short_videos.py", "../_base_/runtime_best.py"]

# Titles need no topics; with some, name them in model.topics, and each video gets the nearest one.
train_dataloader = dict(dataset=dict(topics=None), batch_size=64)
val_dataloader = dict(dataset=dict(topics=None))
test_dataloader = dict(dataset=dict(topics=None))
