"""VisionaryVids on QVHighlights: UMT with 2-D positions and a persistent memory, trained by Lion.

The encoders are the leaf's. Learning rate, decay and the width of 64 clips are those of the released code,
16 slots those of the library that it builds on (its own code has none).
"""

model = dict(
    type="VisionaryVids",
    visual_positions=dict(type="GridPositions", width=64, dropout=0.1),
    num_memory_slots=16,
    num_decoder_layers=3,
    loss=dict(type="UMTLoss", saliency=3.0, center=1.0, window=0.1, offset=1.0),
)
inference = dict(type="MomentInference")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="Lion", lr=1e-4, weight_decay=1e-4))
train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=1)
