"""A small VisionaryVids with the embedded encoders on the synthetic data set, for a laptop.

Run:      vidkit train moment_retrieval/visionary_vids_synthetic
Data:     docs/synthetic_data.md
Results:  docs/moment_retrieval.md
"""

_base_ = ["../_base_/visionary_vids.py", "../_base_/synthetic_moments.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(type="PixelVisual"),
    audio_encoder=None,
    text_encoder=dict(type="HashedText"),
    dim=64,
    num_heads=4,
    clip_seconds=2.0,
)
train_cfg = dict(max_epochs=50, val_interval=10)
default_hooks = dict(checkpoint=dict(save_best="MR-full-mAP"))
