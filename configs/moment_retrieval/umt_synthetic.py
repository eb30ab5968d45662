"""A small UMT with the embedded encoders on the synthetic data set, for a laptop without a model hub.

Run:      vidkit train moment_retrieval/umt_synthetic
Data:     docs/synthetic_data.md
Results:  docs/moment_retrieval.md
"""

_base_ = ["../_base_/umt.py", "../_base_/synthetic_moments.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(type="PixelVisual"),
    audio_encoder=None,
    text_encoder=dict(type="HashedText"),
    dim=64,
    num_heads=4,
    num_decoder_layers=1,
    num_moments=10,
    num_window_clips=75,
    clip_seconds=2.0,
)
train_cfg = dict(max_epochs=40, val_interval=5)
default_hooks = dict(checkpoint=dict(save_best="MR-full-mAP"))
