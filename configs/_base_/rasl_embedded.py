"""RASL on features that need no weights: lasting change of the picture, and log-mel."""

model = dict(
    type="RASL",
    visual_encoder=dict(type="MotionVisual"),
    audio_encoder=dict(type="LogMelAudio"),
    contrast=dict(type="KPointContrast", k=10),
    masking=dict(type="RandomMask", ratio=0.5),
    clip_seconds=0.2,
)
inference = dict(type="HighlightInference")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="RMSprop", lr=1e-3))
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=1000)
