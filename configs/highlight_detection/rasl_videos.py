"""RASL with the embedded encoders on any videos: what `vidkit highlights` fits to the videos it is given.

Run:      vidkit highlights VIDEO..., or extract features to $VIDKIT_DATA/videos/features and train
Data:     any videos, no labels
Results:  docs/highlight_detection.md
"""

_base_ = ["../_base_/rasl_embedded.py", "../_base_/runtime.py"]

train_dataloader = dict(
    dataset=dict(type="UnlabelledChunks", features="{{$VIDKIT_DATA:data}}/videos/features"),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=8,
)
inference = dict(cut_suppression=True)  # hard cuts score high though they mean nothing (Section IV-D)
