"""UMT as its authors train it on QVHighlights: the base model, at a constant learning rate.

The encoders are the leaf's. On Charades-STA the loss has no saliency, on YouTube Highlights and TVSum nothing
else, and one decoder layer.
"""

model = dict(
    type="UMT",
    num_decoder_layers=3,
    loss=dict(type="UMTLoss", saliency=3.0, center=1.0, window=0.1, offset=1.0),
)
inference = dict(type="MomentInference")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=1e-3, weight_decay=1e-4))
train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=1)
