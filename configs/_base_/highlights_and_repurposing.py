"""RASL and a small MMCT on one layer over pixels, which both train."""

model = dict(
    type="MultiTask",
    tasks=dict(
        highlights=dict(
            type="RASL",
            visual_encoder=dict(type="AdaptedFeatures", parts=[dict(type="PixelVisual")], dim=128),
            audio_encoder=dict(type="LogMelAudio"),
            contrast=dict(type="KPointContrast", k=10),
            masking=dict(type="RandomMask", ratio=0.5),
            clip_seconds=0.2,
        ),
        repurposing=dict(
            type="MMCT",
            visual_encoder=dict(type="AdaptedFeatures", parts=[dict(type="PixelVisual")], dim=128),
            audio_encoder=dict(type="LogMelAudio"),
            dim=64,
            num_heads=4,
            feedforward_dim=256,
            num_self_layers=1,
            num_fusion_layers=1,
            guider=dict(type="AlignmentGuider", modalities=["visual", "audio"]),
            loss=dict(type="MMCTLoss", unimodal=0.1, fused=0.3, alignment=0.1, regression=0.7),
            selection=dict(type="ClipSelection", min_seconds=3.0),
            clip_seconds=1.0,
        ),
    ),
    shared=["visual"],
    weights=dict(highlights=0.1),  # its losses are about ten times as large
)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=1e-3))
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=5)
