"""MMCT as its paper trains it ("Implementation Details", Equation 5), with the released alpha and gamma."""

model = dict(
    type="MMCT",
    visual_encoder=dict(type="Precomputed", dim=512, modality="visual", name="clip"),
    audio_encoder=dict(type="Precomputed", dim=2048, modality="audio", name="pann"),
    text_encoder=dict(type="Precomputed", dim=384, modality="text", name="minilm"),
    guider=dict(type="AlignmentGuider", modalities=["visual", "audio"]),
    loss=dict(type="MMCTLoss", unimodal=0.1, fused=0.3, alignment=0.1, regression=0.7),
    selection=dict(type="ClipSelection"),
    clip_seconds=1.0,
    recompute=True,  # 16 videos of half an hour then train within 12 GiB
)
inference = dict(type="RepurposingInference")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=1e-4))
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=5, convert_to_iter_based=True),
]
