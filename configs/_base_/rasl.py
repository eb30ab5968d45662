"""RASL as its paper trains it (section III-F); the number of epochs is not given there."""

model = dict(
    type="RASL",
    visual_encoder=dict(type="Precomputed", dim=1024, modality="visual", name="swin_base"),
    audio_encoder=dict(type="Precomputed", dim=768, modality="audio", name="mockingjay"),
    contrast=dict(type="KPointContrast", k=10),
    masking=dict(type="RandomMask", ratio=0.5),
    clip_seconds=0.2,
)
inference = dict(type="HighlightInference")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="RMSprop", lr=1e-3))
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=1000)
