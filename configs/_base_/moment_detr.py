"""Moment-DETR as its authors train it on QVHighlights, at a constant learning rate and in batches of 32.

The encoders are the leaf's. Where moments are whole clips, as in QVHighlights, it sets round_to_clips.
"""

model = dict(
    type="MomentDETR",
    loss=dict(type="MomentDETRLoss", span=10.0, giou=1.0, label=4.0, saliency=1.0),
)
inference = dict(type="MomentInference")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
)
train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=5)
