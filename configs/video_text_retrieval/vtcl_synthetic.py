"""A small VTCL with the embedded encoders on the synthetic data set: trains on a laptop, without a model hub.

Run:      vidkit train video_text_retrieval/vtcl_synthetic
Data:     docs/synthetic_data.md
Results:  docs/video_text_retrieval.md
"""

_base_ = ["../_base_/vtcl_embedded.py", "../_base_/synthetic_usv.py", "../_base_/runtime_best.py"]

model = dict(topics="synthetic")
train_dataloader = dict(batch_size=32)  # the more pairs, the more negatives
